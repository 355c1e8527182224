// SPDX-License-Identifier: MIT
// The generic timer's arithmetic against DDI 0487 section D12.2, with literal counts.

import { beforeAll, describe, expect, it } from 'vitest';
import { compileAssembly } from '../support/compile-assembly.ts';

interface Timer {
  controlRead(control: number, compare: bigint, count: bigint): number;
  timerValue(compare: bigint, count: bigint): number;
  compareOf(timerValue: number, count: bigint): bigint;
}

const TOP = 0xffff_ffff_ffff_ffffn;
const unsigned = (value: bigint) => BigInt.asUintN(64, value);

let timer: Timer;

beforeAll(async () => {
  const options = ['--runtime', 'stub', '-O1', '--config', 'none'];
  const binary = await compileAssembly('assembly/lib/generic-timer.ts', options);
  timer = (await WebAssembly.instantiate(binary)).instance.exports as unknown as Timer;
}, 60_000);

describe('the generic timer', () => {
  // Control, compare value, count; control as read.
  it.each<[string, number, bigint, bigint, number]>([
    ['off', 0, 100n, 200n, 0],
    ['off and masked', 2, 100n, 200n, 2],
    ['on, before', 1, 100n, 99n, 1],
    ['on, at', 1, 100n, 100n, 5],
    ['on, behind', 1, 100n, TOP, 5],
    ['masked, behind', 3, 100n, 101n, 7],
    ['unsigned', 1, 0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn, 1],
    ['on at once', 1, 0n, 0n, 5],
    ['never', 1, TOP, 0x00ff_ffff_ffff_ffffn, 1],
    ['bits that do not exist', 0xfffffffd, 100n, 99n, 1],
  ])('is %s', (_what, control, compare, count, read) => {
    expect(timer.controlRead(control, compare, count)).toBe(read);
  });

  it.each<[bigint, bigint, number]>([
    [100n, 40n, 60],
    [40n, 100n, -60],
    [0x1_0000_0005n, 3n, 2],
    [1n, TOP, 2],
  ])('compare value %d at %d is the timer value %d', (compare, count, value) => {
    expect(timer.timerValue(compare, count) | 0).toBe(value);
  });

  it.each<[number, bigint, bigint]>([
    [60, 40n, 100n],
    [-60, 100n, 40n],
    [-1, 0n, TOP],
    [0x7fffffff, TOP, 0x7ffffffen],
    [-0x80000000, 0x1_0000_0000n, 0x8000_0000n],
  ])('timer value %d at %d is the compare value %d', (value, count, compare) => {
    expect(unsigned(timer.compareOf(value, count))).toBe(compare);
  });
});

// SPDX-License-Identifier: MIT
// A vCPU's generic timers as seen by the board, against DDI 0487 section D12.2, with
// literal counts.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  ARM64_BANK,
  ARM64_BANK_STRIDE,
  ARM64_CNTP_CTL,
  ARM64_CNTP_CVAL,
  ARM64_CNTV_CTL,
  ARM64_CNTV_CVAL,
  ARM64_COUNT,
  ARM64_VCPU_SIZE,
  BANK_CNTKCTL,
} from '../../../../assembly/layout/arm64-state.ts';
import { Arm64Block } from '../../../../vmm/vcpu/arm64/arm64-block.ts';
import { Arm64Counter } from '../../../../vmm/vcpu/arm64/arm64-counter.ts';
import { Arm64Timers } from '../../../../vmm/vcpu/arm64/arm64-timers.ts';

const TOP = 0xffff_ffff_ffff_ffffn;

let block: Arm64Block;
let timers: Arm64Timers;
let now: bigint;

beforeEach(() => {
  block = new Arm64Block(new WebAssembly.Memory({ initial: 1 }), 0);
  timers = new Arm64Timers(block);
});

describe.each([
  ['virtual', ARM64_CNTV_CTL, ARM64_CNTV_CVAL, 27, 30],
  ['physical', ARM64_CNTP_CTL, ARM64_CNTP_CVAL, 30, 27],
])('the %s timer', (_timer, ctl, cval, own, other) => {
  function set(control: number, compare: bigint, count: bigint): void {
    block.setLong(ctl, BigInt(control));
    block.setLong(cval, compare);
    now = count;
  }

  // Control, compare value, count; line.
  it.each<[string, number, bigint, bigint, boolean]>([
    ['off', 0, 100n, 200n, false],
    ['off and masked', 2, 100n, 200n, false],
    ['on, before', 1, 100n, 99n, false],
    ['on, at', 1, 100n, 100n, true],
    ['on, behind', 1, 100n, TOP, true],
    ['masked, behind', 3, 100n, 101n, false],
    ['unsigned', 1, 0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn, false],
    ['on at once', 1, 0n, 0n, true],
    ['never', 1, TOP, 0x00ff_ffff_ffff_ffffn, false],
    ['bits that do not exist', 0xfffffffd, 100n, 99n, false],
  ])('has its line: %s', (_what, control, compare, count, line) => {
    set(control, compare, count);
    const lines = new Map<number, boolean>();
    timers.tellLines(now, (intid, asserted) => lines.set(intid, asserted));
    expect(lines).toEqual(
      new Map([
        [own, line],
        [other, false],
      ]),
    );
  });

  it('has a deadline while its interrupt can come', () => {
    const deadlines = [0, 1, 2, 3].map((control) => {
      set(control, 77n, 76n);
      return timers.deadline(now);
    });
    expect(deadlines).toEqual([undefined, 77n, undefined, undefined]);
    set(1, 77n, 77n);
    expect(timers.deadline(now)).toBeUndefined();
  });
});

it('the earlier line of the two is the deadline', () => {
  block.setLong(ARM64_CNTV_CTL, 1n);
  block.setLong(ARM64_CNTP_CTL, 1n);
  for (const [virtual, physical] of [
    [60n, 50n],
    [50n, 60n],
  ] as const) {
    block.setLong(ARM64_CNTV_CVAL, virtual);
    block.setLong(ARM64_CNTP_CVAL, physical);
    expect(timers.deadline(0n)).toBe(50n);
  }
});

describe('the event stream', () => {
  // EVNTEN, EVNTDIR and EVNTI of CNTKCTL_EL1; counter, and counter at the next event.
  it.each<[string, number, bigint, bigint | undefined]>([
    ['is off', 0xf8, 5n, undefined],
    ['rises with bit 12', 0xc4, 0n, 0x1000n],
    ['is not at its own transition', 0xc4, 0x1000n, 0x3000n],
    ['is the next one', 0xc4, 0x2fffn, 0x3000n],
    ['falls with bit 12', 0xcc, 0n, 0x2000n],
    ['falls with bit 0', 0x0c, 7n, 8n],
    ['has its longest period', 0xf4, 0x8000n, 0x18000n],
  ])('%s', (_what, control, counter, next) => {
    block.setLong(ARM64_BANK + ARM64_BANK_STRIDE + BANK_CNTKCTL, BigInt(control));
    expect(timers.nextEvent(counter)).toBe(next);
  });
});

it('the counter advances with the instructions of whichever vCPU runs', () => {
  const memory = new WebAssembly.Memory({ initial: (2 * ARM64_VCPU_SIZE) / 0x10000 });
  const [one, other] = [new Arm64Block(memory, 0), new Arm64Block(memory, ARM64_VCPU_SIZE)];
  one.setLong(ARM64_COUNT, 7n);
  const counter = new Arm64Counter(one);
  counter.start(one);
  one.setLong(ARM64_COUNT, 17n);
  expect(counter.now).toBe(10n);
  other.setLong(ARM64_COUNT, 1000n);
  counter.switchTo(other);
  one.setLong(ARM64_COUNT, 99n);
  expect(counter.now).toBe(10n);
  other.setLong(ARM64_COUNT, 1001n);
  counter.switchTo(other);
  expect(counter.now).toBe(11n);
  counter.skipTo(0xffff_ffff_ffff_ffffn);
  other.setLong(ARM64_COUNT, 1003n);
  expect(counter.now).toBe(1n);
});

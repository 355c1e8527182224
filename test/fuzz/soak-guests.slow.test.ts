// SPDX-License-Identifier: MIT
// The guests of the soak: all kinds are drawn, one seed draws the same guests, each ends
// as it should, and one that does not is a finding.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../../devices/testing/index.ts';
import { Host } from '../../vmm/api/index.ts';
import { reactor } from '../support/wat.ts';
import { type SoakGuest, soakGuests } from './soak-guests.ts';
import { FuzzFinding } from './target.ts';

let host: Host;
let draw: Awaited<ReturnType<typeof soakGuests>>;
const leftOut: string[] = [];
beforeAll(async () => {
  host = await Host.create({ iotlbCheck: true });
  draw = await soakGuests((why) => leftOut.push(why));
});
afterAll(() => host.destroy());

const drawn = (seed: number, count: number): SoakGuest[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => draw(random, i % 8));
};

it('all kinds are drawn, and by the same seed the same', () => {
  const kinds = drawn(1, 400).map(({ kind }) => kind);
  const c = leftOut.length === 0 ? ['c'] : [];
  expect([...new Set(kinds)].sort()).toEqual(['abi', 'arm64', ...c, 'toy', 'wasi', 'wat']);
  expect(drawn(1, 400).map(({ kind }) => kind)).toEqual(kinds);
  expect(drawn(2, 400).map(({ kind }) => kind)).not.toEqual(kinds);
  expect(kinds.filter((_, i) => i % 8 === 0)).toEqual(Array(50).fill('toy'));
});

it.each(['abi', 'wasi', 'wat', 'arm64'])('a guest of kind %s does what it should', async (kind) => {
  const some = drawn(3, 400).filter(
    (one) => one.kind === kind && !one.options.transport?.startsWith('m'),
  );
  for (const { options, run } of some.slice(0, 3)) {
    const machine = await host.createMachine(options);
    await run(machine);
    await machine.destroy();
  }
});

it.each(['abi', 'wat'])('one of kind %s that fails is a finding', async (kind) => {
  const guest = drawn(4, 400).find((one) => one.kind === kind);
  const trap = reactor('(func $run (param i32) (result i32) unreachable)', '', 64);
  const machine = await host.createMachine({ guest: trap });
  await expect(guest?.run(machine)).rejects.toThrow(FuzzFinding);
  await machine.destroy();
});

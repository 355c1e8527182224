// SPDX-License-Identifier: MIT
// A unit of one module against one of separate modules: the same commands and accesses
// leave the same bytes in both memories.

import { describe, expect, it } from 'vitest';
import {
  hasMultiMemory,
  loadHotModules,
  loadSeparateModules,
  type SeparateModules,
} from '../../assembly/load.ts';
import { Random } from '../../devices/testing/index.ts';
import type { QueueBlock } from '../../devices/unit/index.ts';
import { prepare } from '../reference/judge.ts';
import { Scenario, type Shape } from '../reference/scenario.ts';
import { Harness } from '../support/unit-harness.ts';

const SID = 5;
const LOG2SIZE = 4;
const STEPS = 400;
const geometry = { granule: 12n, bits: 39n, start: 1, leaf: 3 };
const SHAPE: Shape = { mode: 'nested', stage1: geometry, stage2: geometry };
// TLBI_NH_ALL, NH_ASID, NH_VA, NH_VAA, S12_VMALL, ATC_INV, CMD_SYNC, CFGI_STE, reserved.
const OPCODES = [0x10n, 0x11n, 0x12n, 0x13n, 0x28n, 0x40n, 0x46n, 0x03n, 0xffn];

/** One random step on each of the units. Returns their results. */
function step(random: Random, units: readonly Harness[], address: bigint, prod: number): unknown[] {
  const page = address + (BigInt(random.below(8)) << 12n);
  if (random.below(3) === 0) {
    const write = random.below(2) === 0;
    return units.map((unit) => (write ? unit.write(SID, page) : unit.translate(SID, page)));
  }
  const opcode = OPCODES[random.below(OPCODES.length)] ?? 0n;
  const d0 = opcode | (BigInt(random.below(4)) << 48n) | (BigInt(random.below(8)) << 32n);
  // Now and then PROD is nonsense, the registers are in the wrong place, or an error is
  // acknowledged.
  const value = random.below(20) === 0 ? random.below(2 ** 31) : prod;
  const register = random.below(30) === 0 ? random.below(64) * 4 : 4;
  return units.map((unit) => {
    const { smmu } = unit;
    const { drain } = unit.unit;
    unit.put(prod & ((1 << LOG2SIZE) - 1), d0, page);
    unit.store(1, register, value);
    // What the host does about bad commands: one is published and acknowledged, the
    // others are skipped.
    const published = opcode === 0xffn ? drain.publishError(smmu, 0) : 0;
    unit.store(1, 0x14, unit.page0(0x10));
    const went = [drain.stepOver(smmu, 0), drain.serveParked(smmu), drain.serve(smmu, 0)];
    return [published, ...went, unit.page0(0), unit.page0(0xc), unit.page0(0x10)];
  });
}

/** Bytes of both memories. */
const bytesOf = ({ hostMemory, guestMemory }: Harness): [Buffer, Buffer] => [
  Buffer.from(hostMemory.buffer),
  Buffer.from(guestMemory.buffer),
];

describe.each([['plain', {}] as const, ['checked', { checked: true }] as const])(
  'a merged unit, %s',
  (_, options) => {
    it('is used where the engine supports several memories', async () => {
      const modules = await loadHotModules({}, options);
      expect(Object.keys(modules)).toContain(hasMultiMemory() ? 'smmuUnit' : 'smmuCore');
    });

    // Where the engine does not support multi-memory, both units consist of separate
    // modules, which shows that the comparison is fair.
    it.each([1, 2, 3, 4])('does what separate modules do, seed %i', async (seed) => {
      const separate: SeparateModules = await loadSeparateModules({}, options);
      const units = [separate, await loadHotModules({}, options)].map(
        (modules) => new Harness(modules, {}),
      );
      const queues: QueueBlock[] = [];
      let address = 0n;
      for (const unit of units) {
        prepare(unit);
        const scenario = new Scenario(SHAPE);
        for (const [pa, value] of scenario.words) unit.guestRam64(Number(pa & 0xffff_ffffn), value);
        unit.ste(SID, scenario.ste);
        queues.push(unit.vcmdq(0, 1, { log2size: LOG2SIZE }).queue);
        address = scenario.address;
      }
      const random = new Random(seed);
      for (let i = 0; i < STEPS; i++) {
        const prod = (i + 1) & 0x1f;
        const [before, now] = step(random, units, address, prod);
        expect(now, `step ${i}`).toEqual(before);
      }
      const [[host, guest] = [], [mergedHost, mergedGuest] = []] = units.map(bytesOf);
      if (!host || !guest || !mergedHost || !mergedGuest) throw new Error('no memories');
      expect(mergedHost.equals(host)).toBe(true);
      expect(mergedGuest.equals(guest)).toBe(true);
      expect(queues[0]?.counts.commands).toBeGreaterThan(100);
      for (const unit of units) unit.findings();
    });
  },
);

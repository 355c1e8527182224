// SPDX-License-Identifier: MIT
// 52-bit addresses with granules of 4 and 16 KiB (IDR5.DS): how they are cached, and
// which commands remove them. test/reference checks the walks themselves.

import { beforeEach, describe, expect, it } from 'vitest';
import { SMMU_AT_IDR5 } from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_ABORT, TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { LINEAR, prepare } from '../reference/judge.ts';
import { Scenario } from '../reference/scenario.ts';
import { type Harness, harness } from '../support/unit-harness.ts';

/** OAS and VAs of 52 bits, all granules; with and without DS. */
const IDR5_DS = 0x4f6;
const IDR5_NO_DS = 0x476;
/** VMID of the scenario's STE. */
const VMID = 7;
/** TLBI_NH_VA of ASID 1. */
const NH_VA = 0x0001_0000_0000_0012n;
const TG_4K = 1n << 10n;
const TG_16K = 2n << 10n;

let h: Harness;
/** Number of commands sent so far. */
let sent: number;

function install(scenario: Scenario): void {
  for (const [pa, value] of scenario.words) h.guestRam64(Number(pa & 0xffff_ffffn), value);
  h.ste(LINEAR.sid, scenario.ste);
}

function scenarioOf(granule: bigint, start: number, leaf: number): Scenario {
  const stage1 = { granule, bits: 52n, start, leaf };
  const scenario = new Scenario({ mode: 'stage 1', stage1, stage2: stage1, wide: true, ds: true });
  install(scenario);
  return scenario;
}

function unmap(scenario: Scenario): void {
  h.guestRam64(Number((scenario.slots1.get(scenario.shape.stage1.leaf) ?? 0n) & 0xffff_ffffn), 0n);
}

function command(d0: bigint, d1: bigint): void {
  h.put(sent, d0, d1);
  sent++;
  h.store(1, 4, sent);
}

const statusOf = ({ address }: Scenario) => h.translate(LINEAR.sid, address).status;

beforeEach(async () => {
  h = await harness();
  prepare(h);
  h.set(SMMU_AT_IDR5, IDR5_DS);
  h.vcmdq(0, 1).context.vmid = VMID;
  sent = 0;
});

describe('an entry of LPA2 tables', () => {
  it.each([
    ['a page of 4 KiB below level -1', 12n, -1, 3],
    ['a block of 512 GiB', 12n, -1, 0],
    ['a block of 64 GiB', 14n, 0, 1],
  ])('%s is cached until a TLBI_NH_VA of its address', (_, granule, start, leaf) => {
    const scenario = scenarioOf(granule, start, leaf);
    expect(statusOf(scenario)).toBe(TRANSLATE_OK);
    unmap(scenario);
    expect(statusOf(scenario)).toBe(TRANSLATE_OK);
    command(NH_VA, scenario.address & ~0xfffn);
    expect(statusOf(scenario)).toBe(TRANSLATE_ABORT);
  });

  it('works for a range whose SCALE uses bit 5', () => {
    const scenario = scenarioOf(12n, -1, 3);
    statusOf(scenario);
    unmap(scenario);
    // 2^32 pages of 4 KiB, starting 8 TiB below.
    const range = [
      NH_VA | (32n << 20n),
      ((scenario.address & ~0xfffn) - (1n << 43n)) | TG_4K,
    ] as const;
    h.set(SMMU_AT_IDR5, IDR5_NO_DS);
    command(range[0] | (1n << 12n), range[1]);
    h.set(SMMU_AT_IDR5, IDR5_DS);
    expect(statusOf(scenario), 'without DS the bit is reserved').toBe(TRANSLATE_OK);
    command(...range);
    expect(statusOf(scenario)).toBe(TRANSLATE_ABORT);
  });

  it('works with a level-1 hint of 16 KiB granules, which is reserved without DS', () => {
    const scenario = scenarioOf(14n, 0, 1);
    statusOf(scenario);
    unmap(scenario);
    command(NH_VA, (scenario.address & ~0xf_ffff_ffffn) | TG_16K | (1n << 8n));
    expect(statusOf(scenario)).toBe(TRANSLATE_ABORT);
  });
});

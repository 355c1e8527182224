// SPDX-License-Identifier: MIT
// Changes that the configuration cache and the IOTLB must not hide: level-1 descriptors
// written without a command, CDs of single SubstreamIDs, dirty state, the top byte of an
// address.

import { beforeEach, describe, expect, it } from 'vitest';
import { CFG_SETS, CFG_WAYS } from '../../assembly/layout/config-cache-memory.ts';
import { SMMU_AT_STRTAB_CFG } from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_ABORT, TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { prepare } from '../reference/judge.ts';
import { Scenario, type Shape } from '../reference/scenario.ts';
import { type Harness, harness } from '../support/unit-harness.ts';

const SID = 5;
const STREAM_TABLE = 0x10000;
const LEVEL2 = 0x20000;
const geometry = { granule: 12n, bits: 39n, start: 1, leaf: 3 };
const STAGE1: Shape = { mode: 'stage 1', stage1: geometry, stage2: geometry };
const CFGI_ALL = [0x04n, 31n] as const;

let h: Harness;

const offset = (pa: bigint) => Number(pa & 0xffff_ffffn);
const read = (pa: bigint) => h.guestBytes.getBigUint64(offset(pa) - 0x80000000, true);

function install(scenario: Scenario): Scenario {
  for (const [pa, value] of scenario.words) h.guestRam64(offset(pa), value);
  h.ste(SID, scenario.ste);
  return scenario;
}

beforeEach(async () => {
  h = await harness();
  prepare(h);
});

describe('the configuration cache', () => {
  it('keeps no invalid level-1 stream table descriptor: Linux makes it valid without a command', () => {
    const scenario = install(new Scenario(STAGE1));
    // FMT 2-level, SPLIT 8, 16 bits.
    h.set(SMMU_AT_STRTAB_CFG, 0x10210);
    h.hostRam64(STREAM_TABLE, 0n);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([['500000002', '0', '0', '0']]);
    scenario.ste.forEach((word, i) => {
      h.hostRam64(LEVEL2 + SID * 64 + i * 8, word);
    });
    h.hostRam64(STREAM_TABLE, BigInt(LEVEL2 | 9));
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
  });

  it('has the CDs of as many SubstreamIDs as S1CDMax says', () => {
    const scenario = install(new Scenario({ ...STAGE1, ssid: 3n }));
    const [word0 = 0n, ...rest] = scenario.ste;
    h.ste(SID, [(word0 & ~(31n << 59n)) | (2n << 59n), ...rest]);
    expect(h.translate(SID, scenario.address, 0, 3).status).toBe(TRANSLATE_OK);
    expect(h.translate(SID, scenario.address, 0, 4).status).toBe(TRANSLATE_ABORT);
    // C_BAD_SUBSTREAMID.
    expect(h.events()).toEqual([['500004008', '0', '0', '0']]);
  });

  it('drops the CD of a SubstreamID with CFGI_CD, whose SSV is reserved, and no other', () => {
    const scenario = install(new Scenario({ ...STAGE1, cdFormat: 1n, ssid: 3n }));
    const other = new Scenario({ ...STAGE1, cdFormat: 1n, ssid: 4n });
    install(other);
    for (const ssid of [3, 4])
      expect(h.translate(SID, scenario.address, 0, ssid).status).toBe(TRANSLATE_OK);
    for (const { cd } of [scenario, other]) h.guestRam64(offset(cd), 0n);
    h.mainCommand(0x0000_0005_0000_3005n, 1n);
    expect(h.translate(SID, scenario.address, 0, 3).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([['50000380a', '0', '0', '0']]);
    expect(h.translate(SID, scenario.address, 0, 4).status).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual(['CFGI_CD SubstreamID=0x4 StreamID=0x5 Leaf=0x1']);
  });
});

describe('a set of the configuration cache', () => {
  it('that is full evicts the oldest', () => {
    const scenario = install(new Scenario(STAGE1));
    // Linear, 16 bits: the StreamIDs of one set are CFG_SETS apart.
    h.set(SMMU_AT_STRTAB_CFG, 16);
    const sids = Array.from({ length: CFG_WAYS + 2 }, (_, i) => SID + i * CFG_SETS);
    const translates = (sid: number) => h.translate(sid, scenario.address).status === TRANSLATE_OK;
    for (const sid of sids) {
      h.ste(sid, scenario.ste);
      expect(translates(sid)).toBe(true);
    }
    // What is still cached does not see that its STE is invalid now.
    for (const sid of sids) h.ste(sid, [0n]);
    const [first = 0, second = 0, ...cached] = sids;
    expect(cached.map(translates)).toEqual(cached.map(() => true));
    expect([translates(first), translates(second)]).toEqual([false, false]);
    h.findings();
  });
});

describe('STE.CONT', () => {
  const CONT_2 = 1n << 13n;
  /** CFG_CONFLICT records of stream 5 and of another one, whose STE says CONT, and MEV too. */
  function conflicts(other: number): string[] {
    const scenario = install(new Scenario(STAGE1));
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    const [word0 = 0n, word1 = 0n, ...rest] = scenario.ste;
    h.ste(other, [word0, word1 | CONT_2 | (1n << 19n), ...rest]);
    h.translate(other, scenario.address);
    return h.events().map(([word = '']) => word);
  }

  it('conflicts with a cached STE of its span', () => {
    expect(conflicts(4)).toEqual(['400000021']);
  });

  it.each([6, 7])('does not conflict with one of the next span: stream %i', (other) => {
    expect(conflicts(other)).toEqual([]);
  });
});

describe('the IOTLB', () => {
  it('refuses an address with another top byte, unless TBI is set', () => {
    const scenario = install(new Scenario(STAGE1));
    const tagged = scenario.address | (0x5an << 56n);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    expect(h.translate(SID, tagged).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([['500000010', '20800000000', tagged.toString(16), '0']]);
    h.guestRam64(offset(scenario.cd), scenario.get(scenario.cd) | (1n << 38n));
    h.mainCommand(...CFGI_ALL);
    expect(h.translate(SID, tagged).status).toBe(TRANSLATE_OK);
  });

  it('does not use a cached read for a write to a clean page: the write makes it dirty first', () => {
    const scenario = new Scenario(STAGE1);
    const leaf = scenario.slots1.get(3) ?? 0n;
    scenario.change(scenario.cd, 3n << 42n);
    scenario.change(leaf, (1n << 51n) | (1n << 7n));
    install(scenario);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    expect(read(leaf)).toBe(scenario.get(leaf));
    expect(h.write(SID, scenario.address).status).toBe(TRANSLATE_OK);
    expect(read(leaf)).toBe(scenario.get(leaf) & ~(1n << 7n));
  });

  it('does not use it for a page that is clean in stage 2 either', () => {
    const scenario = new Scenario({ ...STAGE1, mode: 'stage 2' });
    const leaf = scenario.slots2.get(3) ?? 0n;
    // DBM, and S2AP without write permission.
    scenario.change(leaf, 1n << 51n, 1n << 7n);
    // S2HD and S2HA.
    scenario.ste[2] = (scenario.ste[2] ?? 0n) | (3n << 55n);
    install(scenario);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    expect(read(leaf)).toBe(scenario.get(leaf));
    expect(h.write(SID, scenario.address).status).toBe(TRANSLATE_OK);
    expect(read(leaf)).toBe(scenario.get(leaf) | (1n << 7n));
  });
});

// SPDX-License-Identifier: MIT
// The checked SMMU core: what it suspects, what it ignores, and that it has no side
// effects.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  ACCESS_INSTRUCTION,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../../assembly/layout/access.ts';
import { CHECK_RING_SLOTS } from '../../assembly/layout/check-memory.ts';
import { THREAD_STRIDE } from '../../assembly/layout/host-memory.ts';
import { SMMU_AT_IDR5 } from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { isChecked, loadHotModules } from '../../assembly/load.ts';
import { ContextBlock } from '../../devices/unit/index.ts';
import { DS_SHAPES, DS_STAGE2 } from '../reference/geometries.ts';
import { idr5Of, prepare, referenceOf } from '../reference/judge.ts';
import { Scenario, type Shape } from '../reference/scenario.ts';
import { checkedModules } from '../support/findings.ts';
import { Harness } from '../support/unit-harness.ts';

const SID = 5;
const geometry = { granule: 12n, bits: 39n, start: 1, leaf: 3 };
const STAGE1: Shape = { mode: 'stage 1', stage1: geometry, stage2: geometry };
const NESTED: Shape = { ...STAGE1, mode: 'nested' };
const STAGE2: Shape = { ...STAGE1, mode: 'stage 2' };
/**
 * Descriptor bits: valid, AF, AP[1] privileged only, AP[2] read-only, nG, DBM; S2AP
 * write.
 */
const [VALID, AF, RO, DBM] = [1n, 1n << 10n, 1n << 7n, 1n << 51n];
const SOFTWARE = 1n << 55n;
/** AP, PXN and XN. */
const PERMISSIONS = (3n << 6n) | (3n << 53n);

const checked = await checkedModules();
let h: Harness;

const offset = (pa: bigint) => Number(pa & 0xffff_ffffn);

function install(on: Harness, shape: Shape): Scenario {
  const scenario = new Scenario(shape);
  for (const [pa, value] of scenario.words) on.guestRam64(offset(pa), value);
  on.ste(SID, scenario.ste);
  return scenario;
}

/** Sets and clears bits of a descriptor without an invalidation. */
function change(scenario: Scenario, pa: bigint | undefined, set: bigint, clear = 0n): void {
  scenario.change(pa ?? 0n, set, clear);
  h.guestRam64(offset(pa ?? 0n), scenario.get(pa ?? 0n));
}

beforeEach(() => {
  h = new Harness(checked, {});
  prepare(h);
});

describe('the checked core', () => {
  it('has the exports of the plain one, and one that identifies it', async () => {
    const names = (modules: typeof checked) =>
      WebAssembly.Module.exports('smmuUnit' in modules ? modules.smmuUnit : modules.smmuCore).map(
        ({ name }) => name,
      );
    const plain = await loadHotModules();
    expect([isChecked(checked), isChecked(plain)]).toEqual([true, false]);
    // It checks page by page.
    const common = names(plain).filter((name) => name !== 'translateSegments');
    expect(names(checked).sort()).toEqual([...common, 'checked'].sort());
  });

  it.each([STAGE1, STAGE2, NESTED])(
    'leaves results, events and thread block of $mode as they are without it',
    async (shape) => {
      const plain = new Harness(await loadHotModules(), {});
      prepare(plain);
      const blocks = [plain, h].map((on) => {
        const { address, slots1, slots2 } = install(on, shape);
        const leaf = (shape.mode === 'stage 2' ? slots2 : slots1).get(3) ?? 0n;
        const results = [
          on.translate(SID, address),
          on.translate(SID, address),
          on.write(SID, address),
        ];
        on.guestRam64(offset(leaf), 0n);
        results.push(on.translate(SID, address), on.translate(SID, address + 0x100000n));
        const block = new Uint8Array(
          on.hostMemory.buffer,
          on.unit.threadBlock.address,
          THREAD_STRIDE,
        ).slice();
        return { results, events: on.events(), block };
      });
      expect(blocks[1]).toEqual(blocks[0]);
      expect(h.findings().length).toBe(1);
    },
  );

  it.each([
    ['a cleared access flag', 0n, AF],
    ['a clean page that hardware may make dirty', RO | DBM, 0n],
    ['a bit of software', SOFTWARE, 0n],
    ['another memory type', 0n, 7n << 2n],
  ])('%s needs no TLBI', (_name, set, clear) => {
    const scenario = new Scenario(STAGE1);
    // HA and HD.
    scenario.change(scenario.cd, 3n << 42n);
    for (const [pa, value] of scenario.words) h.guestRam64(offset(pa), value);
    h.ste(SID, scenario.ste);
    expect(h.write(SID, scenario.address).status).toBe(TRANSLATE_OK);
    change(scenario, scenario.slots1.get(3), set, clear);
    const leaf = scenario.get(scenario.slots1.get(3) ?? 0n);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    expect([h.missing(), h.sanitizerCounts?.suspects]).toEqual([[], 0]);
    // And the walk has set none of these.
    expect(h.guestBytes.getBigUint64(offset(scenario.slots1.get(3) ?? 0n) - 0x80000000, true)).toBe(
      leaf,
    );
  });

  it('permissions that are narrowed need one', () => {
    const scenario = install(h, STAGE1);
    expect(h.translate(SID, scenario.address, ACCESS_WRITE).status).toBe(TRANSLATE_OK);
    change(scenario, scenario.slots1.get(3), RO);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual(['TLBI_NH_VA VMID=0x7 ASID=0x1 Leaf=0x1 Address=0x3c96e12000']);
  });

  // Every pair of permissions of a page, judged by who may do what: an access that is
  // possible through the entry and no longer through the tables is a finding. Execute
  // permission that is removed because write or unprivileged access was added (WXN, DDI
  // 0487 section D8.4) belongs to that widening.
  it.each([
    ['without WXN', 0n],
    ['with WXN', 1n << 36n],
  ])('permissions that are widened need none, %s', (_name, wxn) => {
    const scenario = new Scenario(STAGE1);
    scenario.change(scenario.cd, wxn);
    const leaf = scenario.slots1.get(3) ?? 0n;
    const base = scenario.get(leaf) & ~PERMISSIONS;
    const kinds = [false, true].flatMap((privileged) => [
      { privileged },
      { privileged, write: true },
      { privileged, instruction: true },
    ]);
    const allowed = (bits: bigint) => {
      scenario.set(leaf, base | bits);
      return kinds.filter((kind) => referenceOf(scenario, kind).pa !== undefined);
    };
    const all = Array.from(
      { length: 16 },
      (_, i) => (BigInt(i & 3) << 6n) | (BigInt(i >> 2) << 53n),
    );
    let narrowed = 0;
    for (const old of all) {
      const before = allowed(old);
      for (const now of all) {
        const after = allowed(now);
        const data = (of: typeof kinds) => of.filter(({ instruction }) => !instruction);
        const lost = before.filter((kind) => !after.includes(kind));
        const gained = data(after).some((kind) => !before.includes(kind));
        const wrong = gained ? data(lost).length > 0 : lost.length > 0;
        scenario.set(leaf, base | old);
        for (const [pa, value] of scenario.words) h.guestRam64(offset(pa), value);
        h.ste(SID, scenario.ste);
        h.mainCommand(0x30n);
        const [use] = before;
        const attributes =
          (use?.privileged ? ACCESS_PRIVILEGED : 0) | (use?.instruction ? ACCESS_INSTRUCTION : 0);
        expect(h.translate(SID, scenario.address, attributes).status).toBe(TRANSLATE_OK);
        h.guestRam64(offset(leaf), base | now);
        expect(h.translate(SID, scenario.address, attributes).status).toBe(TRANSLATE_OK);
        expect(h.missing().length, `${old.toString(16)} to ${now.toString(16)}`).toBe(
          wrong ? 1 : 0,
        );
        narrowed += wrong ? 1 : 0;
      }
    }
    expect(narrowed).toBeGreaterThan(50);
  });

  it.each([
    [
      'a table of stage 1',
      STAGE1,
      (scenario: Scenario) => scenario.slots1.get(2),
      'TLBI_NH_VA VMID=0x7 ASID=0x1 Leaf=0x0 Address=0x3c96e12000',
    ],
    [
      'the leaf of stage 2',
      STAGE2,
      (scenario: Scenario) => scenario.slots2.get(3),
      'TLBI_S2_IPA VMID=0x7 Leaf=0x0 Address=0x3c96e12000',
    ],
    [
      'stage 2 under both',
      NESTED,
      (scenario: Scenario) => scenario.slots2.get(3),
      'TLBI_S12_VMALL VMID=0x7',
    ],
  ] as const)('%s names its command', (_name, shape, slot, command) => {
    const scenario = install(h, shape);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    change(scenario, slot(scenario), 0n, VALID);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual([command]);
  });

  it.each([
    ['CD.DS', 'stage 1', 'CFGI_CD SubstreamID=0x0 StreamID=0x5 Leaf=0x1'],
    ['STE.S2DS', 'stage 2', 'CFGI_STE StreamID=0x5 Leaf=0x1'],
  ] as const)('%s needs a CFGI where there is one', (_name, mode, command) => {
    const [stage1] = DS_SHAPES;
    const [stage2] = DS_STAGE2;
    if (!stage1 || !stage2) throw new Error('no geometry');
    const shape: Shape = { mode, stage1, stage2, wide: true, ds: true };
    h.set(SMMU_AT_IDR5, idr5Of(shape));
    const scenario = install(h, shape);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    if (mode === 'stage 1') change(scenario, scenario.cd + 16n, 0n, 1n << 58n);
    else h.ste(SID, [...scenario.ste.slice(0, 3), (scenario.ste[3] ?? 0n) & ~8n]);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual([command]);
  });

  it.each([
    ['AFFD', 35n],
    ['WXN', 36n],
    ['UWXN', 37n],
    ['TBI0', 38n],
    ['TBI1', 39n],
    ['PAN', 40n],
    ['R', 45n],
  ])('CD.%s needs a CFGI_CD', (_name, bit) => {
    const scenario = install(h, STAGE1);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    const is = (scenario.get(scenario.cd) >> bit) & 1n;
    change(scenario, scenario.cd, (1n - is) << bit, is << bit);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual(['CFGI_CD SubstreamID=0x0 StreamID=0x5 Leaf=0x1']);
  });

  it.each([
    ['S2AFFD', 53n],
    ['S2S', 57n],
    ['S2R', 58n],
  ])('STE.%s needs a CFGI_STE where there is a stage 2, and only there', (_name, bit) => {
    for (const shape of [STAGE1, STAGE2, NESTED]) {
      h = new Harness(checked, {});
      prepare(h);
      const scenario = install(h, shape);
      expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
      const word = (scenario.ste[2] ?? 0n) ^ (1n << bit);
      h.ste(SID, [...scenario.ste.slice(0, 2), word, scenario.ste[3] ?? 0n]);
      expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
      const command = shape === STAGE1 ? [] : ['CFGI_STE StreamID=0x5 Leaf=0x1'];
      expect([shape.mode, h.missing()]).toEqual([shape.mode, command]);
    }
  });

  it('reports an entry once, and counts what does not fit into the ring', () => {
    const scenario = install(h, STAGE1);
    const leaf = scenario.slots1.get(3) ?? 0n;
    const first = leaf & ~0xfffn;
    const base = scenario.address & ~0x1f_ffffn;
    const pages = 100;
    const page = (i: number) => base + (BigInt(i) << 12n);
    for (let i = 0; i < pages; i++) h.guestRam64(offset(first) + 8 * i, scenario.get(leaf));
    for (let i = 0; i < pages; i++) expect(h.translate(SID, page(i)).status).toBe(TRANSLATE_OK);
    for (let i = 0; i < pages; i++) h.guestRam64(offset(first) + 8 * i, 0n);
    for (let i = 0; i < pages; i++) h.translate(SID, page(i));
    expect(h.sanitizerCounts).toMatchObject({ suspects: pages, lost: pages - CHECK_RING_SLOTS });
    expect(h.findings().length).toBe(CHECK_RING_SLOTS);
    // Suspects that were dropped are found now, the others not again.
    for (let i = 0; i < pages; i++) h.translate(SID, page(i));
    expect(h.findings().length).toBe(pages - CHECK_RING_SLOTS);
  });

  it('forgets a suspect that is invalidated later', () => {
    const scenario = install(h, STAGE1);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    change(scenario, scenario.slots1.get(3), 0n, VALID);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    h.mainCommand(0x30n);
    expect([h.missing(), h.sanitizerCounts?.suspects]).toEqual([[], 1]);
  });

  it.each([
    ['CFGI_CD', 0x05n | (BigInt(SID) << 32n), 1n],
    ['CFGI_STE', 0x03n | (BigInt(SID) << 32n), 1n],
    ['CFGI_ALL', 0x04n, 31n],
  ])('forgets a suspect of the configuration whose %s comes', (_name, d0, d1) => {
    const scenario = install(h, STAGE1);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    // CD.PAN.
    change(scenario, scenario.cd, 1n << 40n);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    h.mainCommand(d0, d1);
    expect([h.missing(), h.sanitizerCounts?.suspects]).toEqual([[], 1]);
  });
});

// Entries that an SMMU may keep although this model drops them.
describe('the shadow', () => {
  /** Descriptor types: a block, a table; nG, AF and inner shareable. */
  const BLOCK = 0xf45n;
  const VA = 0x3c96e12000n;
  /** TG of 4 KiB, and Leaf. */
  const TG_4K = 1n << 10n;
  const LEAF = 1n;
  beforeEach(() => {
    // The SMMU's own queue uses VMIDs as written.
    new ContextBlock(h.hostMemory, 0, 0).hypOwn = true;
  });

  const tlbi = (va: bigint, bits: bigint, d0 = 0n) =>
    h.mainCommand((1n << 48n) | (7n << 32n) | d0 | 0x12n, (va & ~0xfffn) | bits);

  function withBlock(): { scenario: Scenario; slot: bigint } {
    const scenario = install(h, STAGE1);
    const slot = scenario.slots1.get(2) ?? 0n;
    h.guestRam64(offset(slot), (scenario.get(scenario.slots1.get(3) ?? 0n) & ~0x1f_ffffn) | BLOCK);
    return { scenario, slot };
  }

  it.each([
    ['TTL 3', TG_4K | (3n << 8n) | LEAF, 1],
    ['TTL 1', TG_4K | (1n << 8n) | LEAF, 1],
    ['TTL 2', TG_4K | (2n << 8n) | LEAF, 0],
    ['no TG', (3n << 8n) | LEAF, 0],
  ])('a level-2 block needs a TLBI of its level: %s', (_name, bits, expected) => {
    const { scenario, slot } = withBlock();
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    h.guestRam64(offset(slot), 0n);
    tlbi(scenario.address & ~0x1f_ffffn, bits);
    expect(h.translate(SID, scenario.address).status).not.toBe(TRANSLATE_OK);
    h.events();
    const findings = h.findings();
    expect(findings.map(({ kind, command }) => [kind, command.text])).toEqual(
      Array.from({ length: expected }, () => [
        'IOTLB',
        'TLBI_NH_VA VMID=0x7 ASID=0x1 Leaf=0x1 Address=0x3c96e00000',
      ]),
    );
    for (const { because } of findings) expect(because).toContain('TTL');
  });

  it('the leaf of a mapping is remembered as well as the tables above it, for any ASID', () => {
    for (let asid = 0; asid < 64; asid++) {
      const scenario = install(h, STAGE1);
      const cd0 = scenario.get(scenario.cd) & ~(0xffffn << 48n);
      h.guestRam64(offset(scenario.cd), cd0 | (BigInt(asid) << 48n));
      h.mainCommand(0x4n, 31n);
      expect(h.translate(SID, VA).status).toBe(TRANSLATE_OK);
      h.guestRam64(offset(scenario.slots1.get(3) ?? 0n), 0n);
      // Of another level than that of the page.
      const tag = (BigInt(asid) << 48n) | (7n << 32n);
      h.mainCommand(tag | 0x12n, (VA & ~0xfffn) | TG_4K | (2n << 8n) | LEAF);
      expect(h.translate(SID, VA).status).not.toBe(TRANSLATE_OK);
      expect([asid, h.missing().length]).toEqual([asid, 1]);
      h.mainCommand(0x30n);
    }
    h.events();
  });

  it('a page of the level that TTL names, and a range without TTL, are enough', () => {
    for (const [bits, d0] of [
      [TG_4K | (3n << 8n) | LEAF, 0n],
      [TG_4K | LEAF, 1n << 12n],
    ] as const) {
      const scenario = install(h, STAGE1);
      expect(h.translate(SID, VA).status).toBe(TRANSLATE_OK);
      h.guestRam64(offset(scenario.slots1.get(3) ?? 0n), 0n);
      tlbi(VA, bits, d0);
      expect(h.translate(SID, VA).status).not.toBe(TRANSLATE_OK);
      expect(h.missing()).toEqual([]);
      h.mainCommand(0x30n);
    }
    h.events();
  });

  it.each([
    ['Leaf = 1', LEAF, 0, 1],
    ['Leaf = 0', 0n, 0, 0],
    ['Leaf = 0 of another page of the table', 0n, 0x5000, 0],
    ['Leaf = 0 of another table', 0n, 0x20_0000, 1],
  ])('a table that is removed needs Leaf = 0: %s', (_name, leaf, away, expected) => {
    const scenario = install(h, STAGE1);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    change(scenario, scenario.slots1.get(2), 0n, VALID);
    tlbi(scenario.address, LEAF);
    tlbi(scenario.address + BigInt(away), leaf);
    expect(h.translate(SID, scenario.address).status).not.toBe(TRANSLATE_OK);
    h.events();
    expect(h.findings().map(({ kind, command, now }) => [kind, now, command.text])).toEqual(
      Array.from({ length: expected }, () => [
        'table',
        'F_TRANSLATION',
        'TLBI_NH_VA VMID=0x7 ASID=0x1 Leaf=0x0 Address=0x3c96e00000',
      ]),
    );
  });

  it.each([
    ['TLBI_NH_ASID', (7n << 32n) | (1n << 48n) | 0x11n],
    ['TLBI_S12_VMALL', (7n << 32n) | 0x28n],
    ['TLBI_NSNH_ALL', 0x30n],
  ])('%s removes tables too', (_name, command) => {
    const scenario = install(h, NESTED);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    change(scenario, scenario.slots1.get(2), 0n, VALID);
    h.mainCommand(command);
    expect(h.translate(SID, scenario.address).status).not.toBe(TRANSLATE_OK);
    h.events();
    expect(h.missing()).toEqual([]);
  });

  it.each([
    ['STE', 'CFGI_STE StreamID=0x5 Leaf=0x1', 0x3n, '4'],
    ['CD', 'CFGI_CD SubstreamID=0x0 StreamID=0x5 Leaf=0x1', 0x5n, 'a'],
  ])('a %s that becomes valid needs a CFGI', (kind, command, opcode, event) => {
    const invalid = () => {
      const scenario = install(h, STAGE1);
      if (kind === 'STE') h.ste(SID, [(scenario.ste[0] ?? 0n) & ~1n, ...scenario.ste.slice(1)]);
      else change(scenario, scenario.cd, 0n, 1n << 31n);
      expect(h.translate(SID, scenario.address).status).not.toBe(TRANSLATE_OK);
      expect(h.events().map(([dw0 = '']) => dw0.slice(-1))).toEqual([event]);
      return scenario;
    };
    const valid = (scenario: Scenario) => {
      if (kind === 'STE') h.ste(SID, scenario.ste);
      else change(scenario, scenario.cd, 1n << 31n);
    };
    const first = invalid();
    valid(first);
    expect(h.translate(SID, first.address).status).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual([command]);

    h.mainCommand((BigInt(SID) << 32n) | opcode, 1n);
    const second = invalid();
    valid(second);
    h.mainCommand((BigInt(SID) << 32n) | opcode, 1n);
    expect(h.translate(SID, second.address).status).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual([]);
  });

  it('CFGI_CD is not for an STE', () => {
    const scenario = install(h, STAGE1);
    h.ste(SID, [1n]);
    expect(h.translate(SID, scenario.address).status).not.toBe(TRANSLATE_OK);
    h.ste(SID, scenario.ste);
    h.mainCommand((BigInt(SID) << 32n) | 5n, 1n);
    expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual(['CFGI_STE StreamID=0x5 Leaf=0x1']);
  });
});

// SPDX-License-Identifier: MIT
// Drivers that unmap leaves and invalidate, either by one command of several that are
// sufficient, or by one that is not: the checked core reports nothing for the former and
// something for the latter, for every granule, size, stage and queue.

import { describe, expect, it } from 'vitest';
import { SMMU_AT_IDR5 } from '../../assembly/layout/smmu-memory.ts';
import { STE_S2VMID } from '../../assembly/layout/ste.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { setField } from '../../devices/plugin/index.ts';
import {
  contextDescriptor,
  GRANULE_4K,
  GRANULE_16K,
  GRANULE_64K,
  type Granule,
  nestedSte,
  PageTable,
  S1_READ_WRITE,
  S2_READ_WRITE,
  stage1Ste,
  stage2Ste,
  storeStructure,
} from '../../devices/tables/index.ts';
import { Random } from '../../devices/testing/index.ts';
import { ContextBlock } from '../../devices/unit/index.ts';
import { prepare } from '../reference/judge.ts';
import { checkedModules } from '../support/findings.ts';
import { steps } from '../support/thorough.ts';
import { Harness, IDR5, RAM_GPA, WINDOW } from '../support/unit-harness.ts';

type Mode = 'stage 1' | 'stage 2' | 'nested' | 'nested, by a VCMDQ';
type Command = readonly [d0: bigint, d1: bigint];

const SID = 5;
const VMID = 7n;
const ASID = 1n;
const PA = WINDOW * 2 ** 32;
const RAM = RAM_GPA + 0x100000;
const RAM_SIZE = 0x700000;
const CD = RAM + 0x90000;
const STAGE1_TABLES = RAM + 0xa0000;
const STAGE2_TABLES = 0x80000;
const DATA = RAM_GPA + 0x400000;
const MIB2 = 0x200000;
const ALL_GRANULES = 0x70;
const ROUNDS = steps(100, 5000);
const [NH_ALL, NH_ASID, NH_VA, NH_VAA] = [0x10n, 0x11n, 0x12n, 0x13n];
const [S12_VMALL, S2_IPA, NSNH_ALL] = [0x28n, 0x2an, 0x30n];

const checked = await checkedModules();

/** A stream, its tables, and a queue. */
function streamOf(mode: Mode, granule: Granule, under: Granule, blocks: boolean) {
  const h = new Harness(checked, {});
  prepare(h);
  h.set(SMMU_AT_IDR5, IDR5 | ALL_GRANULES);
  // The SMMU's own queue uses VMIDs as written.
  new ContextBlock(h.hostMemory, 0, 0).hypOwn = true;
  const host = h.hostTables(STAGE2_TABLES);
  const base = mode === 'stage 1' ? PA : 0;
  const guest = h.guestTables(base + STAGE1_TABLES, base);
  const stage2 = (of: Granule) => new PageTable(host, { stage: 2, granule: of, inputBits: 40 });
  const vmOf = ({ root }: PageTable, of: Granule) => ({
    vmid: Number(VMID),
    ttb: root,
    inputBits: 40,
    granule: of,
  });
  const install = (ste: Uint32Array) => {
    setField(ste, STE_S2VMID, Number(VMID));
    h.ste(SID, [...new BigUint64Array(ste.buffer)]);
  };
  let table: PageTable;
  if (mode === 'stage 2') {
    table = stage2(granule);
    install(stage2Ste(vmOf(table, granule)));
  } else {
    table = new PageTable(guest, { stage: 1, granule: granule, inputBits: 39 });
    const lower = { ttb: table.root, inputBits: 39, granule: granule };
    storeStructure(guest, base + CD, contextDescriptor({ asid: Number(ASID), lower }));
    const below = stage2(under);
    below.map(RAM, PA + RAM, RAM_SIZE, S2_READ_WRITE, { blocks });
    const stage1 = { contextPtr: base + CD };
    install(mode === 'stage 1' ? stage1Ste(stage1) : nestedSte(stage1, vmOf(below, under)));
  }
  const byVcmdq = mode === 'nested, by a VCMDQ';
  if (byVcmdq) h.vcmdq(0, 1, { vmid: Number(VMID) });
  let prod = 0;
  return {
    h,
    table,
    byVcmdq,
    data: mode === 'stage 1' || mode === 'stage 2' ? PA + DATA : DATA,
    attributes: mode === 'stage 2' ? S2_READ_WRITE : S1_READ_WRITE,
    accepts: (address: bigint) => h.translate(SID, address).status === TRANSLATE_OK,
    send(d0: bigint, d1: bigint): void {
      if (!byVcmdq) {
        h.mainCommand(d0, d1);
        return;
      }
      h.put(prod % 16, d0, d1);
      prod = (prod + 1) % 32;
      h.store(1, 4, prod);
    },
  };
}

/** Commands that are each sufficient for a leaf, and commands that are not. */
function commandsFor(
  random: Random,
  mode: Mode,
  leaf: { at: number; size: number; level: number; granule: Granule },
) {
  const byVcmdq = mode === 'nested, by a VCMDQ';
  const { at, size, level, granule } = leaf;
  const first = BigInt(at);
  const last = BigInt(random.below(2));
  const tg = BigInt([GRANULE_4K, GRANULE_16K, GRANULE_64K].indexOf(granule) + 1) << 10n;
  const ttl = (of: number) => BigInt(of) << 8n;
  const vm = VMID << 32n;
  const own = vm | (ASID << 48n);
  const op = mode === 'stage 2' ? S2_IPA : random.pick(byVcmdq ? [NH_VA] : [NH_VA, NH_VAA]);
  const tag = op | (op === NH_VA ? own : vm);
  const within = first + (BigInt(random.below(size / 4096)) << 12n);
  // NUM and SCALE: for a page any number from 2 granules on, for a block its size.
  const range =
    level === 3
      ? BigInt(random.below(31) + 1) << 12n
      : (BigInt(size / granule / 64) << 12n) | (1n << 20n);
  const all: Command[] = [[vm | S12_VMALL, 0n]];
  if (mode !== 'stage 2') all.push([own | NH_ASID, 0n]);
  if (mode !== 'stage 2' && !byVcmdq) all.push([vm | NH_ALL, 0n]);
  if (!byVcmdq) all.push([NSNH_ALL, 0n]);
  const enough: Command[] = [
    [tag, within | last],
    [tag, first | tg | ttl(level) | last],
    [tag | range, first | tg | ttl(random.pick([0, level])) | last],
    random.pick(all),
  ];
  const otherTg = BigInt(random.pick([1, 2, 3].filter((one) => BigInt(one) << 10n !== tg))) << 10n;
  const notEnough: (Command | undefined)[] = [
    undefined,
    [tag, (first + BigInt(size)) | last],
    [tag, (first - 0x1000n) | last],
    [tag, (within + 0x10_0000_0000n) | last],
    [tag, first | tg | ttl(level === 3 ? 2 : 3) | last],
    [tag | range | (31n << 12n), (first & ~0xffffn) | otherTg | last],
  ];
  if (op === NH_VA)
    notEnough.push([tag ^ (3n << 48n), within | last], [NH_ASID | (own ^ (3n << 48n)), 0n]);
  // A VCMDQ has one VMID, regardless of the VMID in its commands.
  if (!byVcmdq) notEnough.push([tag ^ (1n << 32n), within | last]);
  if (mode.startsWith('nested')) notEnough.push([vm | S2_IPA, BigInt(DATA) | last]);
  return { enough, notEnough };
}

describe.each<Granule>([GRANULE_4K, GRANULE_16K, GRANULE_64K])(
  'a driver with pages of %i bytes',
  (granule) => {
    it.each<[Mode, Granule, boolean]>([
      ['stage 1', GRANULE_4K, true],
      ['stage 2', GRANULE_4K, true],
      ['nested', GRANULE_4K, true],
      ['nested', GRANULE_4K, false],
      ['nested', GRANULE_16K, false],
      ['nested', GRANULE_64K, false],
      ['nested, by a VCMDQ', GRANULE_4K, true],
      ['nested, by a VCMDQ', GRANULE_4K, false],
    ])('%s, over pages of %i bytes (blocks: %s)', (mode, under, blocks) => {
      const random = new Random(granule + under + mode.length);
      const stream = streamOf(mode, granule, under, blocks);
      const { h, table } = stream;
      for (let round = 0; round < ROUNDS; round++) {
        const isBlock = granule === GRANULE_4K && random.below(3) === 0;
        const [size, level] = isBlock ? [MIB2, 2] : [granule, 3];
        // Blocks in which no page has been mapped before, since tables stay.
        const at =
          (isBlock ? 0x4000_0000 : 0x4800_0000) +
          random.below(7) * MIB2 +
          (isBlock ? 0 : random.below(8) * granule);
        table.map(at, stream.data, size, stream.attributes);
        const probe = BigInt(at + random.below(size));
        expect(stream.accepts(probe)).toBe(true);
        table.unmap(at, size);
        const isEnough = random.below(2) === 0;
        const { enough, notEnough } = commandsFor(random, mode, { at, size, level, granule });
        const commands = isEnough ? enough : notEnough;
        const command = commands[random.below(commands.length)];
        if (command) stream.send(...command);
        const isGone = !stream.accepts(probe);
        h.events();
        const about = `round ${round}, ${level}, ${probe.toString(16)}: ${command?.map((word) => word.toString(16))}`;
        const found = h.missing();
        expect([about, found.length > 0], found.join()).toEqual([about, !isEnough]);
        if (isEnough) expect([about, isGone]).toEqual([about, true]);
        h.mainCommand(NSNH_ALL);
      }
    });
  },
);

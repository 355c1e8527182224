// SPDX-License-Identifier: MIT
// One sequence of commands on the queues that a guest may have: its CMDQ trapped and
// overlaid, an ECMDQ trapped and mapped, and a VCMDQ, which supports fewer. They have the
// same result, regardless of who executes the commands: the same errors at the same
// commands, and the same translations, configurations, ATCs, stalled transactions and
// events. Only the place of an error in the architecture differs.

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HotModules, loadHotModules } from '../../../assembly/load.ts';
import type { SmmuIdRegisters } from '../../../devices/smmuv3/index.ts';
import {
  atcInv,
  cfgiAll,
  cfgiCd,
  cfgiCdAll,
  cfgiSte,
  cfgiSteRange,
  prefetchConfig,
  priResp,
  resume,
  stallTerm,
  sync,
  tlbiNhAll,
  tlbiNhAsid,
  tlbiNsnhAll,
  tlbiS2Ipa,
  tlbiS12Vmall,
} from '../../../devices/tables/index.ts';
import { Random } from '../../../devices/testing/index.ts';
import { IOVA } from '../../support/lent-vm.ts';
import {
  ATS,
  type Case,
  Column,
  type Command,
  DATA,
  GUEST_WAYS,
  ID_REGISTERS,
  MOVED,
  NEW_ASID,
  OLD_ASID,
  type Outcome,
  PAGES,
  PLAIN,
  STALE,
  WAYS,
  type Way,
} from './queue-column.ts';

/**
 * The same without stalls; without ATS, and therefore without PRI; without range
 * invalidation.
 */
const { idr0, idr1 } = ID_REGISTERS;
const NO_STALLS = { ...ID_REGISTERS, idr0: idr0 + 0x0100_0000 };
const NO_ATS = { ...ID_REGISTERS, idr0: idr0 - 0x1_0400, idr1: idr1 - 0x4000 };
const NO_PRI = { ...ID_REGISTERS, idr0: idr0 - 0x1_0000, idr1: idr1 - 0x4000 };
const NO_RANGES = { ...ID_REGISTERS, idr3: 0x004 };

/** A command that does not depend on pending transactions. */
const plainly =
  (command: Uint32Array): Command =>
  () =>
    command;

/** A TLBI by address: NUM and SCALE, Leaf, TTL and TG of all kinds. */
function byAddress(random: Random, opcode: number): Uint32Array {
  const iova = random.pick(PAGES);
  const first = random.pick([0, 0x1000, 0x10_0000, 0x11_f000]);
  const low = random.pick([0, 1, 0x400, 0x401, 0x701, 0x800, 0xc00, 0x500]);
  return new Uint32Array([
    opcode | first,
    random.pick([OLD_ASID, NEW_ASID]) * 0x10000 + random.pick([0, 77]),
    (iova | low) >>> 0,
    Math.floor(iova / 2 ** 32),
  ]);
}

/** Commands that every queue executes, or refuses for the same reason. */
function common(random: Random): Command {
  const streamId = random.pick([ATS, ATS, PLAIN, 0x55]);
  const size = random.pick([0, 1, 2, 52]);
  const page = size === 52 ? 0 : random.pick(PAGES);
  return plainly(
    random.pick([
      sync(),
      sync(),
      tlbiNhAsid(0, random.pick([OLD_ASID, NEW_ASID])),
      byAddress(random, 0x12),
      byAddress(random, 0x12),
      atcInv({ streamId, address: page - (page % (0x1000 * 2 ** Math.min(size, 12))), size }),
      atcInv({ streamId: ATS, address: 0, size: 52, substreamId: 3 }),
      new Uint32Array([random.pick([0, 0x07, 0x18, 0x20, 0x22, 0x4f, 0xff]), random.word(), 0, 0]),
      new Uint32Array([0x0000_0411, 0, 0, 0]),
    ]),
  );
}

/** Commands that only a guest's own SMMU executes, or only a VCMDQ. */
function ofItsSmmu(random: Random): Command {
  const sid = random.pick([PLAIN, PLAIN, ATS, 0x55]);
  const stag = random.below(2);
  const action = random.pick(['retry', 'abort', 'razwi'] as const);
  const [response, other] = [random.below(4), random.below(3) === 0 ? 1 : 0];
  const msi = random.pick([0, 0x1000, DATA + 0xf000]);
  return random.pick<Command>([
    ({ stags }) => resume(sid, (stags[stag] ?? 0) ^ (other && 0x400), action),
    ({ stags }) => resume(PLAIN, stags[stag] ?? 0, action),
    plainly(stallTerm(sid)),
    ({ group }) => priResp(ATS, group ^ other, response),
    plainly(priResp(sid, 0, response)),
    plainly(cfgiSte(sid, random.below(2) === 0)),
    plainly(cfgiSteRange(sid, random.pick([0, 3, 30]))),
    plainly(cfgiAll()),
    plainly(cfgiCd(sid, random.below(2))),
    plainly(cfgiCdAll(sid)),
    plainly(prefetchConfig(sid)),
    plainly(tlbiNhAll(random.pick([0, 77]))),
    plainly(tlbiNsnhAll()),
    plainly(byAddress(random, 0x13)),
    plainly(byAddress(random, 0x13)),
    plainly(tlbiS12Vmall(0)),
    plainly(tlbiS2Ipa(0, { address: 0 })),
    plainly(sync(random.below(4), { address: msi, data: 7 })),
  ]);
}

let columns: Column[];
let modules: HotModules;
// Translations are left stale on purpose: without the sanitizer.
beforeAll(async () => {
  modules = await loadHotModules();
});
beforeEach(async () => {
  columns = await columnsWith(ID_REGISTERS);
});

function columnsWith(idRegisters: SmmuIdRegisters): Promise<Column[]> {
  return Promise.all(WAYS.map((way) => Column.create(way, modules, idRegisters)));
}

/** The queues whose result differs from the trapped CMDQ's. */
function compare(ways: readonly Way[], one: Case): Outcome {
  const [first, ...others] = columns
    .filter(({ way }) => ways.includes(way))
    .map((column) => ({ way: column.way, ...column.run(one) }));
  if (!first) throw new Error('no column');
  for (const { way, ...outcome } of others) {
    const { way: _, ...expected } = first;
    expect(outcome, way).toEqual(expected);
  }
  return first;
}

const ALL_OF_ATC = atcInv({ streamId: ATS, address: 0, size: 52 });
const CHANGES = ['pages', 'CDs', 'STEs'] as const;

describe('the queues of a guest', () => {
  it('answer stalled transactions on every path', () => {
    const one = (...commands: Command[]) =>
      compare(GUEST_WAYS, { commands, changed: 'pages', silent: false });
    const outcome = one(
      plainly(sync()),
      ({ stags }) => resume(PLAIN, stags[0] ?? 0, 'abort'),
      plainly(sync()),
    );
    expect(outcome).toMatchObject({
      errors: [],
      seen: { answers: ['refused', 'stalled', 'stalled', 'stalled'] },
    });
    expect(one(plainly(sync()), plainly(stallTerm(PLAIN)), plainly(sync()))).toMatchObject({
      errors: [],
      seen: { answers: ['refused', 'refused', 'stalled', 'stalled'] },
    });
  });

  it('refuse a reserved range of TLBI_NH_VAA', () => {
    const reserved = new Uint32Array([0x13, 0, 0x1400, 0]);
    const commands = [sync(), reserved, sync()].map(plainly);
    expect(compare(GUEST_WAYS, { commands, changed: 'pages', silent: false })).toMatchObject({
      errors: ['1 at 1'],
      reasons: ['1 range'],
    });
  });

  it.each(WAYS)('check ATC_INV and PRI_RESP only for legality while SMMUEN is 0: %s', (way) => {
    const column = columns.find((one) => one.way === way);
    const unknown = atcInv({ streamId: 0x55, address: 0, size: 52 });
    column?.switchSmmu(false);
    // A VCMDQ depends on the physical SMMU's SMMUEN, and has no PRI_RESP.
    const ofGuest = way !== 'VCMDQ';
    expect(column?.send([unknown, ALL_OF_ATC, sync()])).toEqual(
      ofGuest ? [] : ['1 at 0', '3 at 2'],
    );
    expect(column?.send([priResp(0x55, 0, 1), sync(), priResp(ATS, 0, 3), sync()])).toEqual(
      ofGuest ? ['1 at 2'] : ['1 at 0', '1 at 2'],
    );
    column?.switchSmmu(true);
    expect(column?.send([unknown, ALL_OF_ATC, sync()])).toEqual(['1 at 0', '3 at 2']);
  });

  // IHI 0070 section 6.3.9.6: the change is complete when CR0ACK shows it. A queue's
  // context has it earlier, so that no command after CR0ACK is checked against the old
  // value.
  it.each(GUEST_WAYS)(
    'judge ATC_INV by the SMMUEN that was written, before CR0ACK has it: %s',
    async (way) => {
      const further = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11];
      const column = await Column.create(way, modules, ID_REGISTERS, further);
      const unknown = atcInv({ streamId: 0x55, address: 0, size: 52 });
      column.runSafePoints();
      expect(column.smmuen).toEqual([1, 1]);

      // More streams than are attached in one turn: CR0ACK waits for the next turns.
      column.switchSmmu(false);
      expect(column.smmuen).toEqual([0, 1]);
      expect(column.sendAtOnce([unknown, ALL_OF_ATC, sync()])).toBe(3);
      expect(column.smmuen).toEqual([0, 1]);
      column.runSafePoints();
      expect(column.smmuen).toEqual([0, 0]);
      expect(column.sendAtOnce([unknown, ALL_OF_ATC, sync()])).toBe(3);

      column.switchSmmu(true);
      expect(column.smmuen).toEqual([1, 0]);
      expect(column.sendAtOnce([unknown, sync()])).toBe(0);
      expect(column.smmuen).toEqual([1, 0]);
      column.runSafePoints();
      expect([column.smmuen, column.send([])]).toEqual([[1, 1], ['1 at 126']]);
    },
  );

  it.each([
    ['of any kind', GUEST_WAYS, 100, 0x12a1],
    ['that a VCMDQ takes too', WAYS, 60, 0x12a2],
  ] as const)('end alike for random commands %s', (_, ways, cases, seed) => {
    const random = new Random(seed);
    const met = { errors: new Set<string>(), kept: 0, gone: 0, timeouts: 0, answered: 0 };
    for (let i = 0; i < cases; i++) {
      const silent = random.below(3) === 0;
      const commands = Array.from({ length: 1 + random.below(12) }, () =>
        ways.length > GUEST_WAYS.length || random.below(2) === 0
          ? common(random)
          : ofItsSmmu(random),
      );
      if (silent) commands.push(plainly(ALL_OF_ATC));
      const changed = random.pick(CHANGES);
      const { errors, reasons, seen } = compare(ways, {
        commands: [...commands, plainly(sync())],
        changed,
        silent,
      });
      for (const reason of reasons) met.errors.add(reason);
      met.timeouts += errors.filter((error) => error.startsWith('3')).length;
      const { translations, answers } = seen as { translations: unknown[][]; answers: unknown[] };
      met.kept += translations.flat().filter((byte) => Number(byte) < MOVED).length;
      met.gone += translations.flat().filter((byte) => Number(byte) >= MOVED).length;
      met.answered += answers.filter((answer) => answer === 'refused').length;
    }
    // The cases include everything that is to be compared.
    expect([...met.errors].sort()).toEqual(
      ways.length > GUEST_WAYS.length
        ? ['1 opcode', '1 range', '1 secure', '1 stream', '3 atc-timeout']
        : [
            '1 opcode',
            '1 range',
            '1 response',
            '1 secure',
            '1 stream',
            '1 sync-completion',
            '3 atc-timeout',
          ],
    );
    for (const count of [met.kept, met.gone, met.timeouts]) expect(count).toBeGreaterThan(10);
    if (ways === GUEST_WAYS) expect(met.answered).toBeGreaterThan(10);
  });

  it.each([
    ['stalls', NO_STALLS, [resume(PLAIN, 0, 'abort'), stallTerm(PLAIN), stallTerm(0x55)]],
    ['ATS', NO_ATS, [ALL_OF_ATC, atcInv({ streamId: 0x55, address: 0, size: 52 })]],
    ['PRI', NO_PRI, [priResp(ATS, 0, 1), priResp(ATS, 0, 3)]],
  ] as const)(
    'refuse what an SMMU without %s lacks, and a VCMDQ does not',
    async (_, ids, refused) => {
      columns = await columnsWith(ids);
      for (const column of columns.filter(({ way }) => way !== 'VCMDQ'))
        for (const command of refused)
          expect(column.send([sync(), command, sync()]), column.way).toEqual(['1 at 1']);
      // A VCMDQ does not support responses to stalls and page requests, whatever the ID
      // registers contain.
      const vcmdq = columns.find(({ way }) => way === 'VCMDQ');
      const taken = ids === NO_ATS ? [] : ['1 at 1'];
      expect(vcmdq?.send([sync(), refused[0], sync()])).toEqual(taken);
    },
  );

  it.each([
    ['TLBI_NH_VA', 0x12],
    ['TLBI_NH_VAA', 0x13],
  ])('ignore the range of a %s without range invalidation', async (_, opcode) => {
    columns = await columnsWith(NO_RANGES);
    // Four pages from the first one, of 4 KiB each; and for the second page a combination
    // that is reserved for ranges.
    const range = new Uint32Array([opcode | 0x3000, OLD_ASID << 16, 0x400, IOVA / 2 ** 32]);
    const reserved = new Uint32Array([opcode, OLD_ASID << 16, 0x1400, IOVA / 2 ** 32]);
    const commands = [range, reserved, sync()].map(plainly);
    const { errors, seen } = compare(GUEST_WAYS, { commands, changed: 'pages', silent: false });
    expect(errors).toEqual([]);
    // The other stream waits for a page.
    const waits = PAGES.map(() => 'stalled');
    const two = PAGES.map((_page, i) => (i < 2 ? MOVED : STALE) + i);
    expect(seen).toMatchObject({ translations: [two, waits] });
    // A VCMDQ depends on the physical SMMU, which has them.
    if (opcode !== 0x12) return;
    const vcmdq = compare(['VCMDQ'], {
      commands: [plainly(range), plainly(sync())],
      changed: 'pages',
      silent: false,
    });
    const all = PAGES.map((_page, i) => MOVED + i);
    expect(vcmdq.seen).toMatchObject({ translations: [all, waits] });
  });
});

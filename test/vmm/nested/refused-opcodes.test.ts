// SPDX-License-Identifier: MIT
// Every opcode on an overlaid CMDQ and on a mapped ECMDQ: what is refused there is
// refused on the trapped CMDQ, at the same command and for the same reason, and vice
// versa.

import { beforeAll, describe, expect, it } from 'vitest';
import { PHYSICAL_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import { RefusalWatch } from '../../../devices/smmuv3/refusal-watch.ts';
import { sync } from '../../../devices/tables/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { Column, ID_REGISTERS, PLAIN, type Way } from './queue-column.ts';

const MANY = ['CMDQ overlaid', 'ECMDQ handed over'] as const satisfies readonly Way[];
const OPCODES = Array.from({ length: 256 }, (_, opcode) => opcode);
/** Without stalls, ATS, PRI and range invalidation. */
const POOR = {
  ...ID_REGISTERS,
  idr0: ID_REGISTERS.idr0 + 0x0100_0000 - 0x1_0400,
  idr1: ID_REGISTERS.idr1 - 0x4000,
  idr3: 0x004,
};

/**
 * A command of an opcode, and one with each of the fields for which some of them are
 * refused.
 */
const variants = (opcode: number): Uint32Array[] => [
  Uint32Array.of(opcode, PLAIN, 0, 0),
  // SSec.
  Uint32Array.of(opcode | 0x400, PLAIN, 0, 0),
  // Not a stream of the guest.
  Uint32Array.of(opcode, 0x55, 0, 0),
  // CS, or Resp, of RESUME, 3; Resp of PRI_RESP 3.
  Uint32Array.of(opcode | 0x3000, PLAIN, 0, 0),
  Uint32Array.of(opcode, PLAIN, 0x3000, 0),
  // TG without a range and a level; a StreamID with SSV; SIZE 63.
  Uint32Array.of(opcode, PLAIN, 0x400, 0),
  Uint32Array.of(opcode | 0x800, PLAIN, 0x3f, 0),
];

/** How a queue refuses a command: index, error, and reason. */
function outcome(column: Column, command: Uint32Array, shown: typeof POOR): unknown {
  column.refused.length = 0;
  const errors = column.send([sync(), command, sync()]);
  const reasons: string[] = [];
  for (const refused of column.refused)
    new RefusalWatch({
      shown,
      physical: PHYSICAL_ID_REGISTERS,
      smmuEnabled: () => true,
      streamTable: () => ({ base: 0, log2size: 0, split: undefined }),
      steOf: () => undefined,
      onRefusal: ({ text, section }) => reasons.push(`${text} (${section})`),
    }).seeCommand(refused);
  return { errors, reasons };
}

describe.each([
  ['as much as a guest may have', ID_REGISTERS],
  ['little', POOR],
] as const)('on an SMMU that shows %s', (_name, shown) => {
  let trapped: Column;
  /** The trapped CMDQ's results for the variants of an opcode. */
  const expectations = new Map<number, unknown[]>();
  const columns = new Map<Way, Column>();
  let refusals = 0;
  beforeAll(async () => {
    const modules = await checkedModules();
    trapped = await Column.create('CMDQ trapped', modules, shown);
    for (const way of MANY) columns.set(way, await Column.create(way, modules, shown));
  });

  it.each(MANY.flatMap((way) => OPCODES.map((opcode) => [way, opcode] as const)))(
    '%s: opcode %i',
    (way, opcode) => {
      const column = columns.get(way) as Column;
      const commands = variants(opcode);
      const known =
        expectations.get(opcode) ?? commands.map((command) => outcome(trapped, command, shown));
      expectations.set(opcode, known);
      for (const [i, command] of commands.entries()) {
        const expected = known[i];
        expect([[...command], outcome(column, command, shown)]).toEqual([[...command], expected]);
        // Each error has its reason.
        const { errors, reasons } = expected as Record<string, string[]>;
        expect(reasons?.length).toBe(errors?.length);
        refusals += errors?.length ?? 0;
      }
    },
  );

  it('most of them are refused, and some are not', () => {
    const all = MANY.length * OPCODES.length * variants(0).length;
    expect(refusals).toBeGreaterThan(0.85 * all);
    expect(refusals).toBeLessThan(all);
  });
});

// SPDX-License-Identifier: MIT
// Why commands are illegal: the same commands as in the drain's tables, and the
// explanation of each.

import { describe, expect, it } from 'vitest';
import { ACTION_ILLEGAL, ACTION_NONE } from '../../../../assembly/layout/action-memory.ts';
import {
  QUEUE_KIND_GUEST_CMDQ,
  QUEUE_KIND_MAIN,
  QUEUE_KIND_VCMDQ_GUEST,
} from '../../../../assembly/layout/queue-memory.ts';
import {
  type CommandQueueKind,
  commandRefusals,
} from '../../../../devices/decode/refusals/index.ts';
import { GRACE_ID_REGISTERS, GUEST_ID_REGISTERS } from '../../../../devices/smmuv3/index.ts';
import { actionsOf, lackedBy } from '../../../../devices/unit/index.ts';

const KINDS: readonly (readonly [CommandQueueKind, number])[] = [
  ['guest', QUEUE_KIND_GUEST_CMDQ],
  ['vcmdq', QUEUE_KIND_VCMDQ_GUEST],
  ['own', QUEUE_KIND_MAIN],
];
/** S1P, S2P, HYP, ATS, PRI; STALL_MODEL 1. */
const FIELDS = [1 << 1, 1 << 0, 1 << 9, 1 << 10, 1 << 16, 1 << 24];
const RIL = 1 << 10;

const texts = (words: readonly number[], queue: CommandQueueKind = 'own', change = {}) =>
  [
    ...commandRefusals(
      words,
      { ...GRACE_ID_REGISTERS, idr3: GRACE_ID_REGISTERS.idr3 | RIL, ...change },
      queue,
    ),
  ].map(({ text, section }) => `${text} (${section})`);

describe('a command is illegal', () => {
  it.each(KINDS)('for its opcode where the drain refuses it: %s', (queue, kind) => {
    for (let set = 0; set < 2 ** FIELDS.length; set++) {
      const idr0 = FIELDS.reduce((word, bit, i) => (set & (1 << i) ? word | bit : word), 0);
      // A guest's queue has at least stage 1.
      if (queue === 'guest' && !(idr0 & 2)) continue;
      const ids = { idr0, idr1: 0, idr3: 0, idr5: 0 };
      const actions = actionsOf(kind, idr0);
      const lacks = queue === 'guest' ? lackedBy(ids) : 0;
      for (let opcode = 0; opcode < 256; opcode++) {
        const action = actions.get(opcode) ?? ACTION_ILLEGAL;
        const illegal =
          action === ACTION_ILLEGAL || (action !== ACTION_NONE && (lacks & (1 << action)) !== 0);
        const found = [...commandRefusals([opcode, 0, 0, 0], ids, queue)];
        expect(found.length, `IDR0 ${idr0.toString(16)}, ${opcode.toString(16)}`).toBe(
          illegal ? 1 : 0,
        );
      }
    }
  });

  it('and its words name field, value, limit and section', () => {
    expect(texts([0x0403, 8, 1, 0])).toEqual(['SSec = 1, but the queue is Non-secure (4.1.6)']);
    expect(texts([0x77, 0, 0, 0])).toEqual(['Opcode = 0x77 is not a command of this SMMU (4.1.3)']);
    expect(texts([0x28, 0, 0, 0], 'guest', GUEST_ID_REGISTERS)).toEqual([
      'Opcode = 0x28, TLBI_S12_VMALL, but IDR0.S2P = 0 (4.4)',
    ]);
    expect(texts([0x44, 8, 0, 0], 'own', { idr0: 0x0100_0002 })).toEqual([
      'Opcode = 0x44, RESUME, but IDR0.STALL_MODEL = 1 (4.6)',
    ]);
    expect(texts([0x03, 8, 1, 0], 'vcmdq')).toEqual([
      'Opcode = 0x3, CFGI_STE, is not for a VCMDQ with VINTF_CONFIG.HYP_OWN = 0 (Tegra241 CMDQV)',
    ]);
    expect(texts([0x3046, 0, 0, 0])).toEqual(['CMD_SYNC.CS = 3 is reserved (4.7.3)']);
    expect(texts([0x2046, 0, 0, 0], 'vcmdq')).toEqual([
      'CMD_SYNC.CS = 2, but a VCMDQ has no completion signal (Tegra241 CMDQV)',
    ]);
    expect(texts([0x41, 8, 0x3000, 0])).toEqual(['PRI_RESP.Resp = 3 is reserved (4.5.2)']);
  });

  it('for a reserved range', () => {
    const tlbi = (lo: number, dword1: number, change = {}) =>
      texts([0x12 | lo, 0, dword1, 0], 'own', change);
    expect(tlbi(0, 0x400)).toEqual([
      'TLBI_NH_VA.TG = 1 with NUM = SCALE = 0 and TTL = 0, which is reserved (4.4.1.1)',
    ]);
    expect(tlbi(0, 0x900)).toEqual([
      'TLBI_NH_VA.TG = 2 with NUM = SCALE = 0 and TTL = 1, which is reserved: 16 KiB, and IDR5.DS = 0 (4.4.1.1)',
    ]);
    expect(tlbi(0, 0x500)).toEqual([]);
    expect(tlbi(1 << 12, 0x400)).toEqual([]);
    expect(tlbi(0, 0x300)).toEqual([]);
    // Without RIL the fields are ignored.
    expect(tlbi(0, 0x400, { idr3: 0 })).toEqual([]);
    expect(tlbi(0, 0x900, { idr5: GRACE_ID_REGISTERS.idr5 | 0x80 })).toEqual([]);
  });
});

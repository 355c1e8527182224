// SPDX-License-Identifier: MIT
// Which commands are legal on which queue, by ID register (IHI 0070 sections 4.2 to 4.7).
// Opcodes are literals: every number from 0 to 255 that is not listed is illegal.

import { describe, expect, it } from 'vitest';
import { SMMU_AT_ACTIONS } from '../../../assembly/layout/action-memory.ts';
import {
  QUEUE_KIND_ECMDQ,
  QUEUE_KIND_GUEST_CMDQ,
  QUEUE_KIND_MAIN,
  QUEUE_KIND_OVERLAY,
  QUEUE_KIND_VCMDQ_GUEST,
  QUEUE_KIND_VCMDQ_HYP,
} from '../../../assembly/layout/queue-memory.ts';
import { createHostMemory, lackedBy, smmuBase, writeActions } from '../../../devices/unit/index.ts';

const S2P = 1;
const S1P = 2;
const ATS = 0x400;
const HYP = 0x200;
const PRI = 0x10000;
const RIL = 0x400;
const TERMINATE = 0x1000000;
const ALL = S1P | S2P | ATS | TERMINATE;

const ALWAYS = [0x01, 0x02, 0x03, 0x04, 0x30, 0x46];
const STAGE1 = [0x05, 0x06, 0x10, 0x11, 0x12, 0x13];
const STAGE2 = [0x28, 0x2a];
const STALLS = [0x44, 0x45];

const legal = (kind: number, idr0: number) => opcodes(kind, idr0, (action) => action !== 0);

function opcodes(kind: number, idr0: number, wanted: (action: number) => boolean): number[] {
  const memory = createHostMemory({ ramSize: 0x10000 });
  writeActions(memory, 0, idr0);
  const table = new Uint8Array(memory.buffer, smmuBase(0) + SMMU_AT_ACTIONS + 256 * kind, 256);
  return [...table.keys()].filter((opcode) => wanted(table[opcode] ?? 0));
}

const sorted = (...lists: number[][]) => lists.flat().sort((a, b) => a - b);

describe('legal opcodes', () => {
  it.each([
    ['both stages and ATS', ALL, sorted(ALWAYS, STAGE1, STAGE2, [0x40])],
    ['stage 1 alone', S1P | TERMINATE, sorted(ALWAYS, STAGE1)],
    ['stage 1 and stalls', S1P, sorted(ALWAYS, STAGE1, STALLS)],
    ['stage 1 and forced stalls', S1P | 0x2000000, sorted(ALWAYS, STAGE1, STALLS)],
    ['stage 2 alone', S2P | TERMINATE, sorted(ALWAYS, STAGE2)],
    ['stage 1 and EL2', S1P | HYP | TERMINATE, sorted(ALWAYS, STAGE1, [0x20, 0x21, 0x22, 0x23])],
    ['stage 2 and ATS', S2P | ATS | TERMINATE, sorted(ALWAYS, STAGE2, [0x40])],
  ])('of the SMMU’s own queue with %s', (_name, idr0, opcodes) => {
    expect(legal(QUEUE_KIND_MAIN, idr0)).toEqual(opcodes);
    // HYP_OWN allows a VINTF all commands.
    expect(legal(QUEUE_KIND_VCMDQ_HYP, idr0)).toEqual(opcodes);
  });

  it.each([
    ['both stages and ATS', ALL, [0x11, 0x12, 0x28, 0x2a, 0x40, 0x46]],
    ['stage 1 alone', S1P, [0x11, 0x12, 0x46]],
    ['stage 2 alone', S2P, [0x28, 0x2a, 0x46]],
  ])('of a guest’s VCMDQ with %s', (_name, idr0, opcodes) => {
    expect(legal(QUEUE_KIND_VCMDQ_GUEST, idr0)).toEqual(opcodes);
  });

  it('of a guest’s own queue: those of an SMMU without stage 2, ATC_INV where the host has ATS, answers where it has stalls', () => {
    for (const kind of [QUEUE_KIND_GUEST_CMDQ, QUEUE_KIND_OVERLAY, QUEUE_KIND_ECMDQ]) {
      expect(legal(kind, ALL)).toEqual(sorted(ALWAYS, STAGE1, [0x40]));
      expect(legal(kind, S1P | S2P | TERMINATE)).toEqual(sorted(ALWAYS, STAGE1));
      expect(legal(kind, S1P | S2P)).toEqual(sorted(ALWAYS, STAGE1, STALLS));
    }
  });

  it('of which an overlaid queue leaves to its host what no other queue of a guest is left with: not the answers to stalls', () => {
    const waits = (kind: number) => opcodes(kind, S1P | S2P | ATS, (action) => action === 15);
    expect(waits(QUEUE_KIND_GUEST_CMDQ)).toEqual([0x01, 0x02, 0x03, 0x04, 0x05, 0x06]);
    expect(waits(QUEUE_KIND_OVERLAY)).toEqual([
      0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10, 0x13, 0x30,
    ]);
  });
});

it.each([
  // Bits of the actions in action-memory.ts; bit 31 is for ranges.
  ['nothing', S2P | ATS | PRI, RIL, 0],
  ['stage 2', ATS | PRI, RIL, (1 << 6) | (1 << 7)],
  ['ATS and PRI', S2P, RIL, (1 << 13) | (1 << 18)],
  ['stalls', S2P | ATS | PRI | TERMINATE, RIL, (1 << 16) | (1 << 17)],
  ['ranges', S2P | ATS | PRI, 0, 0x80000000],
])('an SMMU lacks %s by its ID registers', (_, idr0, idr3, lacks) => {
  expect(lackedBy({ idr0, idr3 })).toBe(lacks);
});

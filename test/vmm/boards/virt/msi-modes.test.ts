// SPDX-License-Identifier: MIT
// MSIs of a bus master of the board `virt` through each mode of its SMMU, by ITS and
// GICv2m frame: at the address where the kernel's tables map the doorbell, and nowhere
// else.

import { describe, expect, it } from 'vitest';
import {
  bypassSte,
  contextDescriptor,
  nestedSte,
  PageTable,
  S1_READ_WRITE,
  S2_READ_WRITE,
  stage1Ste,
  stage2Ste,
  storeStructure,
} from '../../../../devices/tables/index.ts';
import { tableMemory } from '../../../support/table-memory.ts';
import {
  type Board,
  boardOf,
  DOORBELL,
  ENGINE_ID,
  enableSpi,
  mapEvents,
  RAM,
  SMMU,
} from './msi-board.ts';

const [DONE, WRITE_FAULT] = [1, 3];
const STREAM_TABLE = RAM + 0xa0_0000;
const TABLES = RAM + 0xa1_0000;
const TABLES_SIZE = 0xf_0000;
/** A device's address of the doorbell's page, and its IPA between stage 1 and stage 2. */
const [IOVA, IPA] = [0x1_0000_5000, 0x2000_0000];
const PAGE = 0x1000;

const MODES = ['bypass', 'stage 1', 'stage 2', 'nested'] as const;

/**
 * Enables the SMMU, with its stream in a mode. Returns the device's address of the page.
 */
function attach({ ram, bus, write64 }: Board, mode: (typeof MODES)[number], page: number): number {
  const memory = tableMemory(ram, TABLES);
  const stage1 = (to: number) => {
    const table = new PageTable(memory, { stage: 1 });
    table.map(IOVA, to, PAGE, S1_READ_WRITE);
    const cd = memory.allocate(64, 64);
    const lower = { ttb: table.root, inputBits: 48 };
    storeStructure(memory, cd, contextDescriptor({ asid: 5, outputBits: 48, lower }));
    return { contextPtr: cd };
  };
  const stage2 = (from: number) => {
    const table = new PageTable(memory, { stage: 2, inputBits: 40 });
    table.map(from, page, PAGE, S2_READ_WRITE);
    // CD and tables of stage 1 are at IPAs.
    table.map(TABLES, TABLES, TABLES_SIZE, S2_READ_WRITE);
    return { vmid: 3, ttb: table.root, inputBits: 40 };
  };
  const ste = {
    bypass: () => bypassSte(),
    'stage 1': () => stage1Ste(stage1(page)),
    'stage 2': () => stage2Ste(stage2(IOVA)),
    nested: () => nestedSte(stage1(IPA), stage2(IPA)),
  }[mode]();
  storeStructure(memory, STREAM_TABLE + 64 * ENGINE_ID, ste);
  write64(SMMU + 0x080, STREAM_TABLE);
  bus.write(SMMU + 0x088, 4, 4);
  bus.write(SMMU + 0x020, 4, 1);
  return mode === 'bypass' ? page : IOVA;
}

describe.each([
  ['guest', ['bypass', 'stage 1']],
  ['host', MODES],
] as const)('a bus master’s MSI in the role %s', (role, modes) => {
  it.each(modes.flatMap((mode) => (['its', 'v2m'] as const).map((msi) => [mode, msi] as const)))(
    'goes through %s to what --msi %s has, and nowhere else',
    async (mode, msi) => {
      const board = await boardOf(role, msi);
      if (msi === 'its') mapEvents(board, [ENGINE_ID]);
      const [data, intid] = msi === 'its' ? [1, 8192] : [enableSpi(board), 230];
      const doorbell = DOORBELL[msi];
      const offset = doorbell % PAGE;
      const at = attach(board, mode, doorbell - offset);
      expect([board.fill(at + offset, data), board.iar()]).toEqual([DONE, intid]);
      expect(board.fill(at + PAGE + offset, data)).toBe(WRITE_FAULT);
      if (mode !== 'bypass') expect(board.fill(doorbell, data)).toBe(WRITE_FAULT);
      expect(board.hppir()).toBe(1023);
    },
  );
});

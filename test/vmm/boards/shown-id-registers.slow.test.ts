// SPDX-License-Identifier: MIT
// idRegisters of a board: by default those of its host's SMMU, as far as a machine in its
// role can have them; others are checked against the host's. Words are literal.

import { describe, expect, it } from 'vitest';
import {
  GRACE_ID_REGISTERS,
  PHYSICAL_ID_REGISTERS,
  type SmmuIdRegisters,
} from '../../../devices/smmuv3/index.ts';
import { type Board, type BoardOptions, toyBoard } from '../../../vmm/boards/index.ts';
import { virtBoard } from '../../../vmm/boards/virt/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { reactor } from '../../support/wat.ts';
import { HELLO } from './virt/virt-programs.ts';

const modules = await checkedModules();
const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
const SMMU = 0x09050000;
/** IDR0, IDR1, IDR3, IDR5 and AIDR. */
const OFFSETS = [0x00, 0x04, 0x0c, 0x14, 0x1c];

type Kind = 'toy' | 'virt' | 'virt, host';
const BOARDS: Readonly<Record<Kind, () => Board>> = {
  toy: () => toyBoard,
  virt: () => virtBoard(),
  'virt, host': () => virtBoard({ role: 'host' }),
};

/** 40-bit OAS, without ATS, PRI and range invalidation. */
const REDUCED: SmmuIdRegisters = {
  ...PHYSICAL_ID_REGISTERS,
  idr0: PHYSICAL_ID_REGISTERS.idr0 & ~0x10400,
  idr1: PHYSICAL_ID_REGISTERS.idr1 & ~0xf800,
  idr3: 0x104,
  idr5: 0x0400_0072,
};

async function shown(
  kind: Kind,
  host: SmmuIdRegisters,
  own: Pick<BoardOptions, 'idRegisters'> = {},
): Promise<string[]> {
  const board = await BOARDS[kind]().create({
    host: await VmHost.create({ modules, vintfs: 2, vcmdqs: 4, idRegisters: host }),
    name: 'vm0',
    index: 0,
    guest: kind === 'toy' ? IDLE : HELLO,
    memorySize: kind === 'toy' ? undefined : 0x100_0000,
    onOutput: () => undefined,
    ...own,
  });
  const { bus } = board.machine.devices;
  const words = OFFSETS.map((offset) => (bus.read(SMMU + offset, 4) >>> 0).toString(16));
  board.destroy();
  return words;
}

const OF_DEFAULT = ['c483c9a', '1080510', '404', '4000075', '2'];
const OF_GRACE = ['808341a', '9080510', '0', '800075', '1'];

describe.each<[Kind]>([['toy'], ['virt']])('a guest on the board %s', (kind) => {
  it.each<[string, SmmuIdRegisters, readonly string[]]>([
    ['default', PHYSICAL_ID_REGISTERS, OF_DEFAULT],
    ['Grace’s', GRACE_ID_REGISTERS, OF_GRACE],
    ['reduced', REDUCED, ['c48389a', '1080510', '4', '4000072', '2']],
  ])('is shown what it can have of its host’s %s registers', async (_, host, expected) => {
    expect(await shown(kind, host)).toEqual(expected);
    expect(await shown(kind, host, { idRegisters: 'auto' })).toEqual(expected);
  });

  it('can be shown other registers that its host has, and no more', async () => {
    const fewer = { ...PHYSICAL_ID_REGISTERS, idr0: 0x0c483c9a, idr1: 0x01080510, idr3: 0 };
    expect(await shown(kind, PHYSICAL_ID_REGISTERS, { idRegisters: fewer })).toEqual([
      'c483c9a',
      '1080510',
      '0',
      '4000075',
      '2',
    ]);
    // Grace's SMMU has no RIL: translations would silently stay stale.
    await expect(
      shown(kind, GRACE_ID_REGISTERS, {
        idRegisters: { ...GRACE_ID_REGISTERS, idr0: 0x0808341a, idr1: 0x09080510, idr3: 0x400 },
      }),
    ).rejects.toThrow(/IDR3\.RIL/);
  });
});

describe('a kernel that owns its SMMU', () => {
  it.each<[string, SmmuIdRegisters, readonly string[]]>([
    ['default', PHYSICAL_ID_REGISTERS, ['c4d3c9b', '14a5510', '504', '4000075', '2']],
    ['Grace’s', GRACE_ID_REGISTERS, ['80d361b', 'a739d20', '110', '800075', '1']],
  ])('has its host’s %s registers as they are', async (_, host, expected) => {
    expect(await shown('virt, host', host)).toEqual(expected);
    expect(await shown('virt, host', host, { idRegisters: 'auto' })).toEqual(expected);
  });

  it('has others on request', async () => {
    const own = { idRegisters: GRACE_ID_REGISTERS };
    expect((await shown('virt, host', PHYSICAL_ID_REGISTERS, own))[0]).toBe('80d361b');
  });
});

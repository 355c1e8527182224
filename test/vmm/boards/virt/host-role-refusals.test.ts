// SPDX-License-Identifier: MIT
// Role host of the board `virt`: why the SMMU that a kernel owns has refused a stream or
// a command. The test replaces the kernel's accesses by accesses to the bus.

import { expect, it } from 'vitest';
import { guestMemoryOf } from '../../../../devices/bus/index.ts';
import { GRACE_ID_REGISTERS, type SmmuRefusal } from '../../../../devices/smmuv3/index.ts';
import {
  cfgiAll,
  contextDescriptor,
  GRANULE_16K,
  invalidSte,
  nestedSte,
  PageTable,
  S1_READ_ONLY,
  stage1Ste,
  sync,
  writeCd,
  writeCommand,
  writeSte,
} from '../../../../devices/tables/index.ts';
import { virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { VmHost } from '../../../../vmm/nested/index.ts';
import { checkedModules } from '../../../support/findings.ts';
import { tableMemory } from '../../../support/table-memory.ts';
import { HELLO } from './virt-programs.ts';

const modules = await checkedModules();
const RAM = 0x4000_0000;
const SMMU = 0x0905_0000;
const ENGINE = 0x0920_0000;
const STREAM = 8;
const IOVA = 0x1000_0000;
const FAR = 0x4_0000_0000;
const hex = (value: number) => `0x${value.toString(16)}`;

/** A machine whose SMMU is fully enabled; the caller adds CDs and tables. */
async function machineOf(smmu = {}) {
  const told: SmmuRefusal[] = [];
  const { machine } = await virtBoard({ role: 'host' }).create({
    host: await VmHost.create({ modules, vintfs: 2, vcmdqs: 4 }),
    name: 'vm0',
    index: 0,
    guest: HELLO,
    memorySize: 0x100_0000,
    onOutput: () => undefined,
    onRefusal: (refusal) => told.push(refusal),
    ...smmu,
  });
  const { bus } = machine.devices;
  const tables = tableMemory(guestMemoryOf(machine.memory, machine.regions), RAM + 0x80_0000);
  const write64 = (gpa: number, value: number) => {
    bus.write(gpa, 8, (value % 2 ** 32) | 0, Math.floor(value / 2 ** 32));
  };
  const [streams, commands, events] = [0x400, 0x100, 0x80].map((size) =>
    tables.allocate(size, size),
  ) as [number, number, number];
  const cd = tables.allocate(64, 64);
  write64(SMMU + 0x080, streams);
  bus.write(SMMU + 0x088, 4, 4);
  write64(SMMU + 0x090, commands + 4);
  write64(SMMU + 0x0a0, events + 2);
  bus.write(SMMU + 0x020, 4, 0xd);
  let prod = 0;
  return {
    bus,
    tables,
    streams,
    cd,
    told,
    machine,
    issue(...words: Uint32Array[]): void {
      for (const command of words) {
        writeCommand(tables, commands, prod % 16, command);
        prod = (prod + 1) % 32;
      }
      bus.write(SMMU + 0x098, 4, prod);
    },
    /** The reasons for the refusal of a DMA. */
    said(): string[] {
      told.length = 0;
      this.issue(cfgiAll(), sync());
      write64(ENGINE + 0x18, IOVA);
      bus.write(ENGINE + 0x0c, 4, 8);
      bus.write(ENGINE + 0x20, 4, 0x5a5a5a5a);
      bus.write(ENGINE + 0x04, 4, 2);
      expect(bus.read(ENGINE + 0x08, 4)).toBe(3);
      machine.devices.poll();
      // The kernel consumes its records.
      bus.write(SMMU + 0x100ac, 4, bus.read(SMMU + 0x100a8, 4));
      return told.map(({ event, text }) => `${event}: ${text}`);
    },
  };
}

type Machine = Awaited<ReturnType<typeof machineOf>>;

const stage1 = (
  { tables, streams, cd }: Machine,
  words = contextDescriptor({ asid: 1, lower: { ttb: 0, inputBits: 48 } }),
) => {
  writeCd(tables, cd, 0, words);
  writeSte(tables, streams, STREAM, stage1Ste({ contextPtr: cd }));
};

it('names what an STE, a CD and an address are refused for', async () => {
  const machine = await machineOf();
  const { tables, streams, cd } = machine;
  writeSte(tables, streams, STREAM, invalidSte());
  expect(machine.said()).toEqual(['C_BAD_STE: STE.V = 0']);
  // Stage 2 belongs to the kernel: only its fields are wrong.
  writeSte(
    tables,
    streams,
    STREAM,
    nestedSte({ contextPtr: cd }, { vmid: 1, ttb: 2 ** 48, inputBits: 40 }),
  );
  expect(machine.said()).toEqual([expect.stringContaining('C_BAD_STE: STE.S2TTB = ')]);
  const { root } = new PageTable(tables, { stage: 1 });
  const bad = contextDescriptor({ asid: 1, lower: { ttb: root, inputBits: 48 } });
  bad[0] = (bad[0] ?? 0) & ~0x3f;
  stage1(machine, bad);
  expect(machine.said()).toEqual(['C_BAD_CD: CD.T0SZ = 0 is not from 16 to 39']);
  const table = new PageTable(tables, { stage: 1, granule: GRANULE_16K, inputBits: 47 });
  table.map(IOVA, RAM, 0x4000, S1_READ_ONLY);
  stage1(
    machine,
    contextDescriptor({
      asid: 1,
      lower: { ttb: table.root, inputBits: 47, granule: GRANULE_16K },
    }),
  );
  expect(machine.said()).toEqual([
    expect.stringMatching(/^F_PERMISSION: the level-3 descriptor .* has AP\[2\] = 1: read-only$/),
  ]);
  writeSte(tables, streams, STREAM, stage1Ste({ contextPtr: FAR }));
  expect(machine.said()).toEqual([
    `F_CD_FETCH: STE.S1ContextPtr = ${hex(FAR)} points to a CD at ${hex(FAR)}, which is not memory`,
  ]);
  stage1(machine, contextDescriptor({ asid: 1, lower: { ttb: FAR, inputBits: 48 } }));
  expect(machine.said()).toEqual([
    expect.stringMatching(`F_WALK_EABT: CD.TTB0 = ${hex(FAR)} points to a level-0 table`),
  ]);
});

it('names each once, however often the queue has wrapped', async () => {
  const machine = await machineOf();
  writeSte(machine.tables, machine.streams, STREAM, invalidSte());
  expect(machine.said()).toHaveLength(1);
  for (let i = 0; i < 10; i++) expect(machine.said()).toEqual([]);
  // Another one, after them.
  writeSte(machine.tables, machine.streams, STREAM, stage1Ste({ contextPtr: FAR }));
  expect(machine.said()).toHaveLength(1);
});

it('reports nothing about stage 1 below a stage 2, whose addresses it does not translate', async () => {
  const machine = await machineOf();
  const { tables, streams, cd } = machine;
  stage1(machine);
  const { root } = new PageTable(tables, { stage: 2, inputBits: 40 });
  writeSte(
    tables,
    streams,
    STREAM,
    nestedSte({ contextPtr: cd }, { vmid: 1, ttb: root, inputBits: 40 }),
  );
  expect(machine.said()).toEqual([]);
});

it('does so of the streams of EL2 with E2H', async () => {
  const machine = await machineOf({ idRegisters: GRACE_ID_REGISTERS });
  const { tables, streams, cd, bus } = machine;
  const words = contextDescriptor({ asid: 1, lower: { ttb: 0, inputBits: 48 } });
  words[0] = (words[0] ?? 0) & ~0x3f;
  writeCd(tables, cd, 0, words);
  writeSte(tables, streams, STREAM, stage1Ste({ contextPtr: cd, strw: 2 }));
  bus.write(SMMU + 0x020, 4, 0xc);
  // E2H, PTM.
  bus.write(SMMU + 0x02c, 4, 5);
  bus.write(SMMU + 0x020, 4, 0xd);
  expect(machine.said()).toEqual([expect.stringMatching(/^C_BAD_CD: CD.T0SZ = 0 /)]);
});

it('names what a command is illegal for, by the registers of the SMMU itself', async () => {
  const machine = await machineOf();
  // TLBI_S12_VMALL is legal, TLBI_EL2_ALL without IDR0.HYP is not.
  machine.issue(Uint32Array.of(0x28, 1, 0, 0), Uint32Array.of(0x20, 0, 0, 0));
  expect(machine.told).toEqual([
    {
      event: 'CERROR_ILL',
      queue: 'CMDQ',
      text: 'Opcode = 0x20, TLBI_EL2_ALL, but IDR0.HYP = 0',
      section: '4.4',
    },
  ]);
});

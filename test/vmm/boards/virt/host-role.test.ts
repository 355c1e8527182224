// SPDX-License-Identifier: MIT
// Role host of the board `virt`: SMMU and CMDQV belong to the kernel, and their only
// memory is RAM. The test replaces the kernel's accesses by accesses to the bus. Offsets
// and encodings are literal.

import { afterEach, describe, expect, it } from 'vitest';
import { guestMemoryOf } from '../../../../devices/bus/index.ts';
import {
  atcInv,
  cfgiAll,
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  sync,
  tlbiNsnhAll,
  writeCd,
  writeCommand,
  writeSte,
} from '../../../../devices/tables/index.ts';
import { Host, type HostOptions, type MachineOptions } from '../../../../vmm/api/index.ts';
import { type VirtRole, virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { inspectOwned } from '../../../../vmm/inspect/index.ts';
import { VmHost } from '../../../../vmm/nested/index.ts';
import { checkedModules } from '../../../support/findings.ts';
import { tableMemory } from '../../../support/table-memory.ts';
import { batches, flips, HELLO } from './virt-programs.ts';

const modules = await checkedModules();

const RAM = 0x4000_0000;
const RAM_SIZE = 0x100_0000;
const SMMU = 0x0905_0000;
const ENGINE = 0x0920_0000;
const CMDQV = 0x0b00_0000;
const STREAM = 8;
const IOVA = 0x1000_0000;
/** Address of the kernel's tables. */
const TABLES = RAM + 0x80_0000;

let host: Host | undefined;
afterEach(async () => {
  await host?.destroy();
  host = undefined;
});

async function boardOf(role: VirtRole) {
  const board = await virtBoard({ role }).create({
    host: await VmHost.create({ modules, vintfs: 2, vcmdqs: 4 }),
    name: 'vm0',
    index: 0,
    guest: HELLO,
    memorySize: RAM_SIZE,
    onOutput: () => undefined,
  });
  const { machine } = board;
  const { bus } = machine.devices;
  const ram = guestMemoryOf(machine.memory, machine.regions);
  const tables = tableMemory(ram, TABLES);
  return { board, machine, bus, ram, tables };
}

type Board = Awaited<ReturnType<typeof boardOf>>;

/** Writes 8 bytes of a register. */
function write64({ bus }: Board, gpa: number, value: number): void {
  bus.write(gpa, 8, (value % 2 ** 32) | 0, Math.floor(value / 2 ** 32));
}

/**
 * The SMMU translates the engine's stream by a table, whose root may be given by another
 * PA.
 * @param pas of the pages from IOVA on.
 * @param eats of the STE: with 1, the engine's translation requests are answered.
 * @returns the table, and a function that executes a command.
 */
function translating(
  board: Board,
  pas: readonly number[],
  rootAt = (root: number) => root,
  eats = 0,
) {
  const { bus, tables } = board;
  const table = new PageTable(tables, { stage: 1 });
  pas.forEach((pa, page) => {
    table.map(IOVA + 0x1000 * page, pa, 0x1000, S1_READ_WRITE);
  });
  const cd = tables.allocate(64, 64);
  const streams = tables.allocate(1024, 1024);
  const commands = tables.allocate(256, 256);
  writeCd(
    tables,
    cd,
    0,
    contextDescriptor({ asid: 1, lower: { ttb: rootAt(table.root), inputBits: 48 } }),
  );
  writeSte(tables, streams, STREAM, stage1Ste({ contextPtr: cd, eats }));
  writeCommand(tables, commands, 0, cfgiAll());
  writeCommand(tables, commands, 1, sync());
  write64(board, SMMU + 0x080, streams);
  bus.write(SMMU + 0x088, 4, 4);
  write64(board, SMMU + 0x090, commands + 4);
  bus.write(SMMU + 0x020, 4, 0x8);
  bus.write(SMMU + 0x098, 4, 2);
  expect(bus.read(SMMU + 0x09c, 4)).toBe(2);
  bus.write(SMMU + 0x020, 4, 0x9);
  let prod = 2;
  const execute = (command: Uint32Array) => {
    writeCommand(tables, commands, prod++, command);
    writeCommand(tables, commands, prod++, sync());
    bus.write(SMMU + 0x098, 4, prod);
    expect(bus.read(SMMU + 0x09c, 4)).toBe(prod);
  };
  return { table, execute };
}

/** The engine fills 8 bytes. Returns its STATUS: 1 done, 3 a write was refused. */
function fill(board: Board, iova: number): number {
  const { bus } = board;
  write64(board, ENGINE + 0x18, iova);
  bus.write(ENGINE + 0x0c, 4, 8);
  bus.write(ENGINE + 0x20, 4, 0x5a5a5a5a);
  bus.write(ENGINE + 0x04, 4, 2);
  return bus.read(ENGINE + 0x08, 4);
}

describe('the SMMU that a kernel owns', () => {
  it('has both stages, 16-bit VMIDs and S2FWB', async () => {
    const { bus } = await boardOf('host');
    // S1P, S2P and VMID16; FWB.
    expect(bus.read(SMMU, 4) & 0x40003).toBe(0x40003);
    expect((bus.read(SMMU + 0x0c, 4) >>> 8) & 1).toBe(1);
  });

  it('translates DMA to RAM by tables in RAM', async () => {
    const board = await boardOf('host');
    translating(board, [RAM + 0x10_0000]);
    expect(fill(board, IOVA + 0x18)).toBe(1);
    expect(board.ram.load64(RAM + 0x10_0018)).toBe(0x5a5a5a5a_5a5a5a5an);
  });

  it('answers translation requests of the engine, whose ATC only ATC_INV empties', async () => {
    const board = await boardOf('host');
    const { table, execute } = translating(board, [RAM + 0x10_0000], undefined, 1);
    board.bus.write(ENGINE + 0x38, 4, 1);
    expect(board.bus.read(ENGINE + 0x38, 4)).toBe(1);
    expect(fill(board, IOVA)).toBe(1);
    table.unmap(IOVA, 0x1000);
    execute(tlbiNsnhAll());
    expect(fill(board, IOVA)).toBe(1);
    execute(atcInv({ streamId: STREAM + 1, address: IOVA, size: 0 }));
    expect(fill(board, IOVA)).toBe(1);
    execute(atcInv({ streamId: STREAM, address: IOVA, size: 0 }));
    expect(fill(board, IOVA)).toBe(3);
  });

  it.each([
    ['address 0', 0],
    ['the page below RAM', RAM - 0x1000],
    ['the page after RAM', RAM + RAM_SIZE],
    ['the redistributors', 0x080a_0000],
    ['RAM with a bit above 32', 0x1_0000_0000 + RAM],
    ['the highest page', 0xffff_ffff_f000],
  ] as const)('finds no memory at %s', async (_, pa) => {
    const board = await boardOf('host');
    translating(board, [pa, RAM + 0x10_0000]);
    const before = new Uint8Array(board.machine.memory.buffer).slice(0, 0x40_0000);
    expect(fill(board, IOVA)).toBe(3);
    const after = new Uint8Array(board.machine.memory.buffer).slice(0, 0x40_0000);
    // vCPUs, GIC and direct pages are there.
    expect(Buffer.compare(before, after)).toBe(0);
    expect(fill(board, IOVA + 0x1000)).toBe(1);
  });

  it('walks no table and fetches no command that is not in RAM', async () => {
    const board = await boardOf('host');
    translating(board, [RAM + 0x10_0000], (root) => root + 0x1_0000_0000);
    expect(fill(board, IOVA)).toBe(3);
    const { bus } = board;
    bus.write(SMMU + 0x020, 4, 0);
    write64(board, SMMU + 0x090, RAM - 0x1000 + 4);
    bus.write(SMMU + 0x020, 4, 0x8);
    bus.write(SMMU + 0x098, 4, 3);
    // CERROR_ABT.
    expect(bus.read(SMMU + 0x09c, 4) >>> 24).toBe(2);
  });
});

describe('the CMDQV that a kernel owns', () => {
  it.each([
    ['host', 0x20000],
    ['guest', 0],
  ] as const)('has the HYP_OWN of a %s', async (role, hypOwn) => {
    const { bus } = await boardOf(role);
    bus.write(CMDQV + 0x1000, 4, 0x20001);
    expect(bus.read(CMDQV + 0x1000, 4) & 0x20001).toBe(hypOwn + 1);
  });

  it('has all VINTFs and VCMDQs of the host’s', async () => {
    const { bus, board } = await boardOf('host');
    expect(bus.read(CMDQV + 4, 4)).toBe(0x4121);
    const { drainable, vm, smmus } = board;
    expect([drainable?.direct.length, vm, smmus[0]?.smmu.streams.get(STREAM)]).toEqual([
      2,
      undefined,
      STREAM,
    ]);
  });

  it('shows a queue in each view, and zero in a slot that has no VCMDQ', async () => {
    const board = await boardOf('host');
    const { bus, tables } = board;
    const ring = tables.allocate(0x100, 0x100);
    writeCommand(tables, ring, 0, sync());
    bus.write(CMDQV + 0x1000, 4, 0x20001);
    // VCMDQ 3 is LVCMDQ 1 of VINTF 0: BASE, CONFIG and PROD by its number, CONS by
    // either.
    bus.write(CMDQV + 0x20c, 4, 3);
    write64(board, CMDQV + 0x20180, ring + 4);
    bus.write(CMDQV + 0x10188, 4, 1);
    bus.write(CMDQV + 0x10184, 4, 1);
    expect([bus.read(CMDQV + 0x10180, 4), bus.read(CMDQV + 0x30080, 4)]).toEqual([1, 1]);
    bus.write(CMDQV + 0x30004, 4, 1);
    expect(bus.read(CMDQV + 0x30004, 4)).toBe(0);
    expect(board.board.smmus[0]?.vintf?.queues.map(({ index }) => index)).toEqual([3]);
    const { owned } = board.board;
    expect(owned && inspectOwned(owned)).toMatchObject({
      machine: 'vm0',
      streams: [STREAM],
      queues: [{ name: 'CMDQ', kind: 'CMDQ of the SMMU' }],
      vintfs: [
        {
          index: 0,
          enabled: true,
          queues: [{ name: 'LVCMDQ 1', block: 3, entries: 16, prod: 1, cons: 1, syncs: 1 }],
        },
      ],
      counts: { illegalOpcode: 0, events: {} },
    });
  });

  it('is in the inspection of its host, until it is destroyed', async () => {
    await run(batches(10));
    const { owned = [], smmus, vms } = host?.inspect() ?? {};
    expect([owned.length, smmus?.[0]?.vintfsInUse, vms]).toEqual([1, 0, []]);
    expect(owned[0]?.vintfs[0]?.queues).toMatchObject([{ commands: 20, syncs: 10, errors: 0 }]);
    for (const machine of host?.machines ?? []) await machine.destroy();
    expect(host?.inspect().owned).toBeUndefined();
  });
});

/** Runs a program to its end. Returns its output. */
async function run(
  guest: Uint8Array<ArrayBuffer>,
  own: Partial<MachineOptions> = {},
  hardware: HostOptions = { vintfs: 1, vcmdqs: 1 },
) {
  await host?.destroy();
  host = await Host.create(hardware);
  const board = virtBoard({ role: 'host' });
  const machine = await host.createMachine({ guest, board, memory: 16, seed: 1, ...own });
  let printed = '';
  machine.on('output', (bytes) => {
    printed += String.fromCharCode(...bytes);
  });
  await machine.boot();
  expect(await machine.wait()).toMatchObject({ status: 'off' });
  const { exits, vcmdq } = machine.statistics;
  return { printed, exits, vcmdq };
}

describe('a VCMDQ of the CMDQV that a kernel owns', () => {
  it('is served without an exit: as many for 10 batches as for 2,000', async () => {
    const few = await run(batches(10));
    const many = await run(batches(2000));
    expect([few.printed, many.printed]).toEqual(['K', 'K']);
    expect(many.vcmdq).toMatchObject({ commands: 4000, syncs: 2000, doorbellCalls: 2001 });
    expect(many.exits.total).toBe(few.exits.total);
  });

  it.each([
    ['without direct maps', { directMaps: false }, { vintfs: 1, vcmdqs: 1 }],
    ['while a slot of its VINTF has none', {}, { vintfs: 1, vcmdqs: 2 }],
  ] as const)('traps %s', async (_, own, hardware) => {
    const few = await run(batches(10), own, hardware);
    const many = await run(batches(110), own, hardware);
    expect([few.printed, many.printed]).toEqual(['K', 'K']);
    expect(many.vcmdq).toMatchObject({ commands: 220, doorbellCalls: 0 });
    expect(many.exits.total - few.exits.total).toBeGreaterThanOrEqual(200);
  });

  it('traps while its VINTF is disabled, and is direct again after that', async () => {
    const [few, many] = [await run(flips(5)), await run(flips(105))];
    expect([few.printed, many.printed]).toEqual(['K', 'K']);
    expect(many.vcmdq.commands).toBe(210);
    expect(many.exits.total - few.exits.total).toBe(300);
  });
});

describe('a board with a role', () => {
  it('refuses one that does not exist', () => {
    expect(() => virtBoard({ role: 'owner' as VirtRole })).toThrow(
      'virtBoard: role must be one of guest, host, not "owner"',
    );
  });

  it.each([
    ['overlay path', { overlay: true }, "the overlay path is a guest's"],
    ['fetches that abort', { faults: { fetchAborts: 4 } }, "fetchAborts is for a guest's queues"],
  ] as const)('has no %s for a host', async (_, own, message) => {
    host = await Host.create();
    const board = virtBoard({ role: 'host' });
    const made = host.createMachine({ guest: HELLO, board, ...own });
    await expect(made).rejects.toThrow(message);
  });
});

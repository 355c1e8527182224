// SPDX-License-Identifier: MIT
// A bare-metal x86 program in v86 drives the SMMU and a VCMDQ. Register offsets and
// commands are literal.

import { V86 } from 'v86';
import { afterEach, describe, expect, it } from 'vitest';
import { PLUGIN_INTERFACE_VERSION } from '../../../devices/plugin/index.ts';
import {
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  storeStructure,
  type TableMemory,
  writeSte,
} from '../../../devices/tables/index.ts';
import { addSmmu } from '../../../docs/examples/v86-board.ts';
import { Host } from '../../../vmm/api/index.ts';
import { hostModelOf } from '../../../vmm/nested/index.ts';
import { plugDevices, plugSmmu, V86_MSI } from '../../../vmm/v86/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';
import { V86_WASM } from '../../support/v86-wasm.ts';
import { X86Program } from '../../support/x86.ts';

const MEMORY = 32 << 20;
const WINDOW = 0xd0000000;
const SMMU = WINDOW;
const CMDQV = WINDOW + 0x20000;
const DMA = WINDOW + 0x80000;
/** Guest physical addresses in RAM. */
const PAGE0 = 0x400000;
const RESULTS = 0x500000;
const STREAMS = 0x600000;
const CMDQ = 0x610000;
const EVENTQ = 0x620000;
const CDS = 0x630000;
const VCMDQ_RING = 0x640000;
const BUFFER = 0x650000;
const TABLES = 0x700000;
const IOVA = 0x10000;
const ASID = 1;

const emulators: V86[] = [];
afterEach(async () => {
  for (const emulator of emulators.splice(0)) await emulator.destroy();
});

interface Inside {
  readonly v86: {
    readonly cpu: { readonly mem8: Uint8Array; readonly wasm_memory: WebAssembly.Memory };
  };
}

/** An emulator with a program as its BIOS, loaded and not running. */
async function load(
  program: X86Program,
): Promise<{ emulator: V86; ram: DataView; said: () => string }> {
  const emulator = new V86({
    wasm_path: V86_WASM,
    memory_size: MEMORY,
    vga_memory_size: 2 << 20,
    bios: { buffer: program.image().buffer },
    autostart: false,
  });
  emulators.push(emulator);
  let said = '';
  emulator.add_listener('serial0-output-byte', (byte: number) => {
    said += String.fromCharCode(byte);
  });
  await new Promise((resolve) =>
    emulator.add_listener('emulator-loaded', () => resolve(undefined)),
  );
  const { mem8 } = (emulator as unknown as Inside).v86.cpu;
  return {
    emulator,
    ram: new DataView(mem8.buffer, mem8.byteOffset, mem8.length),
    said: () => said,
  };
}

async function runUntil(emulator: V86, said: () => string, last: string): Promise<void> {
  await emulator.run();
  for (
    const limit = performance.now() + 20_000;
    !said().endsWith(last) && performance.now() < limit;
  )
    await new Promise((resolve) => setTimeout(resolve, 5));
  await emulator.stop();
}

/**
 * Contents of RAM after the firmware: a stream table with the DMA engine's stream, a CD,
 * and tables that map IOVA to BUFFER.
 */
function prepareTables(ram: DataView): { readonly leaf: number } {
  let next = TABLES;
  const memory: TableMemory = {
    load64: (gpa) => ram.getBigUint64(gpa, true),
    store64: (gpa, value) => ram.setBigUint64(gpa, value, true),
    allocate(size, alignment) {
      const at = Math.ceil(next / alignment) * alignment;
      next = at + size;
      return at;
    },
  };
  const table = new PageTable(memory, { stage: 1 });
  table.map(IOVA, BUFFER, 0x1000, S1_READ_WRITE);
  storeStructure(
    memory,
    CDS,
    contextDescriptor({ asid: ASID, outputBits: 48, lower: { ttb: table.root, inputBits: 48 } }),
  );
  writeSte(memory, STREAMS, 8, stage1Ste({ contextPtr: CDS }));
  const level3 = [0, 1, 2].reduce((at) => Number(memory.load64(at) & 0xfffffffff000n), table.root);
  return { leaf: level3 + 8 * (IOVA >> 12) };
}

/**
 * A write by the DMA engine; its status, complete at once, is stored in a word of
 * RESULTS.
 */
function dmaFill(program: X86Program, pattern: number, result: number): void {
  program
    .store64(DMA + 0x18, BigInt(IOVA))
    .store(DMA + 0x0c, 4)
    .store(DMA + 0x20, pattern)
    .store(DMA + 0x04, 2);
  program.copy(DMA + 0x08, RESULTS + 4 * result);
}

/**
 * Enables the SMMU, VINTF 0 and its first VCMDQ; HYP_OWN is stored in the first word of
 * RESULTS.
 */
function bringUp(program: X86Program): void {
  program
    .store64(SMMU + 0x80, BigInt(STREAMS))
    .store(SMMU + 0x88, 4)
    .store64(SMMU + 0x90, BigInt(CMDQ + 4))
    .store64(SMMU + 0xa0, BigInt(EVENTQ + 4))
    .store(SMMU + 0x20, 0xd)
    .waitFor(SMMU + 0x24, 0xd)
    .store(CMDQV, 0x20083)
    .waitFor(CMDQV + 0x08, 1)
    .store(CMDQV + 0x1000, (1 << 17) | 1)
    .waitFor(CMDQV + 0x1004, 0x20001)
    .copy(CMDQV + 0x1000, RESULTS)
    .store(CMDQV + 0x200, 1)
    .store64(CMDQV + 0x40000, BigInt(VCMDQ_RING + 4))
    .store(PAGE0 + 0x08, 1)
    .waitFor(PAGE0 + 0x0c, 1);
}

describe('an x86 program', () => {
  it('invalidates through a VCMDQ in RAM, without an exit', async () => {
    const program = new X86Program();
    // The tables are the same in any memory: the program has to know the descriptor's
    // address.
    const { leaf } = prepareTables(new DataView(new ArrayBuffer(MEMORY)));
    bringUp(program);
    dmaFill(program, 0x11111111, 1);
    program.store64(leaf, 0n);
    dmaFill(program, 0x22222222, 2);
    // TLBI_NH_VA with leaf and the TTL of a page, CMD_SYNC; then PROD, and polling of
    // CONS until both are done.
    program
      .store64(VCMDQ_RING, 0x0001_0000_0000_0012n)
      .store64(VCMDQ_RING + 8, BigInt(IOVA) | 1n)
      .store64(VCMDQ_RING + 16, 0x46n)
      .store64(VCMDQ_RING + 24, 0n)
      .store(PAGE0 + 0x04, 2)
      .waitFor(PAGE0, 2);
    dmaFill(program, 0x33333333, 3);
    program.say('!');

    const { emulator, ram, said } = await load(program);
    prepareTables(ram);
    const smmu = await addSmmu(emulator);
    await runUntil(emulator, said, '!');
    expect([said(), smmu.error]).toEqual(['!', undefined]);
    // HYP_OWN is wired to zero; the write after the descriptor was cleared still uses the
    // old translation, the one after the CMD_SYNC faults.
    expect([0, 1, 2, 3].map((i) => ram.getUint32(RESULTS + 4 * i, true))).toEqual([1, 1, 1, 3]);
    expect(ram.getUint32(BUFFER, true)).toBe(0x22222222);
    // F_TRANSLATION of StreamID 8, a write at IOVA.
    expect([0, 8, 16].map((at) => ram.getBigUint64(EVENTQ + at, true))).toEqual([
      0x0000_0008_0000_0010n,
      0x0000_0200_0000_0000n,
      BigInt(IOVA),
    ]);
    expect(smmu.vintf.queue(0).counts).toMatchObject({
      commands: 2,
      syncs: 1,
      errors: 0,
      rewrites: 1,
    });
    const names = Object.keys(smmu.exitsByRegister);
    expect(names).toContain('cmdqv.VINTF0_CONFIG');
    expect(names.filter((name) => /PROD|CONS/.test(name) && name.startsWith('cmdqv'))).toEqual([]);
    expect(smmu.exits).toBe(
      Object.values(smmu.exitsByRegister).reduce((sum, count) => sum + count, 0),
    );
    smmu.destroy();
  });

  it('gets CERROR_ILL for a command that is not a guest’s, and the CMDQV’s interrupt', async () => {
    const program = new X86Program();
    bringUp(program);
    program
      .store64(VCMDQ_RING, 0x30n)
      .store64(VCMDQ_RING + 8, 0n)
      .store(PAGE0 + 0x04, 1)
      .waitFor(PAGE0, 0x01000000)
      .say('!');
    const { emulator, said } = await load(program);
    const raised: number[] = [];
    const { cpu } = (
      emulator as unknown as { v86: { cpu: { device_raise_irq(irq: number): void } } }
    ).v86;
    const raise = cpu.device_raise_irq;
    cpu.device_raise_irq = (irq) => {
      raised.push(irq);
      raise.call(cpu, irq);
    };
    const smmu = await addSmmu(emulator);
    await runUntil(emulator, said, '!');
    expect([said(), smmu.vintf.queue(0).counts.errors]).toEqual(['!', 1]);
    expect(raised).toContain(11);
    smmu.destroy();
  });
});

describe('the ID registers', () => {
  it.each([
    ['default', [0x0c483c9a, 0x01080510, 0x404, 0x04000075]],
    ['grace', [0x0808341a, 0x09080510, 0, 0x00800075]],
  ] as const)('are what a guest can have of its host’s: %s', async (idRegisters, expected) => {
    const program = new X86Program();
    for (const [i, offset] of [0x0, 0x4, 0xc, 0x14].entries())
      program.copy(SMMU + offset, RESULTS + 4 * i);
    const { emulator, ram, said } = await load(program.say('!'));
    const host = await checkedHost(Host, { vintfs: 2, vcmdqs: 4, idRegisters });
    const smmu = plugSmmu(emulator, { host, page0: PAGE0, irqs: { smmu: 9, cmdqv: 11, dma: 5 } });
    await runUntil(emulator, said, '!');
    expect(expected.map((_, i) => ram.getUint32(RESULTS + 4 * i, true))).toEqual(expected);
    smmu.destroy();
  });
});

describe('MSIs', () => {
  const VECTOR = 0x31;
  const EVENT_VECTOR = 0x32;

  async function withMsis(program: X86Program) {
    const { emulator, ram, said } = await load(program);
    const raised: number[] = [];
    const { cpu } = (
      emulator as unknown as { v86: { cpu: { device_raise_irq(irq: number): void } } }
    ).v86;
    const raise = cpu.device_raise_irq;
    cpu.device_raise_irq = (irq) => {
      raised.push(irq);
      raise.call(cpu, irq);
    };
    const host = await checkedHost(Host, { vintfs: 2, vcmdqs: 4 });
    const smmu = plugSmmu(emulator, {
      host,
      page0: PAGE0,
      irqs: { smmu: 9, cmdqv: 11, dma: 5 },
      msiVectors: new Map([
        [VECTOR, 6],
        [EVENT_VECTOR, 7],
      ]),
    });
    const port = hostModelOf(host).dmaPort(smmu.viommu, 8);
    const write = (iova: number, data: number) => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, data, true);
      return port.write(iova, bytes).ok;
    };
    return { emulator, ram, said, raised, smmu, write };
  }

  it('to the local APICs raise the IRQ of their vector, and none for other vectors or CPUs', async () => {
    const { raised, smmu, write } = await withMsis(new X86Program().say('!'));
    // The stream bypasses: GBPA.
    const { gpa } = V86_MSI;
    // Fixed and lowest priority; a logical destination; broadcast.
    for (const [offset, mode] of [
      [0, 0],
      [0, 0x100],
      [0x100c, 0],
      [0xff000, 0],
    ] as const)
      expect(write(gpa + offset, VECTOR | mode)).toBe(true);
    expect(raised).toEqual([6, 6, 6, 6]);
    // Another CPU, logical and not; an NMI; a vector that is not an IRQ's; an address
    // outside RAM.
    expect([
      write(gpa + 0x1000, VECTOR),
      write(gpa + 0x200c, VECTOR),
      write(gpa, VECTOR | 0x400),
      write(gpa, 0x40),
      write(gpa + V86_MSI.size, VECTOR),
    ]).toEqual([false, false, false, false, false]);
    expect(raised).toHaveLength(4);
    smmu.destroy();
  });

  it('of the SMMU go there, and those of a device with a stage 1 go where its tables map them', async () => {
    const program = new X86Program();
    program
      .store64(SMMU + 0xb0, BigInt(V86_MSI.gpa))
      .store(SMMU + 0xb8, EVENT_VECTOR)
      .store(SMMU + 0x50, 4);
    bringUp(program);
    // A fault: an event, and its MSI.
    program
      .store64(DMA + 0x18, 0x50000n)
      .store(DMA + 0x0c, 4)
      .store(DMA + 0x04, 2)
      .say('!');
    const { emulator, ram, said, raised, write } = await withMsis(program);
    const { leaf } = prepareTables(ram);
    // The page after IOVA's is that of the APICs.
    ram.setBigUint64(
      leaf + 8,
      (ram.getBigUint64(leaf, true) & ~0xffff_ffff_f000n) | BigInt(V86_MSI.gpa),
      true,
    );
    await runUntil(emulator, said, '!');
    expect(raised).toContain(7);
    expect(raised).not.toContain(6);
    expect([write(IOVA + 0x1000, VECTOR), write(IOVA + 0x2000, VECTOR)]).toEqual([true, false]);
    expect(raised).toContain(6);
  });
});

describe('plugged devices', () => {
  it('get the guest’s 32-bit loads and stores', async () => {
    const program = new X86Program()
      .copy(WINDOW + 0x10, RESULTS)
      .store(WINDOW + 4, -1)
      .say('!');
    const { emulator, ram, said } = await load(program);
    const device = new ScratchDevice();
    const plugged = plugDevices(emulator, {
      window: { gpa: WINDOW, size: 0x20000 },
      devices: [{ device, addresses: [WINDOW], firstIrq: 5 }],
    });
    await runUntil(emulator, said, '!');
    expect(ram.getUint32(RESULTS, true)).toBe(0x80000010);
    expect(device.accesses.map(({ offset, size, lo }) => [offset, size, lo])).toEqual([
      [0x10, 4, 0],
      [4, 4, 0xffffffff],
    ]);
    expect([plugged.exits, plugged.exitsByRegister]).toEqual([
      2,
      { 'scratch.R10': 1, 'scratch.R4': 1 },
    ]);
  });

  it('get 8-bit accesses as they are, and 16-bit ones as two of 8 bits', async () => {
    const program = new X86Program()
      .copy8(WINDOW + 0x13, RESULTS)
      .copy16(WINDOW + 0x16, RESULTS + 4)
      .store8(WINDOW + 0x21, 0xa5)
      .store16(WINDOW + 0x22, 0xbeef)
      .say('!');
    const { emulator, ram, said } = await load(program);
    const device = new ScratchDevice({ accessSizes: [1, 2, 4] });
    plugDevices(emulator, {
      window: { gpa: WINDOW, size: 0x20000 },
      devices: [{ device, addresses: [WINDOW], firstIrq: 5 }],
    });
    await runUntil(emulator, said, '!');
    expect(device.accesses.map(({ offset, size, lo }) => [offset, size, lo])).toEqual([
      [0x13, 1, 0],
      [0x16, 1, 0],
      [0x17, 1, 0],
      [0x21, 1, 0xa5],
      [0x22, 1, 0xef],
      [0x23, 1, 0xbe],
    ]);
    expect([ram.getUint32(RESULTS, true), ram.getUint32(RESULTS + 4, true)]).toEqual([
      0x13, 0x1716,
    ]);
  });

  it('have their timers called after a tick, and nothing more once they are unplugged', async () => {
    const { emulator, said } = await load(new X86Program().say('!'));
    const device = new ScratchDevice();
    const calls: number[] = [];
    const lines: number[] = [];
    const { cpu } = (
      emulator as unknown as { v86: { cpu: { device_raise_irq(irq: number): void } } }
    ).v86;
    const raise = cpu.device_raise_irq;
    cpu.device_raise_irq = (irq) => {
      lines.push(irq);
      raise.call(cpu, irq);
    };
    device.attach = (host) => {
      const timer = host.timer('tick', () => {
        calls.push(host.nowNs());
        if (calls.length < 3) timer.at(host.nowNs() + 2e6);
      });
      device.reset = () => timer.at(host.nowNs() + 2e6);
      device.host = host;
    };
    const plugged = plugDevices(emulator, {
      window: { gpa: WINDOW, size: 0x20000 },
      devices: [{ device, addresses: [WINDOW], firstIrq: 5 }],
    });
    await runUntil(emulator, said, '!');
    await emulator.run();
    for (const limit = performance.now() + 20_000; calls.length < 3 && performance.now() < limit; )
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(calls).toHaveLength(3);
    const [first = 0, second = 0, third = 0] = calls;
    expect(Math.min(second - first, third - second)).toBeGreaterThanOrEqual(2e6);
    device.host?.interruptLine(0).pulse();
    plugged.unplug();
    device.host?.interruptLine(0).pulse();
    expect(lines.filter((irq) => irq === 5)).toEqual([5]);
  });

  it('that throw are removed, and the guest continues', async () => {
    const program = new X86Program()
      .copy(WINDOW, RESULTS)
      .copy(WINDOW, RESULTS + 4)
      .say('!');
    const { emulator, ram, said } = await load(program);
    const device = new ScratchDevice({
      onRead: () => {
        throw new Error('no such luck');
      },
    });
    const failures: string[] = [];
    const plugged = plugDevices(emulator, {
      window: { gpa: WINDOW, size: 0x20000 },
      devices: [{ device, addresses: [WINDOW], firstIrq: 5 }],
      onFailure: (error) => failures.push(error.message),
    });
    await runUntil(emulator, said, '!');
    expect([said(), failures, plugged.error?.message, device.accesses.length]).toEqual([
      '!',
      ['scratch: no such luck'],
      'scratch: no such luck',
      1,
    ]);
    expect(ram.getUint32(RESULTS + 4, true)).toBe(0);
  });

  it('are refused where they do not fit', async () => {
    const { emulator } = await load(new X86Program());
    const host = await checkedHost(Host, { vintfs: 2, vcmdqs: 4 });
    const plug = (gpa: number, size: number, address: number, version = PLUGIN_INTERFACE_VERSION) =>
      plugDevices(emulator, {
        window: { gpa, size },
        devices: [
          {
            device: Object.assign(new ScratchDevice(), { interfaceVersion: version }),
            addresses: [address],
            firstIrq: 5,
          },
        ],
      });
    expect(() => plug(WINDOW + 0x1000, 0x20000, WINDOW + 0x1000)).toThrow(
      'the window of scratch (0xd0001000 to 0xd0020fff) must be whole blocks of 0x20000 bytes below 4 GiB',
    );
    expect(() => plug(WINDOW, 0x20000, WINDOW + 0x20000)).toThrow(
      'scratch (0xd0020000 to 0xd0020fff) lies outside of ' +
        "the devices' window (0xd0000000 to 0xd001ffff)",
    );
    expect(() => plug(WINDOW, 0x20000, WINDOW, PLUGIN_INTERFACE_VERSION + 1)).toThrow(
      'of the plugin interface',
    );
    const irqs = { smmu: 9, cmdqv: 11, dma: 5 };
    expect(() => plugSmmu(emulator, { host, page0: 0x98000, irqs })).toThrow(
      'plugSmmu: page0 must be 64 KiB of RAM',
    );
    expect(() => plugSmmu(emulator, { host, page0: MEMORY - 0x1000, irqs })).toThrow(
      'plugSmmu: page0 must be 64 KiB of RAM',
    );
    expect(() => plugSmmu({}, { host, page0: PAGE0, irqs })).toThrow(
      'emulator must be a v86 emulator that has loaded: it has no v86',
    );
    expect(host.statistics.vms).toBe(0);
    await host.destroy();
    expect(host.destroyed).toBe(true);
    expect(() => plugSmmu(emulator, { host, page0: PAGE0, irqs })).toThrow(
      expect.objectContaining({ name: 'UseError', code: 'destroyed' }),
    );
  });
});

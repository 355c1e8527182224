// A VMM of your own, built only from `vsmmu/devices`: RAM, an SMMUv3, a bus, a device that makes
// DMA, and interrupts. The guest is a function that makes register accesses and stores to RAM, as
// guest code on your CPU emulator would.

import {
  cfgiAll,
  contextDescriptor,
  createHostMemory,
  DeviceComplex,
  decodeEvent,
  defineDevice,
  loadHotModules,
  PageTable,
  PhysicalRam,
  PhysicalSmmu,
  S1_READ_WRITE,
  SmmuEndpoint,
  SYSTEM_CLOCK,
  stage1Ste,
  sync,
  Unit,
  writeCd,
  writeCommand,
  writeSte,
} from 'vsmmu/devices';

const SMMU = 0x1000_0000;
const COPIER = 0x1100_0000;
const COPIER_IRQ = 40;
const STREAM = 3;

/** Copies LENGTH bytes from SOURCE to TARGET when GO is written, then raises an interrupt. */
const copier = defineDevice({
  name: 'copier',
  kind: 'copy',
  interrupts: 1,
  busMaster: true,
  registers: {
    LENGTH: { offset: 0x10, writable: 0xfff },
    GO: {
      offset: 0x14,
      writable: 1,
      write(registers, { dma, interruptLine }) {
        const bytes = new Uint8Array(registers.LENGTH);
        const read = dma.read(Number(registers.SOURCE), bytes);
        const done = read.ok && dma.write(Number(registers.TARGET), bytes).ok;
        registers.STATUS = done ? 1 : 2;
        interruptLine(0).pulse();
      },
    },
    STATUS: { offset: 0x18 },
  },
  registers64: {
    SOURCE: { offset: 0x0, writable: 0xffff_ffff_ffffn },
    TARGET: { offset: 0x8, writable: 0xffff_ffff_ffffn },
  },
});

// The computer. RAM is part of the memory on which the SMMU's modules work; it starts at PA 0.
const hostMemory = createHostMemory({ ramSize: 0x20_0000 });
const ram = new PhysicalRam(hostMemory);
const unit = new Unit({ modules: await loadHotModules(), hostMemory, thread: 0 });

// The memory map as devices see it: RAM, and a frame buffer of 4 KiB.
const frameBuffer = new Uint8Array(0x1000);
const FRAME_BUFFER = 0x8000_0000;
const memory = {
  bytes(pa, length) {
    const offset = pa - FRAME_BUFFER;
    return offset >= 0 && offset + length <= frameBuffer.length
      ? frameBuffer.subarray(offset, offset + length)
      : ram.bytes(pa, length);
  },
};
const endpoint = new SmmuEndpoint({ unit, memory });

// Interrupts that the guest has not acknowledged: your interrupt controller.
const pending = new Set();

const complex = new DeviceComplex({
  devices: [
    { device: new PhysicalSmmu({ unit, smmuIndex: 0 }), addresses: [SMMU], firstIrq: 32 },
    {
      device: copier,
      addresses: [COPIER],
      firstIrq: COPIER_IRQ,
      dmaPort: endpoint.dmaPort(STREAM),
    },
  ],
  memory: ram,
  interrupts: {
    line: (irq) => ({
      pulse() {
        pending.add(irq);
        console.log('interrupt', irq);
      },
      setLevel: (asserted) => (asserted ? pending.add(irq) : pending.delete(irq)),
    }),
  },
  clock: SYSTEM_CLOCK,
});
const { bus } = complex;

/**
 * The guest waits for an interrupt (WFI). `poll` does the devices' background work and calls the
 * timers that are due; a running CPU calls it as well, between two slices of code.
 */
async function waitForInterrupt() {
  while (pending.size === 0) {
    if (complex.poll() > 0) continue;
    const left = (complex.nextDeadline ?? Number.POSITIVE_INFINITY) - SYSTEM_CLOCK.nowNs();
    const ms = Math.min(10, Math.max(0, left / 1e6)); // 10: there may be input
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

// From here on: the guest. Its allocator, its tables, its driver.
let free = 0x1000;
const pages = {
  load64: (pa) => ram.load64(pa) ?? 0n,
  store64(pa, value) {
    ram.store64(pa, value);
  },
  allocate(size, alignment) {
    const at = Math.ceil(free / alignment) * alignment;
    free = at + size;
    return at;
  },
};
const write64 = (gpa, value) =>
  bus.write(gpa, 8, Number(value & 0xffff_ffffn), Number(value >> 32n));

const table = new PageTable(pages, { stage: 1 });
table.map(0x4000_0000, 0x10_0000, 0x1000, S1_READ_WRITE);
table.map(0x4000_1000, FRAME_BUFFER, 0x1000, S1_READ_WRITE);
const context = pages.allocate(64, 64);
const streams = pages.allocate(64 * 16, 64 * 16);
const commands = pages.allocate(16 * 16, 16 * 16);
writeCd(
  pages,
  context,
  0,
  contextDescriptor({ asid: 1, lower: { ttb: table.root, inputBits: 48 } }),
);
writeSte(pages, streams, STREAM, stage1Ste({ contextPtr: context }));
writeCommand(pages, commands, 0, cfgiAll());
writeCommand(pages, commands, 1, sync());
write64(SMMU + 0x080, BigInt(streams)); // STRTAB_BASE
bus.write(SMMU + 0x088, 4, 4); // STRTAB_BASE_CFG: 16 STEs
write64(SMMU + 0x090, BigInt(commands | 4)); // CMDQ_BASE: 16 commands
bus.write(SMMU + 0x020, 4, 0x8); // CR0.CMDQEN
bus.write(SMMU + 0x098, 4, 2); // CMDQ_PROD
bus.write(SMMU + 0x020, 4, 0x9); // CR0.SMMUEN
complex.poll(); // a safe point of the guest
console.log('CMDQ_CONS', bus.read(SMMU + 0x09c, 4), 'CR0ACK', bus.read(SMMU + 0x024, 4));

const text = new TextEncoder().encode('hello through the SMMU');
ram.bytes(0x10_0000, text.length).set(text);
write64(COPIER + 0x0, 0x4000_0000n);
write64(COPIER + 0x8, 0x4000_1000n);
bus.write(COPIER + 0x10, 4, text.length);
bus.write(COPIER + 0x14, 4, 1);
await waitForInterrupt();
pending.delete(COPIER_IRQ);
console.log(new TextDecoder().decode(frameBuffer.subarray(0, text.length)));

// For device models of yours that are not plugins.
const hit = endpoint.translate(STREAM, undefined, 0x4000_1010, 64, { write: true });
if (hit.ok) console.log(`0x40001010 is 0x${hit.pa.toString(16)}, ${hit.length} bytes`);
const miss = endpoint.translate(STREAM, undefined, 0x5000_0000, 4);
if (!miss.ok && miss.event) console.log('0x50000000:', decodeEvent([...miss.event]).name);

// The block device behind an SMMU: a driver writes a sector, reads it back to another page, and
// then names a page that the SMMU does not map for the disk.

import {
  cfgiAll,
  contextDescriptor,
  createHostMemory,
  DeviceComplex,
  decodeEvent,
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
import * as disk from './block-device.mjs';

const SMMU = 0x1000_0000;
const DISK = 0x1100_0000;
const DISK_IRQ = 40;
const STREAM = 3;

// The computer: docs/own-vmm.md explains its parts.
const hostMemory = createHostMemory({ ramSize: 0x20_0000 });
const ram = new PhysicalRam(hostMemory);
const unit = new Unit({ modules: await loadHotModules(), hostMemory, thread: 0 });
const endpoint = new SmmuEndpoint({ unit, memory: ram });
const medium = new Uint8Array(64 * disk.SECTOR_SIZE);
let interrupts = 0;
const complex = new DeviceComplex({
  devices: [
    { device: new PhysicalSmmu({ unit, smmuIndex: 0 }), addresses: [SMMU], firstIrq: 32 },
    {
      device: new disk.BlockDevice(medium),
      addresses: [DISK],
      firstIrq: DISK_IRQ,
      dmaPort: endpoint.dmaPort(STREAM),
    },
  ],
  memory: ram,
  interrupts: {
    line: (irq) => ({
      pulse() {
        if (irq === DISK_IRQ) interrupts++;
      },
      setLevel: () => undefined,
    }),
  },
  directMaps: undefined,
  clock: SYSTEM_CLOCK,
});

// The guest: accesses to registers and RAM, as its code would make them.
const { bus } = complex;
const write64 = (gpa, value) => bus.write(gpa, 8, value % 2 ** 32, Math.floor(value / 2 ** 32));
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

// The disk may access two pages.
const OUT = { iova: 0x4000_0000, pa: 0x10_0000 };
const IN = { iova: 0x4000_1000, pa: 0x10_1000 };
const UNMAPPED = 0x4000_2000;
const table = new PageTable(pages, { stage: 1 });
for (const { iova, pa } of [OUT, IN]) table.map(iova, pa, 0x1000, S1_READ_WRITE);
const context = pages.allocate(64, 64);
writeCd(
  pages,
  context,
  0,
  contextDescriptor({ asid: 1, lower: { ttb: table.root, inputBits: 48 } }),
);
const streams = pages.allocate(64 * 16, 64 * 16);
writeSte(pages, streams, STREAM, stage1Ste({ contextPtr: context }));
const commands = pages.allocate(16 * 16, 16 * 16);
writeCommand(pages, commands, 0, cfgiAll());
writeCommand(pages, commands, 1, sync());
const events = pages.allocate(32 * 16, 32 * 16);
write64(SMMU + 0x080, streams); // STRTAB_BASE
bus.write(SMMU + 0x088, 4, 4); // STRTAB_BASE_CFG: 16 STEs
write64(SMMU + 0x090, commands + 4); // CMDQ_BASE: 16 commands
write64(SMMU + 0x0a0, events + 4); // EVENTQ_BASE: 16 events
bus.write(SMMU + 0x020, 4, 0xc); // CR0.CMDQEN and EVENTQEN
bus.write(SMMU + 0x098, 4, 2); // CMDQ_PROD
bus.write(SMMU + 0x020, 4, 0xd); // CR0.SMMUEN

/** The driver of the disk: makes one request, and waits for its interrupt. */
function request(command, sector, iova) {
  const before = interrupts;
  bus.write(DISK + disk.SECTOR, 4, sector);
  bus.write(DISK + disk.COUNT, 4, 1);
  write64(DISK + disk.BUFFER, iova);
  bus.write(DISK + disk.COMMAND, 4, command);
  while (interrupts === before && complex.poll() > 0);
  return { status: bus.read(DISK + disk.STATUS, 4), interrupts: interrupts - before };
}

const text = 'a sector that went through the SMMU';
ram.bytes(OUT.pa, text.length).set(new TextEncoder().encode(text));
console.log('written', request(disk.COMMAND_WRITE, 5, OUT.iova));
console.log('read   ', request(disk.COMMAND_READ, 5, IN.iova));
const back = ram.bytes(IN.pa, text.length).slice();
console.log(new TextDecoder().decode(back));

console.log('refused', request(disk.COMMAND_READ, 5, UNMAPPED));
const words = [0, 8, 16, 24].flatMap((at) => {
  const doubleword = ram.load64(events + at);
  return [Number(doubleword & 0xffff_ffffn), Number(doubleword >> 32n)];
});
const { name, fields } = decodeEvent(words);
const field = (wanted) => fields.find((one) => one.name === wanted)?.value;
console.log(name, `StreamID ${field('StreamID')}, iova 0x${field('InputAddr').toString(16)}`);

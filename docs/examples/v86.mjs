// A PC with an SMMUv3, in Node.js: v86 runs a bare-metal x86 program that reads the SMMU's IDR0 and
// IIDR, and prints them on its serial port. `npm install vsmmu v86`, then `node v86.mjs`.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { V86 } from 'v86';
import { Host } from 'vsmmu';
import { plugSmmu } from 'vsmmu/v86';

const SMMU = 0xd000_0000;
const RESULTS = 0x50_0000;

const word = (value) => [value & 0xff, (value >>> 8) & 0xff];
const long = (value) => [...word(value), ...word(value >>> 16)];
const copy = (from, to) => [0xa1, ...long(from), 0xa3, ...long(to)]; // mov eax, [from]; mov [to], eax

// The code that the CPU runs after reset: 64 KiB at 0xf0000.
const bios = new Uint8Array(0x10000).fill(0xf4); // hlt
bios.set([0xea, 0, 0, 0x00, 0xf0], 0xfff0); // jmp f000:0000
bios.set([0xfa, 0x66, 0x2e, 0x0f, 0x01, 0x16, 0x98, 0x00], 0); // cli; lgdt cs:[0x98]
bios.set([0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0], 8); // cr0 |= PE
bios.set([0x66, 0xea, ...long(0xf0100), 8, 0], 16); // jmp 8:f0100, 32 bits from here
bios.set([...long(0xffff), ...long(0xcf9a00), ...long(0xffff), ...long(0xcf9200)], 0x88);
bios.set([23, 0, ...long(0xf0080)], 0x98); // the GDT: null, code, data
bios.set(
  [
    ...[0x66, 0xb8, 16, 0, 0x8e, 0xd8], // ds = 16
    ...copy(SMMU + 0x00, RESULTS),
    ...copy(SMMU + 0x18, RESULTS + 4),
    ...[0x66, 0xba, ...word(0x3f8), 0xb0, 0x21, 0xee], // out 0x3f8, '!'
    ...[0xf4, 0xeb, 0xfd], // hlt
  ],
  0x100,
);

const emulator = new V86({
  wasm_path: join(dirname(createRequire(import.meta.url).resolve('v86')), 'v86.wasm'),
  memory_size: 32 << 20,
  vga_memory_size: 2 << 20,
  bios: { buffer: bios.buffer },
  autostart: false,
});
await new Promise((resolve) => emulator.add_listener('emulator-loaded', resolve));

const host = await Host.create({ vintfs: 2, vcmdqs: 4 });
const smmu = plugSmmu(emulator, {
  host,
  gpa: SMMU,
  page0: 0x40_0000,
  irqs: { smmu: 9, cmdqv: 11, dma: 5 },
});

const said = new Promise((resolve) => emulator.add_listener('serial0-output-byte', resolve));
await emulator.run();
await said;
await emulator.stop();

const results = new DataView(emulator.read_memory(RESULTS, 8).slice().buffer);
console.log('IDR0', `0x${results.getUint32(0, true).toString(16)}`);
console.log('IIDR', `0x${results.getUint32(4, true).toString(16)}`);
console.log(smmu.exitsByRegister);
smmu.destroy();
await host.destroy();
await emulator.destroy();
process.exit(0); // v86 leaves timers running

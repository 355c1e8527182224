// What the benchmarks run on: a host memory with one SMMU, a guest memory, the unit that joins them, one VCMDQ, and tables that map the same
// pages nested and stage 1 only. Everything comes from the built package; no device model takes part.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as HOST from '../dist/assembly/layout/host-memory.js';
import { loadHotModules } from '../dist/assembly/load.js';
import { ContextBlock, createHostMemory, QueueBlock, smmuBase, Unit, writeActions } from '../dist/devices/unit/index.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export const SMMU = smmuBase(0);
export const VMID = 7;
export const VINTF = 1;
/** Guest-memory offset of the queue's registers. */
export const PAGE0 = 0x10000;
/** StreamID of the nested configuration, and of the one with stage 1 only. */
export const NESTED_SID = 5;
export const STAGE1_SID = 6;
/** Virtual StreamID that the VINTF maps to NESTED_SID. */
export const VIRTUAL_SID = 8;
/** The mapped range of IOVA: twice the IOTLB's entries, so that a walk through all of it always misses. */
export const IOVA = 0x0000_4030_2000_0000n;
export const PAGES = 8192;
export const LOG2SIZE = 10;

const WINDOW = 1;
const RAM_GPA = 0x80000000;
const RING = 0x200000;
const HOST_RAM = 0x200000;
const STREAM_TABLE = 0x10000;
const STAGE2 = 0x20000;
// S1P, S2P, ATS, ASID16, VMID16; SIDSIZE 16; OAS 48 and 4 KiB granule (IHI 0070 section 6.3).
const IDR0 = 0x0544141b;
const IDR1 = 0x014a0010;
const IDR5 = 0x15;
// Stage 2 as Linux writes it for 48 bits: S2T0SZ 16, S2SL0 2, S2PS 48 bits, S2AA64, S2AFFD, S2R (IHI 0070 section 5.2).
const STE_STAGE2 = (0x0005_3590n << 32n) | (1n << 51n) | (1n << 54n) | (1n << 58n) | BigInt(VMID);
// CD doubleword 0: T0SZ 16, 4 KiB, IPS 48 bits, A, ASID 1 (IHI 0070 section 5.4).
const CD0 = 0x0001_6205_c000_3510n | (1n << 45n);

/** Compiles bench/guest. */
async function compileLoops() {
  const folder = await mkdtemp(join(tmpdir(), 'vsmmu-bench-'));
  try {
    const outFile = join(folder, 'loops.wasm');
    const asc = join(ROOT, 'node_modules/assemblyscript/bin/asc.js');
    const options = [
      '-O3',
      '--runtime',
      'stub',
      '--importMemory',
      '--sharedMemory',
      '--enable',
      'threads',
      '--use',
      'abort=',
      '--config',
      'none',
    ];
    const memory = ['--initialMemory', '1', '--maximumMemory', '65536', '--noExportMemory'];
    const args = [asc, 'bench/guest/index.ts', '--outFile', outFile, '--baseDir', ROOT, ...options, ...memory];
    await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    return await WebAssembly.compile(await readFile(outFile));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A machine's translation tables: the same pages, through both stages and through stage 1 alone. */
function writeTables(hostRam, guestRam) {
  const [cd, tables] = [0x300000, 0x310000];
  // Stage 2: levels 0 to 2, four blocks of 2 MiB from gpa RAM_GPA to the machine's window.
  hostRam(STAGE2, BigInt(STAGE2 + 0x1000) | 3n);
  hostRam(STAGE2 + 0x1000 + 2 * 8, BigInt(STAGE2 + 0x2000) | 3n);
  for (let i = 0; i < 4; i++) hostRam(STAGE2 + 0x2000 + i * 8, 0x1_8000_07fdn | (BigInt(i) << 21n));
  for (const [k, sid, base] of [
    [0, NESTED_SID, BigInt(RAM_GPA)],
    [1, STAGE1_SID, BigInt(RAM_GPA) + 0x1_0000_0000n],
  ]) {
    const at = (table) => tables + (k * 32 + table) * 0x1000;
    const pa = (table) => base + BigInt(at(table));
    guestRam(cd + k * 64, CD0);
    guestRam(cd + k * 64 + 8, pa(0));
    guestRam(at(0) + Number((IOVA >> 39n) & 511n) * 8, pa(1) | 3n);
    guestRam(at(1) + Number((IOVA >> 30n) & 511n) * 8, pa(2) | 3n);
    for (let i = 0; i < PAGES / 512; i++) guestRam(at(2) + (Number((IOVA >> 21n) & 511n) + i) * 8, pa(3 + i) | 3n);
    // All pages map to the same few data pages: what a benchmark needs is many inputs.
    for (let page = 0; page < PAGES; page++) guestRam(at(3) + page * 8, (base + 0x400000n + BigInt(page % 256) * 0x1000n) | 0xf47n);
    const config = k === 0 ? 0xfn : 0xbn;
    const ste = [(base + BigInt(cd + k * 64)) | config, 0xd6n, k === 0 ? STE_STAGE2 : BigInt(VMID), k === 0 ? BigInt(STAGE2) : 0n];
    ste.forEach((word, i) => {
      hostRam(STREAM_TABLE + sid * 64 + i * 8, word);
    });
  }
}

export async function createBoard() {
  const [modules, loopsModule] = await Promise.all([loadHotModules(), compileLoops()]);
  const hostMemory = createHostMemory({ ramSize: HOST_RAM });
  const guestMemory = new WebAssembly.Memory({ initial: 128, maximum: 128, shared: true });
  const guest = { memory: guestMemory, regions: [{ gpa: RAM_GPA + 0x100000, offset: 0x100000, size: 0x700000 }], window: WINDOW };
  const unit = new Unit({ modules, hostMemory, guest, thread: 1 });
  const host = new Int32Array(hostMemory.buffer);
  const hostBytes = new DataView(hostMemory.buffer);
  const guestBytes = new DataView(guestMemory.buffer);
  const ramBase = host[HOST.HOST_AT_RAM_BASE >> 2];
  const set = (field, value) => Atomics.store(host, (SMMU + field) >> 2, value);

  writeActions(hostMemory, 0, IDR0);
  set(HOST.SMMU_AT_IDR0, IDR0);
  set(HOST.SMMU_AT_IDR1, IDR1);
  set(HOST.SMMU_AT_IDR5, IDR5);
  set(HOST.SMMU_AT_CMDQV_EN, 1);
  // CR0: SMMUEN, EVTQEN, CMDQEN.
  set(HOST.SMMU_AT_CR0, 0xd);
  hostBytes.setBigUint64(SMMU + HOST.SMMU_AT_STRTAB_BASE, BigInt(STREAM_TABLE), true);
  set(HOST.SMMU_AT_STRTAB_CFG, 8);
  writeTables(
    (at, value) => hostBytes.setBigUint64(ramBase + at, value, true),
    (at, value) => guestBytes.setBigUint64(at, value, true),
  );

  const context = new ContextBlock(hostMemory, 0, VINTF);
  context.reset();
  context.enabled = true;
  context.vmid = VMID;
  context.window = WINDOW;
  context.lvcmdqCount = 2;
  context.setSidMatch(0, (VIRTUAL_SID << 1) | 1);
  context.setSidReplace(0, NESTED_SID);
  const queue = new QueueBlock(hostMemory, 0, 0);
  queue.reset(HOST.QUEUE_KIND_VCMDQ_GUEST, VINTF);
  queue.allocated = true;
  queue.setRing(WINDOW, RING, LOG2SIZE);
  context.bindQueue(0, 0);
  context.mapPage0(guestMemory, PAGE0);
  new Int32Array(guestMemory.buffer)[(PAGE0 + 8) >> 2] = 1;
  unit.drain.doorbell(VINTF, 8);

  const loops = new WebAssembly.Instance(loopsModule, {
    env: { memory: guestMemory },
    core: unit.core,
    drain: unit.drain,
  }).exports;
  const tlb = HOST.TLB_SETS * HOST.TLB_WAYS;
  return {
    unit,
    queue,
    hostMemory,
    guestMemory,
    loops,
    loopsModule,
    /** Fills every slot of the ring. */
    fillRing(command) {
      for (let slot = 0; slot < 1 << LOG2SIZE; slot++) {
        const [d0, d1 = 0n] = command(slot);
        guestBytes.setBigUint64(RING + slot * 16, d0, true);
        guestBytes.setBigUint64(RING + slot * 16 + 8, d1, true);
      }
    },
    /** Empties the IOTLB and forgets which sizes it ever held. */
    emptyTlb() {
      for (let i = 0; i < tlb; i++) set(HOST.SMMU_AT_TLB + i * HOST.TLB_ENTRY_SIZE, 0);
      hostBytes.setBigUint64(SMMU + HOST.SMMU_AT_VMIDS + VMID * HOST.VMID_STRIDE + HOST.VMID_SIZES, 0n, true);
    },
    /** Fills the IOTLB by translating. Returns its live entries. */
    fillTlb() {
      loops.access(PAGES * 2, SMMU, NESTED_SID, IOVA, PAGES);
      let live = 0;
      for (let i = 0; i < tlb; i++) if (host[(SMMU + HOST.SMMU_AT_TLB + i * HOST.TLB_ENTRY_SIZE) >> 2] < 0) live++;
      return live;
    },
    /** A counter of the unit's thread block. */
    counter: (field) => Number(hostBytes.getBigInt64(unit.threadBlock + field, true)),
  };
}

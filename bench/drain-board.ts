// SPDX-License-Identifier: MIT
// The board on which the hot modules are measured: a host memory with one SMMU, a guest
// memory, the unit that connects them, one VCMDQ, and streams that translate with every
// granule in every mode. No device model is involved.

import { HOST_AT_RAM_BASE } from '../assembly/layout/host-memory.ts';
import {
  SMMU_AT_TLB,
  TLB_ENTRY_SIZE,
  TLB_SETS,
  TLB_WAYS,
} from '../assembly/layout/iotlb-memory.ts';
import { QUEUE_KIND_VCMDQ_GUEST } from '../assembly/layout/queue-memory.ts';
import {
  SMMU_AT_CMDQV_EN,
  SMMU_AT_CR0,
  SMMU_AT_IDR0,
  SMMU_AT_IDR1,
  SMMU_AT_IDR3,
  SMMU_AT_IDR5,
  SMMU_AT_STRTAB_BASE,
  SMMU_AT_STRTAB_CFG,
} from '../assembly/layout/smmu-memory.ts';
import { SMMU_AT_VMIDS, VMID_SIZES, VMID_STRIDE } from '../assembly/layout/vmid-memory.ts';
import type { HotModules } from '../assembly/load.ts';
import {
  ContextBlock,
  createHostMemory,
  QueueBlock,
  smmuBase,
  Unit,
  writeActions,
} from '../devices/unit/index.ts';
import { compileGuest } from './guest-module.ts';
import { createStreams, type Stream } from './streams.ts';

export const SMMU = smmuBase(0);
export const VINTF = 1;
/** Guest-memory offset of the queue's registers. */
export const PAGE0 = 0x10000;
/**
 * VMID of the VINTF, and of the nested stream with pages of 4 KiB: the drain's
 * invalidations apply to its entries.
 */
export const VMID = 7;
/** Virtual StreamID that the VINTF maps to a physical one. */
export const VIRTUAL_SID = 8;
export const LOG2SIZE = 10;
/** Entries of the IOTLB. */
export const TLB_ENTRIES = TLB_SETS * TLB_WAYS;

const WINDOW = 1;
const RAM_GPA = 0x80000000;
const RAM_OFFSET = 0x100000;
/** Pages of 64 KiB. */
const GUEST_PAGES = 128;
const RING = 0x200000;
const HOST_RAM = 0x400000;
/** Start of the tables and STEs in host RAM. */
const HOST_TABLES = 0x20000;
const STREAM_TABLE = 0x10000;
const LOG2STREAMS = 8;
// S1P, S2P, ATS, ASID16, VMID16; SIDSIZE 16; OAS 48 and every granule (IHI 0070 section
// 6.3).
const IDR0 = 0x0544141b;
const IDR1 = 0x014a0010;
const IDR3 = 0x504;
const IDR5 = 0x75;

/** Exports of bench/guest/loops. */
interface Loops {
  ring(
    batches: number,
    batch: number,
    page0: number,
    id: number,
    prod: number,
    mask: number,
  ): number;
  ringEmpty(times: number, id: number): void;
  access(
    times: number,
    smmu: number,
    sid: number,
    iova: bigint,
    shift: number,
    pages: number,
  ): number;
  fixedLoop(times: number): number;
}

export interface DrainBoard {
  readonly unit: Unit;
  readonly queue: QueueBlock;
  readonly loops: Loops;
  readonly streams: readonly Stream[];
  /** Fills every slot of the ring. */
  fillRing(command: (slot: number) => readonly bigint[]): void;
  /** Empties the IOTLB and clears its record of the entry sizes. */
  emptyTlb(): void;
  /** Live entries of the IOTLB. */
  tlbEntries(): number;
  /** A counter of the unit's thread block. */
  counter(field: number): number;
}

/** @param modules the modules of its unit. */
export async function createBoard(modules: HotModules): Promise<DrainBoard> {
  const guestLoops = await compileGuest(
    'loops',
    '--initialMemory',
    '1',
    '--maximumMemory',
    '65536',
    '--noExportMemory',
  );
  const loopsModule = await WebAssembly.compile(guestLoops);
  const hostMemory = createHostMemory({ ramSize: HOST_RAM });
  const guestMemory = new WebAssembly.Memory({
    initial: GUEST_PAGES,
    maximum: GUEST_PAGES,
    shared: true,
  });
  const region = {
    gpa: RAM_GPA + RAM_OFFSET,
    offset: RAM_OFFSET,
    size: GUEST_PAGES * 0x10000 - RAM_OFFSET,
  };
  const unit = new Unit({
    modules,
    hostMemory,
    guest: { memory: guestMemory, regions: [region], window: WINDOW },
    thread: 1,
  });
  const host = new Int32Array(hostMemory.buffer);
  const hostBytes = new DataView(hostMemory.buffer);
  const guestBytes = new DataView(guestMemory.buffer);
  const ramBase = host[HOST_AT_RAM_BASE >> 2] ?? 0;
  const set = (field: number, value: number) => Atomics.store(host, (SMMU + field) >> 2, value);

  writeActions(hostMemory, 0, IDR0);
  set(SMMU_AT_IDR0, IDR0);
  set(SMMU_AT_IDR1, IDR1);
  set(SMMU_AT_IDR3, IDR3);
  set(SMMU_AT_IDR5, IDR5);
  set(SMMU_AT_CMDQV_EN, 1);
  // CR0: SMMUEN, EVENTQEN, CMDQEN.
  set(SMMU_AT_CR0, 0xd);
  hostBytes.setBigUint64(SMMU + SMMU_AT_STRTAB_BASE, BigInt(STREAM_TABLE), true);
  set(SMMU_AT_STRTAB_CFG, LOG2STREAMS);
  const streams = createStreams({
    host: { view: hostBytes, offset: ramBase, pa: 0, from: HOST_TABLES, to: HOST_RAM },
    guest: {
      view: guestBytes,
      offset: -RAM_GPA,
      pa: WINDOW * 2 ** 32,
      from: RAM_GPA + 0x300000,
      to: RAM_GPA + GUEST_PAGES * 0x10000,
    },
    streamTable: STREAM_TABLE,
    firstVmid: VMID,
  });

  const context = new ContextBlock(hostMemory, 0, VINTF);
  context.reset();
  context.enabled = true;
  context.vmid = VMID;
  context.window = WINDOW;
  context.lvcmdqCount = 2;
  context.setSidMatch(0, (VIRTUAL_SID << 1) | 1);
  context.setSidReplace(0, 1);
  const queue = new QueueBlock(hostMemory, 0, 0);
  queue.reset(QUEUE_KIND_VCMDQ_GUEST, VINTF);
  queue.allocated = true;
  queue.setRing(WINDOW, RING, LOG2SIZE);
  context.bindQueue(0, 0);
  context.mapPage0(guestMemory, PAGE0);
  new Int32Array(guestMemory.buffer)[(PAGE0 + 8) >> 2] = 1;
  unit.drain.doorbell(VINTF, 8);

  const imports = {
    env: { memory: guestMemory },
    core: { ...unit.core },
    drain: { ...unit.drain },
  };
  const loops = new WebAssembly.Instance(loopsModule, imports).exports as unknown as Loops;
  const meta = (entry: number) => (SMMU + SMMU_AT_TLB + entry * TLB_ENTRY_SIZE) >> 2;
  return {
    unit,
    queue,
    loops,
    streams,
    fillRing(command) {
      for (let slot = 0; slot < 1 << LOG2SIZE; slot++) {
        const [d0 = 0n, d1 = 0n] = command(slot);
        guestBytes.setBigUint64(RING + slot * 16, d0, true);
        guestBytes.setBigUint64(RING + slot * 16 + 8, d1, true);
      }
    },
    emptyTlb() {
      for (let entry = 0; entry < TLB_ENTRIES; entry++) Atomics.store(host, meta(entry), 0);
      for (const { vmid } of streams) {
        hostBytes.setBigUint64(SMMU + SMMU_AT_VMIDS + vmid * VMID_STRIDE + VMID_SIZES, 0n, true);
      }
    },
    tlbEntries: () =>
      Array.from({ length: TLB_ENTRIES }, (_, entry) => host[meta(entry)] ?? 0).filter(
        (word) => word < 0,
      ).length,
    counter: (field) => unit.threadBlock.count(field),
  };
}

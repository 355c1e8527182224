// SPDX-License-Identifier: MIT
// A host memory with one SMMU, and the unit of one machine on it: enough for the hot
// modules, without any device model.

import { ACCESS_WRITE } from '../../assembly/layout/access.ts';
import {
  SMMU_AT_TLB,
  TLB_ENTRY_SIZE,
  TLB_SETS,
  TLB_WAYS,
} from '../../assembly/layout/iotlb-memory.ts';
import {
  QUEUE_KIND_MAIN,
  QUEUE_KIND_VCMDQ_GUEST,
  QUEUE_MAIN,
} from '../../assembly/layout/queue-memory.ts';
import {
  SMMU_AT_CMDQV_EN,
  SMMU_AT_CR0,
  SMMU_AT_CR2,
  SMMU_AT_EVENTQ_BASE,
  SMMU_AT_EVENTQ_CONS,
  SMMU_AT_EVENTQ_LOG2SIZE,
  SMMU_AT_EVENTQ_PROD,
  SMMU_AT_IDR0,
  SMMU_AT_IDR1,
  SMMU_AT_IDR3,
  SMMU_AT_IDR5,
  SMMU_AT_STATS,
  SMMU_AT_STRTAB_BASE,
  SMMU_AT_STRTAB_CFG,
} from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { SMMU_AT_VMIDS, VMID_SIZES, VMID_STRIDE } from '../../assembly/layout/vmid-memory.ts';
import { type HotModules, isChecked, type MemoryRegion } from '../../assembly/load.ts';
import type { GuestPortExports, SmmuCoreExports } from '../../assembly/unit-exports.ts';
import type { TableMemory } from '../../devices/tables/index.ts';
import {
  ContextBlock,
  createHostMemory,
  QueueBlock,
  smmuBase,
  Unit,
  type UnitOptions,
  writeActions,
} from '../../devices/unit/index.ts';
import type { Finding, SanitizerCounts } from '../../vmm/inspect/sanitizer/index.ts';
import { BETWEEN_STEPS, Sanitizer } from '../../vmm/inspect/sanitizer/index.ts';
import { checkedModules, watchFindings } from './findings.ts';
import { tableMemory } from './table-memory.ts';

/**
 * S1P, S2P, TTF 2, COHACC, ATS, ASID16, VMID16, TTENDIAN 2, STALL_MODEL 1, TERM_MODEL.
 */
export const IDR0 = 0x0544141b;
/** CMDQS 10, EVENTQS 10, SIDSIZE 16. */
export const IDR1 = 0x014a0010;
/** RIL. */
export const IDR3 = 0x400;
/** OAS 48, 4 KiB granule. */
export const IDR5 = 0x15;

export const WINDOW = 1;
export const RAM_GPA = 0x80000000;
/** Guest-memory offset of the page that serves as a mapped page 0. */
export const PAGE0 = 0x10000;
export const RING = 0x180000;
const STREAM_TABLE = 0x10000;
const EVENT_QUEUE = 0x8000;
const MAIN_RING = 0x4000;

let modules: Promise<HotModules> | undefined;

export interface HarnessOptions {
  readonly window?: number;
  readonly thread?: number;
  readonly regions?: readonly MemoryRegion[];
  /** Uses this harness's host instead of creating one. */
  readonly host?: Harness;
}

/**
 * Log2 of every size of an IOTLB entry, including some that only a nested walk produces.
 */
export const ENTRY_SIZES = [12, 13, 14, 15, 16, 21, 25, 29, 30, 34, 36, 38, 39, 42];

type Load64 = (offset: number) => bigint;

/** A unit that can have a second core. */
class OpenUnit extends Unit {
  readonly #modules: HotModules;

  constructor(options: UnitOptions) {
    super(options);
    this.#modules = options.modules;
  }

  /**
   * A second SMMU core of a unit of separate modules, with a stopped clock: `load64`
   * replaces the guest port's, which it gets as an argument.
   */
  coreLoading(load64: (offset: number, real: Load64) => bigint): SmmuCoreExports {
    if (!('smmuCore' in this.#modules)) throw new Error('this unit has no core of its own');
    const real = this.port as GuestPortExports & { readonly load64: Load64 };
    const port = { ...real, load64: (offset: number) => load64(offset, real.load64) };
    const core = this.instantiate(this.#modules.smmuCore, { port, clock: { now: () => 0 } });
    return core as unknown as SmmuCoreExports;
  }
}

export class Harness {
  readonly smmu = smmuBase(0);
  readonly unit: OpenUnit;
  readonly hostMemory: WebAssembly.Memory;
  readonly guestMemory: WebAssembly.Memory;
  readonly host: Int32Array;
  readonly guest: Int32Array;
  readonly hostBytes: DataView;
  readonly guestBytes: DataView;
  readonly ramBase: number;
  readonly #sanitizer: Sanitizer | undefined;
  /**
   * Findings between the steps of a change count. Default: no, as a test that writes STEs
   * and CDs at once is not a driver.
   */
  judgesSteps = false;

  constructor(hotModules: HotModules, options: HarnessOptions) {
    this.hostMemory = options.host?.hostMemory ?? createHostMemory({ ramSize: 0x200000 });
    this.guestMemory = new WebAssembly.Memory({ initial: 128, maximum: 128, shared: true });
    this.host = new Int32Array(this.hostMemory.buffer);
    this.guest = new Int32Array(this.guestMemory.buffer);
    this.hostBytes = new DataView(this.hostMemory.buffer);
    this.guestBytes = new DataView(this.guestMemory.buffer);
    this.ramBase = this.host[2] ?? 0;
    const regions = options.regions ?? [
      { gpa: RAM_GPA + 0x100000, offset: 0x100000, size: 0x700000 },
    ];
    this.unit = new OpenUnit({
      modules: hotModules,
      hostMemory: this.hostMemory,
      thread: options.thread ?? 1,
      guest: { memory: this.guestMemory, regions, window: options.window ?? WINDOW },
    });
    this.#sanitizer = options.host ? options.host.#sanitizer : this.#watch(hotModules);
    if (options.host) return;
    writeActions(this.hostMemory, 0, IDR0);
    this.set(SMMU_AT_IDR0, IDR0);
    this.set(SMMU_AT_IDR1, IDR1);
    this.set(SMMU_AT_IDR3, IDR3);
    this.set(SMMU_AT_IDR5, IDR5);
    this.set(SMMU_AT_CMDQV_EN, 1);
    this.set(SMMU_AT_CR0, 0xd);
    this.set(SMMU_AT_CR2, 0x2);
    this.hostBytes.setBigUint64(this.smmu + SMMU_AT_STRTAB_BASE, BigInt(STREAM_TABLE), true);
    this.set(SMMU_AT_STRTAB_CFG, 8);
    this.hostBytes.setBigUint64(this.smmu + SMMU_AT_EVENTQ_BASE, BigInt(EVENT_QUEUE), true);
    this.set(SMMU_AT_EVENTQ_LOG2SIZE, 4);
  }

  #watch(hotModules: HotModules): Sanitizer | undefined {
    if (!isChecked(hotModules)) return undefined;
    watchFindings(() => this.findings());
    return new Sanitizer({
      memory: this.hostMemory,
      smmu: this.smmu,
      clock: { nowNs: () => 0 },
      ownerOf: () => undefined,
      onFinding: () => undefined,
    });
  }

  /**
   * The sanitizer's findings since the last call; none of its suspects will be
   * invalidated any more.
   */
  findings(): readonly Finding[] {
    this.#sanitizer?.reportSuspects();
    const findings = this.#sanitizer?.findings.splice(0) ?? [];
    return findings.filter(({ because }) => this.judgesSteps || because !== BETWEEN_STEPS);
  }
  /** The missing commands of `findings`. */
  missing(): string[] {
    return this.findings().map(({ command }) => command.text);
  }
  get sanitizerCounts(): SanitizerCounts | undefined {
    return this.#sanitizer?.counts;
  }

  /** A word of the SMMU block. */
  get(field: number): number {
    return (this.host[(this.smmu + field) >> 2] ?? 0) >>> 0;
  }
  set(field: number, value: number): void {
    this.host[(this.smmu + field) >> 2] = value;
  }
  stat(offset: number): number {
    return this.get(SMMU_AT_STATS + offset);
  }

  /**
   * A VINTF of this machine with one allocated and enabled VCMDQ (block `index`), page 0
   * mapped at PAGE0, ring at RING.
   */
  vcmdq(
    index: number,
    vintf: number,
    options: { vmid?: number; log2size?: number; enable?: boolean } = {},
  ): { queue: QueueBlock; context: ContextBlock } {
    const context = new ContextBlock(this.hostMemory, 0, vintf);
    context.reset();
    context.enabled = true;
    context.vmid = options.vmid ?? 7;
    context.window = this.unit.window;
    context.lvcmdqCount = 2;
    const queue = new QueueBlock(this.hostMemory, 0, index);
    queue.reset(QUEUE_KIND_VCMDQ_GUEST, vintf);
    queue.allocated = true;
    queue.setRing(this.unit.window, RING, options.log2size ?? 4);
    context.bindQueue(0, index);
    context.mapPage0(this.guestMemory, PAGE0);
    if (options.enable !== false) this.store(vintf, 0x08, 1);
    return { queue, context };
  }

  /** A store to a page-0 register of LVCMDQ 0, with its doorbell. */
  store(vintf: number, register: number, value: number): void {
    this.guest[(PAGE0 + register) >> 2] = value;
    this.unit.drain.doorbell(vintf, register);
  }
  page0(register: number): number {
    return (this.guest[(PAGE0 + register) >> 2] ?? 0) >>> 0;
  }
  /** Records that a VMID has had entries of these sizes (log2). */
  announce(vmid: number, sizes: readonly number[]): void {
    const word = sizes.reduce((sum, size) => sum | (1n << BigInt(size)), 0n);
    const at = this.smmu + SMMU_AT_VMIDS + vmid * VMID_STRIDE + VMID_SIZES;
    this.hostBytes.setBigUint64(at, word, true);
  }

  /** Writes a command into a ring slot in guest memory. */
  put(slot: number, d0: bigint, d1 = 0n): void {
    this.guestBytes.setBigUint64(RING + slot * 16, d0, true);
    this.guestBytes.setBigUint64(RING + slot * 16 + 8, d1, true);
  }

  /** Executes one command on the SMMU's own command queue. */
  mainCommand(d0: bigint, d1 = 0n): void {
    const queue = new QueueBlock(this.hostMemory, 0, QUEUE_MAIN);
    queue.reset(QUEUE_KIND_MAIN, 0);
    queue.setRing(0, this.ramBase + MAIN_RING, 4);
    queue.allocated = true;
    this.hostRam64(MAIN_RING, d0);
    this.hostRam64(MAIN_RING + 8, d1);
    this.host[(queue.registers + 4) >> 2] = 1;
    this.unit.drain.serve(this.smmu, QUEUE_MAIN);
  }

  hostRam64(pa: number, value: bigint): void {
    this.hostBytes.setBigUint64(this.ramBase + pa, value, true);
  }
  /** Writes a word at a gpa of the machine's RAM (offset = gpa - RAM_GPA). */
  guestRam64(gpa: number, value: bigint): void {
    this.guestBytes.setBigUint64(gpa - RAM_GPA, value, true);
  }
  /** Host RAM for tables. @param from pa of the memory for `allocate`. */
  hostTables(from: number): TableMemory {
    return tableMemory(
      {
        load64: (pa) => this.hostBytes.getBigUint64(this.ramBase + pa, true),
        store64: (pa, value) => {
          this.hostRam64(pa, value);
          return true;
        },
      },
      from,
    );
  }
  /**
   * The machine's RAM for tables.
   * @param from address of the memory for `allocate`.
   * @param base address of gpa 0: not 0 when the tables contain PAs.
   */
  guestTables(from: number, base = 0): TableMemory {
    return tableMemory(
      {
        load64: (at) => this.guestBytes.getBigUint64(at - base - RAM_GPA, true),
        store64: (at, value) => {
          this.guestRam64(at - base, value);
          return true;
        },
      },
      from,
    );
  }
  ste(sid: number, dwords: readonly bigint[]): void {
    for (let i = 0; i < 8; i++) this.hostRam64(STREAM_TABLE + sid * 64 + i * 8, dwords[i] ?? 0n);
  }

  /** Translates within a registered access. */
  translate(sid: number, iova: bigint, attributes = 0, ssid = -1): { status: number; pa: bigint } {
    this.unit.core.accessBegin();
    const status = this.unit.translate(
      this.smmu,
      sid,
      ssid,
      Number(iova & 0xffffffffn),
      Number(iova >> 32n),
      attributes,
    );
    this.unit.core.accessEnd();
    return { status, pa: status === TRANSLATE_OK ? this.unit.threadBlock.pa : -1n };
  }
  write(sid: number, iova: bigint): { status: number; pa: bigint } {
    return this.translate(sid, iova, ACCESS_WRITE);
  }

  /**
   * Event records written since the last call, as four doublewords in hexadecimal;
   * acknowledges them.
   */
  events(): string[][] {
    const records: string[][] = [];
    const prod = this.get(SMMU_AT_EVENTQ_PROD) & 0x1f;
    let cons = this.get(SMMU_AT_EVENTQ_CONS) & 0x1f;
    for (; cons !== prod; cons = (cons + 1) & 0x1f) {
      const at = this.ramBase + EVENT_QUEUE + (cons & 0xf) * 32;
      records.push(
        [0, 8, 16, 24].map((offset) => this.hostBytes.getBigUint64(at + offset, true).toString(16)),
      );
    }
    this.set(SMMU_AT_EVENTQ_CONS, prod);
    return records;
  }

  /** Valid entries of the IOTLB (regardless of generations). */
  tlbEntries(vmid: number): number {
    let count = 0;
    for (let i = 0; i < TLB_SETS * TLB_WAYS; i++) {
      const meta = this.get(SMMU_AT_TLB + i * TLB_ENTRY_SIZE);
      if (meta >>> 31 && (meta & 0xffff) === vmid) count++;
    }
    return count;
  }
}

/** @param plain modules without the sanitizer, for measurements. */
export async function harness(options: HarnessOptions = {}, plain?: HotModules): Promise<Harness> {
  modules ??= checkedModules();
  return new Harness(plain ?? (await modules), options);
}

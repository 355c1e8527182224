// SPDX-License-Identifier: MIT
// A guest that sends its commands on one of several queues, and the state of its SMMU
// afterwards.

import { expect } from 'vitest';
import { CD_SIZE } from '../../../assembly/layout/cd.ts';
import { STE_EATS } from '../../../assembly/layout/ste.ts';
import type { HotModules } from '../../../assembly/load.ts';
import {
  attachDevices,
  BackgroundLoops,
  guestMemoryOf,
  offsetOfGpa,
  SYSTEM_CLOCK,
} from '../../../devices/bus/index.ts';
import { setField } from '../../../devices/plugin/index.ts';
import {
  PAGE_REQUEST_GUEST_ID_REGISTERS,
  type RefusedCommand,
  type SmmuIdRegisters,
  VirtualSmmu,
} from '../../../devices/smmuv3/index.ts';
import {
  atcInv,
  cfgiAll,
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  stallTerm,
  storeStructure,
  sync,
  tlbiNsnhAll,
  writeCommand,
  writeSte,
} from '../../../devices/tables/index.ts';
import { DeviceBus } from '../../../devices/testing/index.ts';
import { type QueueErrorEvent, VmHost } from '../../../vmm/nested/index.ts';
import { idleDirectMaps } from '../../support/idle-direct-maps.ts';
import { guestRam, IOVA, RAM_GPA_BASE } from '../../support/lent-vm.ts';

export const GUEST_WAYS = [
  'CMDQ trapped',
  'CMDQ overlaid',
  'ECMDQ trapped',
  'ECMDQ handed over',
] as const;
export const WAYS = [...GUEST_WAYS, 'VCMDQ'] as const;
export type Way = (typeof WAYS)[number];

/** PRI and four ECMDQs; SSIDSIZE and queues like those of any guest. */
export const ID_REGISTERS: SmmuIdRegisters = {
  ...PAGE_REQUEST_GUEST_ID_REGISTERS,
  idr1: PAGE_REQUEST_GUEST_ID_REGISTERS.idr1 + 0x80000000,
  idr6: 0x20000,
  aidr: 3,
};

const SMMU_GPA = 0x09050000;
const RING = RAM_GPA_BASE + 0x180000;
const EVENTS = RAM_GPA_BASE + 0x190000;
const REQUESTS = RAM_GPA_BASE + 0x192000;
const STREAMS = RAM_GPA_BASE + 0x194000;
export const DATA = RAM_GPA_BASE + 0x1a0000;
/** Rings of 64 commands. */
const LOG2SIZE = 6;
const SIZE = 64;
const EN = 0x80000000;
const ECMDQ_ERR = 0x00800000;

/**
 * A stream that stalls, and one that has ATS and requests pages, in the guest's
 * numbering.
 */
export const [PLAIN, ATS] = [8, 9];
/** ASIDs of the two configurations that a stream has in turn. */
export const [OLD_ASID, NEW_ASID] = [5, 6];
export const PAGES = [0, 1, 2, 3].map((page) => IOVA + 0x1000 * page);
/** Not mapped. */
const HOLE = IOVA + 0x20_0000;
const HOLES = [HOLE, IOVA + 0x20_1000];
/**
 * Contents of the pages of the old tables, of those that they map later, and of the new
 * configurations.
 */
export const [STALE, MOVED, NEW_CD, NEW_STE] = [0x10, 0x20, 0x30, 0x40];

/** Values for a command's fields. */
interface Pending {
  /** Of the stalled transactions. */
  readonly stags: readonly number[];
  /** PRGIndex of the pending page request. */
  readonly group: number;
}

export type Command = (pending: Pending) => Uint32Array;

/**
 * A case: the commands, the changes in memory before them, whether the endpoint answers
 * ATC_INV.
 */
export interface Case {
  readonly commands: readonly Command[];
  readonly changed: 'pages' | 'CDs' | 'STEs';
  readonly silent: boolean;
}

/**
 * The result of a queue: the commands that it refused, and the effects of all of them.
 */
export interface Outcome {
  readonly errors: readonly string[];
  readonly reasons: readonly string[];
  readonly seen: unknown;
}

type Port = ReturnType<VmHost['dmaPort']>;

/** A guest with a host of its own, which sends its commands on one kind of queue. */
export class Column {
  readonly way: Way;
  readonly host: VmHost;
  readonly reasons: QueueErrorEvent[];
  /** Commands at which a queue has stopped, read before the guest could see the error. */
  readonly refused: RefusedCommand[] = [];
  /** Streams in addition to the two, without configurations. */
  readonly further: readonly number[];
  readonly #memory = guestRam();
  readonly #background = new BackgroundLoops();
  readonly #bus: DeviceBus;
  readonly #lent: ReturnType<Column['lend']>;
  readonly #words: Int32Array;
  readonly #tables: readonly PageTable[];
  readonly #cds: readonly number[];
  readonly #ports;
  #prod = 0;
  #events = 0;

  private constructor(
    way: Way,
    host: VmHost,
    reasons: QueueErrorEvent[],
    idRegisters: SmmuIdRegisters,
    further: readonly number[],
  ) {
    this.way = way;
    this.further = further;
    this.host = host;
    this.reasons = reasons;
    const { wasm, regions, memory } = this.#memory;
    this.#words = new Int32Array(wasm.buffer);
    const lent = this.lend();
    this.#lent = lent;
    const { vm, viommu } = lent;
    const smmu = new VirtualSmmu({ backend: viommu, idRegisters });
    viommu.watchRefusedCommands((command) => this.refused.push(command));
    attachDevices([{ device: smmu, addresses: [SMMU_GPA], firstIrq: 0 }], {
      memory: guestMemoryOf(vm.memory, regions),
      interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
      directMaps:
        way === 'CMDQ overlaid' || way === 'ECMDQ handed over'
          ? idleDirectMaps(vm.memory)
          : undefined,
      background: this.#background,
      clock: SYSTEM_CLOCK,
    });
    this.#bus = new DeviceBus(smmu);
    // Four sets of the same pages: the bytes that the streams read identify the tables
    // that translated the access.
    const contents = [STALE, MOVED, NEW_CD, NEW_STE];
    const bytes = new Uint8Array(wasm.buffer);
    for (const [set, content] of contents.entries())
      for (const page of PAGES.keys()) {
        const gpa = this.#page(set, page);
        const at = offsetOfGpa(regions, gpa, 0x1000);
        bytes.fill(content + page, at, at + 0x1000);
      }
    this.#tables = [0, 2, 3].map((set) => {
      const table = new PageTable(memory, { stage: 1 });
      for (const [page, iova] of PAGES.entries())
        table.map(iova, this.#page(set, page), 0x1000, S1_READ_WRITE);
      return table;
    });
    this.#cds = [0, 1].flatMap(() => [0, 1].map(() => memory.allocate(CD_SIZE, CD_SIZE)));
    this.#bus.write32(0x2c, 2);
    this.#bus.write64(0x80, BigInt(STREAMS));
    this.#bus.write32(0x88, 4);
    this.#bus.write64(0xa0, BigInt(EVENTS + 6));
    this.#bus.write64(0xc0, BigInt(REQUESTS + 6));
    const cmdq = way.startsWith('CMDQ') || way === 'VCMDQ';
    this.#bus.write64(0x90, BigInt((way === 'VCMDQ' ? RING + 0x1000 : RING) + LOG2SIZE));
    this.#configure('pages');
    this.#bus.write32(0x20, cmdq ? 0xf : 0x7);
    if (!cmdq) {
      this.#bus.write64(0x20000, BigInt(RING + LOG2SIZE));
      this.#bus.write32(0x20008, EN);
    }
    if (way === 'VCMDQ') {
      lent.vintf.setEnabled();
      expect(lent.vintf.allocateQueue(0, RING, LOG2SIZE)).toBe(true);
      lent.vintf.writePage0(0, 8, 1);
    }
    const handed = way === 'CMDQ overlaid' ? viommu.commandQueue : this.#ecmdq;
    expect(handed.overlay !== 0).toBe(way === 'CMDQ overlaid' || way === 'ECMDQ handed over');
    this.#ports = [PLAIN, ATS].map((sid) => host.dmaPort(viommu, sid));
  }

  static async create(
    way: Way,
    modules: HotModules,
    idRegisters: SmmuIdRegisters,
    further: readonly number[] = [],
  ): Promise<Column> {
    const reasons: QueueErrorEvent[] = [];
    const host = await VmHost.create({
      modules,
      atcTimeout: 0,
      onQueueError: (event: QueueErrorEvent) => {
        reasons.push(event);
        return 'report' as const;
      },
    });
    return new Column(way, host, reasons, idRegisters, further);
  }

  lend() {
    const { wasm, regions } = this.#memory;
    const vm = this.host.createVm('vm', wasm, regions);
    const overlay = this.way === 'CMDQ overlaid';
    const viommu = this.host.createViommu(vm, [PLAIN, ATS, ...this.further], {
      cmdqv: true,
      overlay,
    });
    return { vm, viommu, vintf: this.host.createVintf(viommu) };
  }

  #page(set: number, page: number): number {
    return DATA + 0x1000 * (PAGES.length * set + page);
  }

  get #enhanced() {
    const [queue] = this.#lent.viommu.enhancedQueues;
    if (!queue) throw new Error('no ECMDQ');
    return queue;
  }

  get #ecmdq() {
    return this.#enhanced.block;
  }

  /** STEs and CDs in memory: the old ones, or others. */
  #configure(changed: Case['changed']): void {
    const { memory } = this.#memory;
    for (const [i, sid] of [PLAIN, ATS].entries()) {
      const [first = 0, second = 0] = this.#cds.slice(2 * i, 2 * i + 2);
      const cd = (table: number, asid: number) =>
        contextDescriptor({
          asid,
          outputBits: 48,
          lower: { ttb: this.#tables[table]?.root ?? 0, inputBits: 48 },
          stall: sid === PLAIN,
        });
      storeStructure(memory, first, changed === 'pages' ? cd(0, OLD_ASID) : cd(1, NEW_ASID));
      storeStructure(memory, second, cd(2, NEW_ASID));
      const ste = stage1Ste({ contextPtr: changed === 'STEs' ? second : first });
      if (sid === ATS) setField(ste, STE_EATS, 1);
      writeSte(memory, STREAMS, sid, ste);
    }
  }

  /** The work of the machine and its host at a safe point. */
  #safePoint(): void {
    this.#background.poll();
    this.host.service(true);
    this.#background.poll();
  }

  #ring(prod: number): void {
    const { vm, viommu, vintf } = this.#lent;
    switch (this.way) {
      case 'CMDQ trapped':
        this.#bus.write32(0x98, prod);
        break;
      case 'CMDQ overlaid':
        Atomics.store(this.#words, viommu.commandQueue.overlay >> 2, prod);
        vm.unit.drain.doorbell(viommu.overlay?.doorbellId ?? 0, 0);
        break;
      case 'ECMDQ trapped':
        this.#bus.write32(0x20008, (this.#bus.read32(0x20008) & (EN | ECMDQ_ERR)) | prod);
        break;
      case 'ECMDQ handed over': {
        const at = this.#ecmdq.overlay >> 2;
        Atomics.store(this.#words, at, (Atomics.load(this.#words, at) & (EN | ECMDQ_ERR)) | prod);
        vm.unit.drain.doorbell(this.#enhanced.direct?.doorbellId ?? 0, 0);
        break;
      }
      case 'VCMDQ':
        vintf.writePage0(0, 4, prod);
    }
  }

  /** CONS as its guest reads it: index, and the code of an active error. */
  #cons(): { readonly index: number; readonly error: number } {
    const { viommu, vintf } = this.#lent;
    const word = (at: number) => Atomics.load(this.#words, at >> 2) >>> 0;
    const split = (cons: number, active: boolean) => ({
      index: cons & (2 * SIZE - 1),
      error: active ? (cons >>> 24) & 0x7f : 0,
    });
    switch (this.way) {
      case 'CMDQ trapped':
        return split(this.#bus.read32(0x9c), this.#gerror(1));
      case 'CMDQ overlaid':
        return split(word(viommu.commandQueue.overlay + 4), this.#gerror(1));
      case 'ECMDQ trapped': {
        const cons = this.#bus.read32(0x2000c);
        const active = ((cons ^ this.#bus.read32(0x20008)) & ECMDQ_ERR) !== 0;
        return split(cons & 0x0700_ffff, active);
      }
      case 'ECMDQ handed over': {
        const cons = word(this.#ecmdq.overlay + 4);
        const active = ((cons ^ word(this.#ecmdq.overlay)) & ECMDQ_ERR) !== 0;
        return split(cons & 0x0700_ffff, active);
      }
      case 'VCMDQ':
        return split(
          vintf.readPage0(0, 0),
          ((vintf.readPage0(0, 0x10) ^ vintf.readPage0(0, 0x14)) & 1) !== 0,
        );
    }
  }

  #gerror(bit: number): boolean {
    return ((this.#bus.read32(0x60) ^ this.#bus.read32(0x64)) & bit) !== 0;
  }

  /** After the bad command has been replaced by a CMD_SYNC: acknowledges the error. */
  #acknowledge(): void {
    const { vm, vintf } = this.#lent;
    switch (this.way) {
      case 'CMDQ trapped':
      case 'CMDQ overlaid':
        this.#bus.write32(0x64, this.#bus.read32(0x60));
        return;
      case 'ECMDQ trapped':
        expect(this.#gerror(0x200)).toBe(true);
        this.#bus.write32(0x64, this.#bus.read32(0x60));
        this.#bus.write32(0x20008, this.#bus.read32(0x20008) ^ ECMDQ_ERR);
        return;
      case 'ECMDQ handed over': {
        expect(this.#gerror(0x200)).toBe(true);
        this.#bus.write32(0x64, this.#bus.read32(0x60));
        const at = this.#ecmdq.overlay >> 2;
        Atomics.store(this.#words, at, Atomics.load(this.#words, at) ^ ECMDQ_ERR);
        vm.unit.drain.doorbell(this.#enhanced.direct?.doorbellId ?? 0, 0);
        return;
      }
      case 'VCMDQ':
        vintf.writePage0(0, 0x14, vintf.readPage0(0, 0x10));
    }
  }

  /**
   * Sends commands and continues after each error, like Linux. Returns the errors: index
   * from the first of the commands, and code.
   */
  send(commands: readonly Uint32Array[]): string[] {
    const first = this.#prod;
    for (const command of commands) {
      writeCommand(this.#memory.memory, RING, this.#prod % SIZE, command);
      this.#prod = (this.#prod + 1) % (2 * SIZE);
    }
    this.#ring(this.#prod);
    const errors: string[] = [];
    for (let look = 0; look < 4 * SIZE; look++) {
      this.#safePoint();
      const { index, error } = this.#cons();
      if (error !== 0) {
        errors.push(`${error} at ${(index - first + 2 * SIZE) % (2 * SIZE)}`);
        // CERROR_ATC_INV_SYNC: the CMD_SYNC is repeated unchanged.
        if (error !== 3) writeCommand(this.#memory.memory, RING, index % SIZE, sync());
        // Another CPU stores to PROD: nothing is consumed while the error is active (IHI
        // 0070 section 7.1).
        this.#ring(this.#prod);
        this.#safePoint();
        expect(this.#cons()).toEqual({ index, error });
        this.#acknowledge();
      } else if (index === this.#prod) {
        return errors;
      }
    }
    throw new Error(`${this.way} hangs at ${(this.#cons().index - first) % SIZE}`);
  }

  /**
   * Commands that are not part of the comparison, and that the VCMDQ does not support: on
   * the guest's CMDQ or ECMDQ.
   */
  #prepare(...commands: readonly Uint32Array[]): void {
    if (this.way !== 'VCMDQ') {
      expect(this.send([...commands, sync()])).toEqual([]);
      return;
    }
    for (const command of [...commands, sync()]) {
      const prod = this.#bus.read32(0x98);
      writeCommand(this.#memory.memory, RING + 0x1000, prod % SIZE, command);
      this.#bus.write32(0x98, (prod + 1) % (2 * SIZE));
    }
    this.#safePoint();
    expect(this.#bus.read32(0x9c)).toBe(this.#bus.read32(0x98));
  }

  /** SMMUEN as written by the guest, and as in CR0ACK. */
  get smmuen(): readonly [written: number, acknowledged: number] {
    return [this.#bus.read32(0x20) & 1, this.#bus.read32(0x24) & 1];
  }

  /** Executes the machine's work of some safe points. */
  runSafePoints(): void {
    for (let turn = 0; turn < 8; turn++) this.#safePoint();
  }

  /** Sends commands, and returns how many were consumed before the next safe point. */
  sendAtOnce(commands: readonly Uint32Array[]): number {
    const first = this.#prod;
    for (const command of commands) {
      writeCommand(this.#memory.memory, RING, this.#prod % SIZE, command);
      this.#prod = (this.#prod + 1) % (2 * SIZE);
    }
    this.#ring(this.#prod);
    return (this.#cons().index - first + 2 * SIZE) % (2 * SIZE);
  }

  /** CR0.SMMUEN, and an endpoint with ATS that does not answer. */
  switchSmmu(on: boolean): void {
    this.#ports[1]?.ats?.configure({ enabled: true, pageRequests: true, silent: true });
    this.#bus.write32(0x20, (this.#bus.read32(0x20) & ~1) | (on ? 1 : 0));
  }

  /** Fills every cache, changes everything in memory, then sends the commands. */
  run({ commands, changed, silent }: Case): Outcome {
    const [plain, ats] = this.#ports as [Port, Port];
    const [old] = this.#tables as [PageTable];
    for (const port of [plain, ats]) port.abandon?.();
    this.#configure('pages');
    this.#remap(old, 0);
    ats.ats?.configure({ enabled: true, pageRequests: true, silent: false });
    this.#prepare(
      stallTerm(PLAIN),
      cfgiAll(),
      tlbiNsnhAll(),
      atcInv({ streamId: ATS, address: 0, size: 52 }),
    );
    this.#takeEvents();
    ats.ats?.configure({ enabled: true, pageRequests: true, silent });
    const filled = [plain, ats].map((port) => PAGES.map((iova) => read(port, iova)));
    expect(filled).toEqual([PAGES, PAGES].map((pages) => pages.map((_, page) => STALE + page)));
    expect(HOLES.map((iova) => read(plain, iova))).toEqual(['stalled', 'stalled']);
    expect(read(ats, HOLE)).toBe('stalled');
    this.#safePoint();
    const stags = [0, 1].map(
      (i) => Number(this.#memory.memory.load64(this.#eventAt(i) + 8)) & 0xffff,
    );
    const group = Number(this.#memory.memory.load64(this.#lastRequest() + 8) & 0x1ffn);
    this.#remap(old, 1);
    this.#configure(changed);
    this.reasons.length = 0;
    const errors = this.send(commands.map((command) => command({ stags, group })));
    const reasons = this.reasons.map(({ code, reason }) => `${code} ${reason}`);
    const translations = [plain, ats].map((port) => PAGES.map((iova) => read(port, iova)));
    const answers = [...HOLES.map((iova) => read(plain, iova)), read(ats, HOLE), read(ats, HOLE)];
    this.#safePoint();
    return { errors, reasons, seen: { translations, answers, events: this.#takeEvents() } };
  }

  #eventAt(ahead: number): number {
    return EVENTS + 32 * ((this.#events + ahead) % 64);
  }

  #lastRequest(): number {
    return REQUESTS + 16 * ((this.#bus.read32(0x100c8) + 63) % 64);
  }

  #remap(table: PageTable, set: number): void {
    for (const [page, iova] of PAGES.entries()) {
      table.unmap(iova, 0x1000);
      table.map(iova, this.#page(set, page), 0x1000, S1_READ_WRITE);
    }
  }

  /**
   * Records since the last call, and errors other than those of command queues;
   * acknowledges both.
   */
  #takeEvents(): string[] {
    const prod = this.#bus.read32(0x100a8);
    const seen: string[] = [];
    for (; this.#events !== prod; this.#events = (this.#events + 1) % 128) {
      const words = [0, 8, 16, 24].map((word) =>
        this.#memory.memory.load64(this.#eventAt(0) + word),
      );
      seen.push(words.map((word) => word.toString(16)).join(' '));
    }
    this.#bus.write32(0x100ac, prod);
    this.#bus.write32(0x100cc, this.#bus.read32(0x100c8));
    const gerror = this.#bus.read32(0x60);
    seen.push(`GERROR ${((gerror ^ this.#bus.read32(0x64)) & ~0x201).toString(16)}`);
    this.#bus.write32(0x64, gerror);
    return seen;
  }
}

function read(port: Port, iova: number): number | string | undefined {
  const byte = new Uint8Array(1);
  const { ok, stalled } = port.read(iova, byte);
  return ok ? byte[0] : stalled ? 'stalled' : 'refused';
}

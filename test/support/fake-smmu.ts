// SPDX-License-Identifier: MIT
// A scripted SMMU with CMDQV for the guest driver: registers, queues that consume
// commands only on request, errors and interrupts on demand. It does not translate and
// does not check legality: a test selects the illegal commands.

import {
  ABI_AT_DEVICE_COUNT,
  ABI_AT_DEVICES,
  ABI_AT_IRQ_EDGE,
  ABI_AT_MAGIC,
  ABI_AT_MAP_COUNT,
  ABI_AT_MAPS,
  ABI_AT_MEMORY_SIZE,
  ABI_AT_RAM_GPA_BASE,
  ABI_AT_VERSION,
  ABI_DEVICE_SIZE,
  ABI_KIND_CMDQV,
  ABI_KIND_SMMUV3,
  ABI_MAGIC,
} from '../../assembly/layout/guest-abi.ts';

export const MEMORY_SIZE = 512 * 65536;
export const RAM_GPA_BASE = 0x80000000;
/** Not the toy board's address: the driver must read addresses from the device table. */
export const SMMU_GPA = 0x12000000;
export const CMDQV_GPA = 0x13000000;
export const EVENT_IRQ = 40;
export const GERROR_IRQ = 41;
export const CMDQV_IRQ = 70;
export const DOORBELL_ID = 0x305;
/** Guest-memory offset of page 0 of VINTF 0 while it is mapped directly. */
export const PAGE0_OFFSET = 0x20000;
export const OP_SYNC = 0x46;

/** A command consumed by a queue. */
export interface Taken {
  /** 0 the CMDQ, n + 1 LVCMDQ n. */
  readonly queue: number;
  readonly op: number;
  readonly dw0: bigint;
  readonly dw1: bigint;
}

interface FakeQueue {
  ring: number;
  log2size: number;
  prod: number;
  cons: number;
  stopped: boolean;
}

export interface FakeOptions {
  readonly idr0?: number;
  readonly idr1?: number;
  readonly idr3?: number;
  readonly param?: number;
  /** VINTF_CONFIG.HYP_OWN can be set. */
  readonly hypervisor?: boolean;
  /** Page 0 of VINTF 0 is guest memory with a doorbell instead of trapped registers. */
  readonly direct?: boolean;
}

export class FakeSmmu {
  readonly memory = new WebAssembly.Memory({ initial: 512, maximum: 512, shared: true });
  readonly view = new DataView(this.memory.buffer);
  /**
   * Trapped accesses and consumed commands in order: "r S 020", "w S 020 8", "W S 080
   * ffff" (64-bit), "take 0 04".
   */
  readonly log: string[] = [];
  readonly taken: Taken[] = [];
  /** Offsets and words of doorbell calls. */
  readonly doorbells: number[] = [];
  /** Queues that do not consume by themselves. */
  readonly held = new Set<number>();
  /** Commands for which this returns an error code are not executed. */
  errorOf: (command: Taken) => number = () => 0;
  onWait: () => void = () => undefined;
  /** Called after each register store, also with a doorbell. */
  onStore: (gpa: number, value: number) => void = () => undefined;
  /** A broadcast TLBI: ABI_TLBI_*, ASID, address. */
  onTlbi: (operation: number, asid: number, va: bigint) => void = () => undefined;
  /** False: accesses are not logged. */
  logging = true;
  waits = 0;
  /** False: CR0ACK and IRQ_CTRLACK do not change. */
  acknowledges = true;
  readonly #registers = new Map<number, number>();
  readonly #queues: FakeQueue[] = Array.from({ length: 3 }, () => ({
    ring: 0,
    log2size: 0,
    prod: 0,
    cons: 0,
    stopped: false,
  }));
  readonly #options: FakeOptions;

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    const word = (at: number, value: number) => this.view.setUint32(at, value, true);
    word(ABI_AT_MAGIC, ABI_MAGIC);
    word(ABI_AT_VERSION, 1);
    word(ABI_AT_RAM_GPA_BASE, RAM_GPA_BASE);
    word(ABI_AT_MEMORY_SIZE, MEMORY_SIZE);
    this.addDevice(ABI_KIND_SMMUV3, SMMU_GPA, 0x20000, EVENT_IRQ);
    this.addDevice(ABI_KIND_CMDQV, CMDQV_GPA, 0x50000, CMDQV_IRQ);
    this.set(SMMU_GPA + 0x00, options.idr0 ?? 0x0540141a);
    this.set(SMMU_GPA + 0x04, options.idr1 ?? 0x01080010);
    this.set(SMMU_GPA + 0x0c, options.idr3 ?? 0x400);
    this.set(SMMU_GPA + 0x14, 0x15);
    this.set(CMDQV_GPA + 0x00, 0x00020083);
    this.set(CMDQV_GPA + 0x04, options.param ?? 0x4011);
    this.set(CMDQV_GPA + 0x08, 1);
    if (options.direct) this.mapPage0();
  }

  /**
   * Adds an entry to the device table: kind, gpa, size, first interrupt line, StreamID.
   */
  addDevice(...fields: readonly number[]): void {
    const index = this.view.getUint32(ABI_AT_DEVICE_COUNT, true);
    fields.forEach((value, i) => {
      this.view.setUint32(ABI_AT_DEVICES + index * ABI_DEVICE_SIZE + 4 * i, value, true);
    });
    this.view.setUint32(ABI_AT_DEVICE_COUNT, index + 1, true);
  }

  /** Directs accesses to page 0 of VINTF 0 to guest memory. */
  mapPage0(): void {
    const entry = [CMDQV_GPA + 0x30000, 0x10000, PAGE0_OFFSET, 1, DOORBELL_ID];
    entry.forEach((value, i) => {
      this.view.setUint32(ABI_AT_MAPS + 4 * i, value, true);
    });
    this.view.setUint32(ABI_AT_MAP_COUNT, 1, true);
  }

  get #direct(): boolean {
    return this.view.getUint32(ABI_AT_MAP_COUNT, true) !== 0;
  }

  /** The imports of the driver module in addition to its memory. */
  get imports(): WebAssembly.ModuleImports {
    return {
      mmio_read32: (gpa: number) => this.#read(gpa >>> 0),
      mmio_write32: (gpa: number, value: number) => this.#write(gpa >>> 0, value >>> 0),
      mmio_read64: (gpa: number) =>
        BigInt.asIntN(
          64,
          (BigInt(this.get((gpa >>> 0) + 4)) << 32n) | BigInt(this.#read(gpa >>> 0)),
        ),
      mmio_write64: (gpa: number, value: bigint) =>
        this.#write64(gpa >>> 0, BigInt.asUintN(64, value)),
      doorbell: (id: number, offset: number) => this.#doorbell(id, offset),
      tlbi: (operation: number, asid: number, va: bigint) => this.onTlbi(operation, asid, va),
      dsb: () => 0n,
      wait: () => {
        this.waits++;
        this.onWait();
      },
      clock_ns: () => 0,
    };
  }

  /** The value of a register, without an entry in the log. */
  get(gpa: number): number {
    const page0 = gpa - (CMDQV_GPA + 0x30000);
    if (this.#direct && page0 >= 0 && page0 < 0x10000)
      return this.view.getUint32(PAGE0_OFFSET + page0, true);
    return this.#registers.get(gpa) ?? 0;
  }

  set(gpa: number, value: number): void {
    const page0 = gpa - (CMDQV_GPA + 0x30000);
    if (this.#direct && page0 >= 0 && page0 < 0x10000)
      this.view.setUint32(PAGE0_OFFSET + page0, value, true);
    else this.#registers.set(gpa, value >>> 0);
  }

  raise(line: number): void {
    const at = ABI_AT_IRQ_EDGE + 4 * (line >> 5);
    this.view.setUint32(at, (this.view.getUint32(at, true) | (1 << (line & 31))) >>> 0, true);
  }

  /** Consumes up to `limit` commands of a queue, even if it is held. */
  consume(index: number, limit = Number.POSITIVE_INFINITY): void {
    const queue = this.#queueAt(index);
    const mask = 2 * 2 ** queue.log2size - 1;
    for (let n = 0; n < limit && !queue.stopped && queue.cons !== queue.prod; n++) {
      const at = queue.ring + 16 * (queue.cons % 2 ** queue.log2size);
      const dw0 = this.view.getBigUint64(at, true);
      const command = {
        queue: index,
        op: Number(dw0 & 0xffn),
        dw0,
        dw1: this.view.getBigUint64(at + 8, true),
      };
      const error = this.errorOf(command);
      if (error !== 0) {
        this.#fail(index, queue, error);
        return;
      }
      this.taken.push(command);
      this.log.push(`take ${index} ${command.op.toString(16).padStart(2, '0')}`);
      queue.cons = (queue.cons + 1) & mask;
      this.set(this.#registersOf(index).cons, queue.cons);
    }
  }

  /** Opcodes consumed since the log was last emptied, per queue as "queue:op". */
  get order(): string[] {
    return this.taken.map(({ queue, op }) => `${queue}:${op.toString(16)}`);
  }

  forget(): void {
    this.log.length = 0;
    this.taken.length = 0;
    this.doorbells.length = 0;
  }

  #queueAt(index: number): FakeQueue {
    const queue = this.#queues[index];
    if (!queue) throw new RangeError(`no queue ${index}`);
    return queue;
  }

  #registersOf(index: number) {
    if (index === 0)
      return {
        cons: SMMU_GPA + 0x9c,
        prod: SMMU_GPA + 0x98,
        gerror: SMMU_GPA + 0x60,
        gerrorn: SMMU_GPA + 0x64,
      };
    const slot = CMDQV_GPA + 0x30000 + 0x80 * (index - 1);
    return { cons: slot, prod: slot + 4, gerror: slot + 0x10, gerrorn: slot + 0x14 };
  }

  #fail(index: number, queue: FakeQueue, code: number): void {
    const registers = this.#registersOf(index);
    queue.stopped = true;
    this.set(registers.cons, queue.cons | (code << 24));
    this.set(registers.gerror, this.get(registers.gerror) ^ 1);
    if (index > 0) {
      this.set(CMDQV_GPA + 0x14, 1);
      this.set(CMDQV_GPA + 0x10c0, this.get(CMDQV_GPA + 0x10c0) | (1 << (index - 1)));
    }
    this.raise(index === 0 ? GERROR_IRQ : CMDQV_IRQ);
  }

  #acknowledged(index: number): void {
    const registers = this.#registersOf(index);
    const queue = this.#queueAt(index);
    if (((this.get(registers.gerror) ^ this.get(registers.gerrorn)) & 1) !== 0 || !queue.stopped)
      return;
    queue.stopped = false;
    this.set(registers.cons, queue.cons);
    if (index > 0) this.set(CMDQV_GPA + 0x10c0, this.get(CMDQV_GPA + 0x10c0) & ~(1 << (index - 1)));
    if (!this.held.has(index)) this.consume(index);
  }

  #name(gpa: number): string {
    const [unit, offset] = gpa >= CMDQV_GPA ? ['C', gpa - CMDQV_GPA] : ['S', gpa - SMMU_GPA];
    return `${unit} ${offset.toString(16).padStart(3, '0')}`;
  }

  #read(gpa: number): number {
    if (this.logging) this.log.push(`r ${this.#name(gpa)}`);
    return this.get(gpa) | 0;
  }

  #write(gpa: number, value: number): void {
    if (this.logging) this.log.push(`w ${this.#name(gpa)} ${value.toString(16)}`);
    this.store(gpa, value);
  }

  #write64(gpa: number, value: bigint): void {
    this.log.push(`W ${this.#name(gpa)} ${value.toString(16)}`);
    this.set(gpa + 4, Number(value >> 32n));
    this.store(gpa, Number(value & 0xffffffffn));
  }

  #doorbell(id: number, offset: number): void {
    if (id !== DOORBELL_ID) throw new Error(`doorbell ${id}`);
    this.doorbells.push(offset);
    const gpa = CMDQV_GPA + 0x30000 + offset;
    this.store(gpa, this.get(gpa));
  }

  /** Applies a register store. */
  store(gpa: number, value: number): void {
    const vintfConfig = CMDQV_GPA + 0x1000;
    this.set(gpa, gpa === vintfConfig && !this.#options.hypervisor ? value & ~(1 << 17) : value);
    if (this.acknowledges && (gpa === SMMU_GPA + 0x20 || gpa === SMMU_GPA + 0x50))
      this.set(gpa + 4, value);
    if (gpa === vintfConfig) this.set(gpa + 4, value & 1);
    if (gpa === CMDQV_GPA) this.set(gpa + 8, value & 1);
    if (gpa === SMMU_GPA + 0x90) this.#setRing(0, value);
    for (const index of [0, 1, 2]) {
      const registers = this.#registersOf(index);
      const slot = registers.cons;
      if (index > 0 && gpa === slot + 0x10000) this.#setRing(index, value);
      if (index > 0 && gpa === slot + 8) this.set(slot + 0xc, value & 1);
      if (gpa === slot) this.#queueAt(index).cons = value & 0xfffff;
      if (gpa === registers.gerrorn) this.#acknowledged(index);
      if (gpa !== registers.prod) continue;
      this.#queueAt(index).prod = value;
      if (!this.held.has(index)) this.consume(index);
    }
    this.onStore(gpa, value);
  }

  #setRing(index: number, base: number): void {
    const queue = this.#queueAt(index);
    queue.log2size = base & 31;
    queue.ring = ((base & ~31) >>> 0) - RAM_GPA_BASE;
  }
}

// SPDX-License-Identifier: MIT
// Enhanced command queues: a control page with the registers of several queues, each with
// its own enable and error handshake (IHI 0070 section 3.5.6). Otherwise the queues are
// alike: the same drain serves them.

import {
  CMDQ_ENTRY_SIZE,
  ECMDQ_BASE,
  ECMDQ_CONS,
  ECMDQ_CONS_ENACK,
  ECMDQ_CONS_ERR,
  ECMDQ_CONS_ERR_REASON,
  ECMDQ_PROD,
  ECMDQ_PROD_EN,
  ECMDQ_PROD_ERRACK,
  GERROR_CMDQP_ERR,
  Q_BASE_LOG2SIZE,
  Q_INDEX,
  SMMU_ECMDQ_PAGE,
  SMMU_ECMDQ_PAGE_SIZE,
} from '../../../assembly/layout/smmu-registers.ts';
import {
  bitsOf,
  type DeviceState,
  type MmioAccess,
  maskInWord,
  RegisterFile,
  withBits,
} from '../../plugin/index.ts';
import type { SmmuRegisters } from '../register-rules.ts';
import { QUEUE_BASE_HI, QUEUE_BASE_LO } from '../smmu-register-specs.ts';
import { queueShape, type TableShape } from '../table-shapes.ts';
import { type CommandEngine, CommandQueue, type CommandQueueRegisters } from './command-queue.ts';

const PROD_WRITABLE =
  (maskInWord(Q_INDEX) | maskInWord(ECMDQ_PROD_ERRACK) | maskInWord(ECMDQ_PROD_EN)) >>> 0;
/** For a disabled queue; ENACK is written by the SMMU only. */
const CONS_WRITABLE =
  maskInWord(Q_INDEX) | maskInWord(ECMDQ_CONS_ERR) | maskInWord(ECMDQ_CONS_ERR_REASON);

/** The registers of one ECMDQ at `page`, an offset in the control page. */
class EnhancedQueue implements CommandQueueRegisters {
  readonly #file: RegisterFile;
  readonly #page: number;
  readonly #smmu: SmmuRegisters;

  constructor(file: RegisterFile, page: number, smmu: SmmuRegisters) {
    this.#file = file;
    this.#page = page;
    this.#smmu = smmu;
  }

  get prod(): number {
    return this.#file.get(this.#page + ECMDQ_PROD);
  }
  set prod(value: number) {
    this.#file.set(this.#page + ECMDQ_PROD, (value & PROD_WRITABLE) >>> 0);
  }
  get cons(): number {
    return this.#file.get(this.#page + ECMDQ_CONS);
  }
  set cons(value: number) {
    this.#file.set(this.#page + ECMDQ_CONS, value >>> 0);
  }

  get wanted(): boolean {
    return bitsOf(this.prod, ECMDQ_PROD_EN) !== 0;
  }
  get enabled(): boolean {
    return bitsOf(this.cons, ECMDQ_CONS_ENACK) !== 0;
  }
  set enabled(enabled: boolean) {
    this.cons = withBits(this.cons, ECMDQ_CONS_ENACK, enabled ? 1 : 0);
  }

  /** A LOG2SIZE above IDR1's limit acts as that limit. */
  get ring(): TableShape {
    const lo = this.#file.get(this.#page + ECMDQ_BASE);
    const log2size = Math.min(bitsOf(lo, Q_BASE_LOG2SIZE), this.#smmu.maxCommandLog2size);
    return queueShape(lo, this.#file.get(this.#page + ECMDQ_BASE + 4), log2size, CMDQ_ENTRY_SIZE);
  }

  get failed(): boolean {
    return bitsOf(this.cons, ECMDQ_CONS_ERR) !== bitsOf(this.prod, ECMDQ_PROD_ERRACK);
  }
  get error(): number {
    return bitsOf(this.cons, ECMDQ_CONS_ERR_REASON);
  }

  setCons(index: number, error: number): void {
    this.cons = withBits(this.cons, Q_INDEX, index);
    if (error)
      this.cons = withBits(this.cons, ECMDQ_CONS_ERR_REASON, error) ^ maskInWord(ECMDQ_CONS_ERR);
  }

  copyCons(cons: number, enabled: boolean): void {
    this.cons = withBits(cons & CONS_WRITABLE, ECMDQ_CONS_ENACK, enabled ? 1 : 0);
  }

  report(): void {
    this.#smmu.raiseError(GERROR_CMDQP_ERR);
  }

  get msiBits(): number {
    return this.#smmu.msiBits;
  }

  signalSync(addressLo: number, addressHi: number, data: number): void {
    this.#smmu.signalSync(addressLo, addressHi, data);
  }
}

interface Slot {
  readonly registers: EnhancedQueue;
  readonly queue: CommandQueue;
}

export class EnhancedQueues {
  readonly #stride: number;
  readonly #slots: readonly Slot[];
  private readonly file: RegisterFile;

  /** Offset of the registers of queue `index` of `count` in the SMMU's region. */
  static offsetOf(index: number, count: number): number {
    return SMMU_ECMDQ_PAGE + index * (SMMU_ECMDQ_PAGE_SIZE / count);
  }

  /** @param engines one per queue; their number is a power of two. */
  constructor(smmu: SmmuRegisters, engines: readonly CommandEngine[]) {
    this.#stride = SMMU_ECMDQ_PAGE_SIZE / Math.max(1, engines.length);
    const bank = { count: engines.length, stride: this.#stride } as const;
    this.file = new RegisterFile(
      SMMU_ECMDQ_PAGE_SIZE,
      engines.length === 0
        ? []
        : [
            {
              ...bank,
              name: 'ECMDQ_BASE',
              offset: ECMDQ_BASE,
              size: 8,
              writable: QUEUE_BASE_LO,
              writableHi: QUEUE_BASE_HI,
            },
            { ...bank, name: 'ECMDQ_PROD', offset: ECMDQ_PROD, writable: PROD_WRITABLE },
            { ...bank, name: 'ECMDQ_CONS', offset: ECMDQ_CONS, writable: CONS_WRITABLE },
          ],
    );
    this.#slots = engines.map((engine, i) => {
      const registers = new EnhancedQueue(this.file, i * this.#stride, smmu);
      return { registers, queue: new CommandQueue(registers, engine) };
    });
  }

  /** True when an offset in the SMMU's region is in the control page. */
  covers(offset: number): boolean {
    return offset >= SMMU_ECMDQ_PAGE;
  }

  reset(): void {
    this.file.reset();
    this.load();
  }

  /** Sets up the blocks from the registers. */
  load(): void {
    for (const { queue } of this.#slots) queue.load();
  }

  /**
   * Serves queues with work: a CMD_SYNC that waited, a round that exhausted its budget.
   * Returns the number of queues that moved.
   */
  poll(): number {
    return this.#slots.filter(({ queue }) => {
      // A guest with a mapped PROD may have acknowledged an error, or disabled the queue.
      queue.refresh();
      return queue.pending && queue.run();
    }).length;
  }

  /** Updates every CONS. */
  refresh(): void {
    for (const { queue } of this.#slots) queue.refresh();
  }

  read(access: MmioAccess): void {
    const offset = this.#offset(access);
    this.#slotAt(offset)?.queue.refresh();
    access.lo = this.file.get(offset);
    access.hi = access.size === 8 ? this.file.get(offset + 4) : 0;
  }

  write(access: MmioAccess): void {
    const offset = this.#offset(access);
    this.#writeWord(offset, access.lo);
    if (access.size === 8) this.#writeWord(offset + 4, access.hi);
  }

  /**
   * The bus passes no unaligned access on; should one arrive, it means the word in which
   * it begins.
   */
  #offset(access: MmioAccess): number {
    return (access.offset - SMMU_ECMDQ_PAGE) & ~3;
  }

  #slotAt(offset: number): Slot | undefined {
    return this.#slots[Math.floor(offset / this.#stride)];
  }

  #writeWord(offset: number, value: number): void {
    const slot = this.#slotAt(offset);
    if (!slot) return;
    const { registers, queue } = slot;
    queue.refresh();
    if (!registers.enabled) this.#unmapRegisters(slot);
    if (offset % this.#stride !== ECMDQ_PROD) {
      // BASE and CONS cannot be written while the queue is enabled: such writes are
      // ignored, like those to CMDQ_BASE and CMDQ_CONS.
      if (!registers.enabled) this.file.writeWord(offset, value);
      return;
    }
    if (queue.isMappedEcmdq) {
      queue.storeMappedProd(value & PROD_WRITABLE);
      return;
    }
    const failed = registers.failed;
    this.file.writeWord(offset, value);
    if (registers.wanted !== registers.enabled) this.#applyEnable(slot);
    else if (registers.enabled) queue.produce(failed && !registers.failed);
  }

  // The guest has disabled a queue with mapped PROD and CONS. Another vCPU may have
  // enabled it again before the registers were unmapped.
  #unmapRegisters(slot: Slot): void {
    if (!slot.queue.isMappedEcmdq) return;
    slot.queue.stop();
    if (slot.registers.wanted) this.#applyEnable(slot);
  }

  // Applies EN and ENACK. ENACK changes regardless of ERR and ERRACK.
  #applyEnable({ registers, queue }: Slot): void {
    if (registers.wanted) {
      registers.enabled = true;
      queue.load();
      queue.run();
    } else {
      queue.stop();
      registers.enabled = false;
    }
  }

  nameAt(offset: number): string | undefined {
    return this.file.nameAt(offset - SMMU_ECMDQ_PAGE);
  }

  save(): DeviceState {
    this.refresh();
    return this.file.save();
  }

  /** @throws {TypeError} when the state does not belong to these queues. */
  check(state: unknown): void {
    const file: RegisterFile = this.file;
    file.check(state);
  }

  /** Restores a state that has been checked; `load` then sets up the blocks. */
  restore(state: unknown): void {
    this.file.restore(state);
  }
}

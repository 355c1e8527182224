// SPDX-License-Identifier: MIT
// Behaviour of an SMMUv3's registers in either role: handshakes, guards, the GERROR
// protocol. The effects of a write outside the registers depend on the role (`SmmuRole`).

import {
  CR0_CMDQEN,
  GBPA_UPDATE,
  GERROR_CMDQ_ERR,
  GERROR_MSI_CMDQ_ABT_ERR,
  GERROR_MSI_GERROR_ABT_ERR,
  IDR1_CMDQS,
  PRIQ_IRQ_CFG2_LO,
  Q_BASE_LOG2SIZE,
  Q_INDEX,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_CR0ACK,
  SMMU_EVENTQ_PROD,
  SMMU_GBPA,
  SMMU_GERROR,
  SMMU_GERRORN,
  SMMU_IDR1,
  SMMU_IRQ_CTRL,
  SMMU_IRQ_CTRLACK,
  SMMU_PRIQ_IRQ_CFG2,
  SMMU_PRIQ_PROD,
  SMMU_REGION_SIZE,
  SMMU_STRTAB_BASE,
  SMMU_STRTAB_BASE_CFG,
} from '../../assembly/layout/smmu-registers.ts';
import {
  bitsOf,
  type DeviceHost,
  type DeviceState,
  type Field,
  type MmioAccess,
  maskInWord,
  RegisterFile,
  withBits,
} from '../plugin/index.ts';
import type { SmmuIdRegisters } from './id-registers.ts';
import {
  EVENTS,
  GLOBAL_ERRORS,
  type InterruptSource,
  Interrupts,
  PAGE_REQUESTS,
} from './smmu-interrupts.ts';
import {
  canonicalOffset,
  REGISTER_GUARDS,
  type RegisterGuard,
  smmuRegisters,
} from './smmu-register-specs.ts';
import {
  COMMAND_QUEUE,
  EVENT_QUEUE,
  PRI_QUEUE,
  QUEUE_OF_INDEX,
  QUEUES,
  type QueueKind,
  queueLog2size,
  queueShape,
  type StreamTableShape,
  streamTableShape,
  type TableShape,
} from './table-shapes.ts';

/**
 * Effects of register writes in the physical and in the guest's SMMU. Called when the
 * registers have changed.
 */
export interface SmmuRole {
  /** Updates CMDQ_CONS, EVENTQ_PROD and PRIQ_PROD before they are read. */
  refresh(): void;
  /** CR0 changed; `before` is its former value. */
  enablesChanged(before: number): void;
  /** CMDQ_PROD was written while the queue is enabled. */
  commandsProduced(): void;
  /** GERRORN has acknowledged CMDQ_ERR. */
  commandErrorAcknowledged(): void;
  /** EVENTQ_PROD or PRIQ_PROD was written. */
  producerWritten(): void;
  /** GBPA was updated. */
  bypassChanged(): void;
  /** Some register other than CMDQ_PROD was written. */
  configured(): void;
}

/**
 * The bus passes no unaligned access on; should one arrive, it means the word in which it
 * begins.
 */
function aligned(offset: number): number {
  return offset - (offset % 4);
}

const GUARDS_OF = new Map<number, RegisterGuard[]>();
for (const guard of REGISTER_GUARDS)
  GUARDS_OF.set(guard.offset, [...(GUARDS_OF.get(guard.offset) ?? []), guard]);

/**
 * The register state of an SMMU. An SMMU device has no state besides this and what it
 * documents.
 */
export class SmmuRegisters {
  private readonly file: RegisterFile;
  readonly #role: SmmuRole;
  readonly #interrupts = new Interrupts((offset) => this.file.get(offset));

  constructor(ids: SmmuIdRegisters, role: SmmuRole) {
    this.file = new RegisterFile(SMMU_REGION_SIZE, smmuRegisters(ids));
    this.#role = role;
  }

  attach(host: DeviceHost): void {
    this.#interrupts.attach(host);
  }

  reset(): void {
    this.file.reset();
  }

  /** The stored word of a register, by its canonical offset. */
  get(offset: number): number {
    return this.file.get(offset);
  }

  /** Sets a register from the device's side. */
  set(offset: number, value: number): void {
    this.file.set(offset, value);
  }

  /** True when a field of CR0 is set. */
  enabled(field: Field): boolean {
    return bitsOf(this.file.get(SMMU_CR0), field) !== 0;
  }

  /** True when an error of GERROR is active. */
  errorActive(error: Field): boolean {
    return bitsOf(this.file.get(SMMU_GERROR) ^ this.file.get(SMMU_GERRORN), error) !== 0;
  }

  /**
   * Makes an error active and raises its interrupt. An error that is active already does
   * not change (IHI 0070 section 7.5). The failure of GERROR's own MSI raises no
   * interrupt.
   */
  raiseError(error: Field): void {
    if (this.errorActive(error)) return;
    this.file.set(SMMU_GERROR, this.file.get(SMMU_GERROR) ^ maskInWord(error));
    if (error !== GERROR_MSI_GERROR_ABT_ERR) this.#raise(GLOBAL_ERRORS);
  }

  /** Raises the event queue's interrupt. Without IRQ_CTRL.EVENTQ_IRQEN it is lost. */
  raiseEvents(): void {
    this.#raise(EVENTS);
  }

  /** Raises the PRI queue's interrupt, likewise. */
  raisePageRequests(): void {
    this.#raise(PAGE_REQUESTS);
  }

  /**
   * PRIQ_IRQ_CFG2.LO: the last request of each group raises an interrupt, even if an
   * overflow discarded it.
   */
  get eachGroupInterrupts(): boolean {
    return bitsOf(this.file.get(SMMU_PRIQ_IRQ_CFG2), PRIQ_IRQ_CFG2_LO) !== 0;
  }

  #raise(source: InterruptSource): void {
    if (!this.#interrupts.raise(source)) this.raiseError(source.aborted);
  }

  /** Sends the MSI of a CMD_SYNC, given MSIADDR (0 for none) and MSIDATA. */
  signalSync(addressLo: number, addressHi: number, data: number): void {
    if (!this.#interrupts.send(addressLo, addressHi, data))
      this.raiseError(GERROR_MSI_CMDQ_ABT_ERR);
  }

  /** Address bits of an MSI; 0 when the SMMU has no MSIs. */
  get msiBits(): number {
    return this.#interrupts.addressBits;
  }

  commandQueue(): TableShape {
    return this.#queue(COMMAND_QUEUE);
  }

  eventQueue(): TableShape {
    return this.#queue(EVENT_QUEUE);
  }

  priQueue(): TableShape {
    return this.#queue(PRI_QUEUE);
  }

  #queue(kind: QueueKind): TableShape {
    return queueShape(
      this.file.get(kind.base),
      this.file.get(kind.base + 4),
      this.#log2size(kind),
      kind.entrySize,
    );
  }

  #log2size(kind: QueueKind): number {
    return queueLog2size(this.file.get(kind.base), this.file.get(SMMU_IDR1), kind);
  }

  streamTable(): StreamTableShape {
    return streamTableShape(
      this.file.get(SMMU_STRTAB_BASE),
      this.file.get(SMMU_STRTAB_BASE + 4),
      this.file.get(SMMU_STRTAB_BASE_CFG),
      this.file.get(SMMU_IDR1),
    );
  }

  /** Largest LOG2SIZE of a command queue, IDR1.CMDQS. */
  get maxCommandLog2size(): number {
    return bitsOf(this.file.get(SMMU_IDR1), IDR1_CMDQS);
  }

  read(access: MmioAccess): void {
    this.#role.refresh();
    const offset = aligned(access.offset);
    access.lo = this.#readWord(canonicalOffset(offset));
    access.hi = access.size === 8 ? this.#readWord(canonicalOffset(offset + 4)) : 0;
  }

  // Index bits above the queue's size read as zero.
  #readWord(offset: number): number {
    const value = this.file.get(offset);
    const queue = QUEUE_OF_INDEX.get(offset);
    return queue ? this.#masked(value, queue) : value;
  }

  #masked(value: number, queue: QueueKind): number {
    const unused = maskInWord(Q_INDEX) & ~((2 << this.#log2size(queue)) - 1);
    return (value & ~unused) >>> 0;
  }

  /**
   * Index and wrap bit (and a flag or error code above bit 19) in a PROD or CONS
   * register.
   */
  index(offset: number): number {
    return this.#readWord(offset);
  }

  /** A write of 32 bits, or of 64 bits as low word, then high word. */
  write(access: MmioAccess): void {
    const { size, lo, hi } = access;
    const offset = aligned(access.offset);
    this.#writeWord(canonicalOffset(offset), lo);
    if (size === 8) this.#writeWord(canonicalOffset(offset + 4), hi);
  }

  #writeWord(offset: number, value: number): void {
    switch (offset) {
      case SMMU_CR0:
        this.#writeEnables(value);
        break;
      case SMMU_IRQ_CTRL:
        this.file.writeWord(offset, value);
        this.file.set(SMMU_IRQ_CTRLACK, this.file.get(offset));
        break;
      case SMMU_GBPA:
        // A write without UPDATE is ignored (IHI 0070 section 6.3.14). UPDATE is not
        // stored here: a role whose update takes longer than the write sets it.
        if (bitsOf(value, GBPA_UPDATE)) {
          this.file.writeWord(offset, value);
          this.#role.bypassChanged();
        }
        break;
      case SMMU_GERRORN:
        this.#acknowledge(value);
        break;
      case SMMU_CMDQ_PROD:
        this.file.writeWord(offset, value);
        if (this.enabled(CR0_CMDQEN)) this.#role.commandsProduced();
        return;
      default:
        this.#writeGuarded(offset, value);
    }
    this.#role.configured();
  }

  #writeEnables(value: number): void {
    this.#role.refresh();
    const before = this.file.get(SMMU_CR0);
    this.file.writeWord(SMMU_CR0, value);
    const now = this.file.get(SMMU_CR0);
    // An unchanged value has been acknowledged, or will be.
    if (now === before) return;
    this.file.set(SMMU_CR0ACK, now);
    this.#role.enablesChanged(before);
  }

  // An error ends when GERRORN equals GERROR again (IHI 0070 section 7.5). Acknowledging
  // an inactive error is CONSTRAINED UNPREDICTABLE; here such bits do not change.
  #acknowledge(value: number): void {
    const acknowledged = this.file.get(SMMU_GERRORN);
    const active = this.file.get(SMMU_GERROR) ^ acknowledged;
    const ended = (value ^ acknowledged) & active;
    this.file.set(SMMU_GERRORN, (acknowledged ^ ended) >>> 0);
    if (bitsOf(ended, GERROR_CMDQ_ERR)) this.#role.commandErrorAcknowledged();
  }

  #writeGuarded(offset: number, value: number): void {
    const cr0 = this.file.get(SMMU_CR0);
    const irqCtrl = this.file.get(SMMU_IRQ_CTRL);
    let held = 0;
    for (const guard of GUARDS_OF.get(offset) ?? [])
      if (cr0 & guard.cr0 || irqCtrl & guard.irqCtrl) held |= guard.bits;
    this.file.writeWord(offset, (value & ~held) | (this.file.get(offset) & held));
    const queue = QUEUES.find(({ base }) => base === offset);
    if (queue) this.#clampSize(queue);
    if ((offset === SMMU_EVENTQ_PROD || offset === SMMU_PRIQ_PROD) && held === 0)
      this.#role.producerWritten();
  }

  // A LOG2SIZE above IDR1's limit acts, and reads, as that limit.
  #clampSize(queue: QueueKind): void {
    const limit = bitsOf(this.file.get(SMMU_IDR1), queue.limit);
    const lo = this.file.get(queue.base);
    if (bitsOf(lo, Q_BASE_LOG2SIZE) > limit)
      this.file.set(queue.base, withBits(lo, Q_BASE_LOG2SIZE, limit));
  }

  /** Name of the register at an offset, aliases included. */
  nameAt(offset: number): string | undefined {
    return this.file.nameAt(canonicalOffset(offset));
  }

  save(): DeviceState {
    return this.file.save();
  }

  /** @throws {TypeError} when the state does not belong to an SMMU's registers. */
  restore(state: unknown): void {
    this.file.restore(state);
  }
}

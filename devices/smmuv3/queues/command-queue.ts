// SPDX-License-Identifier: MIT
// A command queue of an SMMUv3, CMDQ or ECMDQ: connects its registers with the queue
// block that the drain works on.
//
// The registers are the saved state. While the queue is enabled, the block stores the
// CONS that the drain has reached. Everything else in the block is derived from the
// registers, so reset and restore set it up again.

import {
  CERROR_ILL,
  CMD_OP,
  OP_CMD_SYNC,
  SYNC_CS,
  SYNC_CS_IRQ,
  SYNC_MSIADDR_HI,
  SYNC_MSIADDR_LO,
  SYNC_MSIDATA,
} from '../../../assembly/layout/commands.ts';
import {
  QUEUE_ERROR_HELD,
  QUEUE_ERROR_PUBLISHED,
  QUEUE_NEEDS_HOST,
  QUEUE_RUNNING,
} from '../../../assembly/layout/queue-memory.ts';
import { STAT_ILL_OPCODE } from '../../../assembly/layout/smmu-memory.ts';
import { CMDQ_ENTRY_SIZE } from '../../../assembly/layout/smmu-registers.ts';
import { fieldOf, type GuestMemory } from '../../plugin/index.ts';
import type { QueueBlock } from '../../unit/index.ts';
import { queueIndex, type TableShape } from '../table-shapes.ts';
import type { CommandOutcome } from '../viommu-backend.ts';
import { BegunCommand } from './begun-command.ts';
import type { MappedPointers } from './mapped-pointers.ts';

/**
 * Maximum number of commands (or parts of them) that the device executes itself in one
 * service. For each, the host's kernel reprograms a stream, which takes some 70 us: far
 * longer than the drain's whole budget of commands.
 */
const OWN_COMMANDS = 3;

/** Executes the commands of a queue. */
export interface CommandEngine {
  readonly block: QueueBlock;
  /**
   * Sets the block's ring. A ring that is not in RAM is none: every fetch is then an
   * external abort.
   */
  placeRing(ring: TableShape): void;
  /**
   * Executes commands within the drain's budget. Returns QUEUE_STATE; an error that
   * software must not see (yet) is not reported there.
   */
  serve(): number;
  /** Lets a stopped queue fetch again from CONS. */
  resume(): void;
  /** The memory that contains the ring. */
  readonly memory: Pick<GuestMemory, 'load64'>;
  /**
   * Executes a command that the device handles itself, or a part of it: from `from` on, 0
   * at first.
   */
  execute(words: readonly number[], from: number): CommandOutcome;
  /** Advances CONS past the current command. */
  finish(): void;
  /** Only for a guest's SMMU. */
  readonly overlay?: MappedPointers;
  /**
   * For an ECMDQ whose registers can be mapped into the guest: while they are, the drain
   * publishes errors, and its CONS is authoritative.
   */
  publish?(): void;
}

/** The registers of one command queue. */
export interface CommandQueueRegisters {
  /** The queue is enabled, so its base cannot change. */
  readonly enabled: boolean;
  /** The ring, from the base register. */
  readonly ring: TableShape;
  /** PROD and CONS. */
  prod: number;
  readonly cons: number;
  /** An error is active: no command is consumed. */
  readonly failed: boolean;
  /** CERROR_* in CONS. */
  readonly error: number;
  /** Sets CONS; an error other than 0 means that the queue has stopped there. */
  setCons(cons: number, error: number): void;
  /** ECMDQ only: copies CONS from the drain, or from software while it is disabled. */
  copyCons?(cons: number, enabled: boolean): void;
  /** Reports in GERROR that the queue has stopped at an error. */
  report(): void;
  readonly msiBits: number;
  signalSync(addressLo: number, addressHi: number, data: number): void;
}

export class CommandQueue {
  readonly #registers: CommandQueueRegisters;
  readonly #engine: CommandEngine;
  /** The ring while the queue is enabled, which is when its base cannot change. */
  #ring: TableShape = { base: 0, log2size: 0 };
  /** The error in the block is to be reported to software: the policy has decided so. */
  #toReport = false;
  /**
   * CONS and words of a command that could not be executed, while it may be fetched once
   * more.
   */
  #failed: readonly number[] = [];
  readonly #begun = new BegunCommand();

  constructor(registers: CommandQueueRegisters, engine: CommandEngine) {
    this.#registers = registers;
    this.#engine = engine;
  }

  /**
   * Sets up the block from the registers: after a reset, a restore, and when the queue is
   * enabled. It starts at CONS.
   */
  load(): void {
    const { block, overlay } = this.#engine;
    overlay?.stop();
    this.#failed = [];
    this.#begun.clear();
    block.reset(block.kind, block.context);
    if (!this.#registers.enabled) return;
    this.#ring = this.#registers.ring;
    this.#engine.placeRing(this.#ring);
    block.cons = queueIndex(this.#registers.cons, this.#ring.log2size);
    block.prod = queueIndex(this.#registers.prod, this.#ring.log2size);
    // Commands are not consumed while an error is active, regardless of the enable (IHI
    // 0070 section 7.1). The registers show this error already; to the drain it is one
    // that is held, since the drain does not publish errors of a trapped queue.
    if (this.#registers.failed) {
      block.error = this.#registers.error;
      block.state = QUEUE_ERROR_HELD;
    }
    block.msiBits = this.#registers.msiBits;
    overlay?.start(this.#ring, this.#registers.prod, this.#registers.cons);
    if (this.isMappedEcmdq) block.takeEcmdqCons(this.#registers.cons, this.#registers.failed);
    block.allocated = true;
  }

  /** The queue is an ECMDQ whose PROD and CONS are mapped into the guest. */
  get isMappedEcmdq(): boolean {
    const { overlay, publish } = this.#engine;
    return publish !== undefined && overlay?.mapped === true;
  }

  /** PROD as the queue is to use it. */
  get #prod(): number {
    const { block, overlay } = this.#engine;
    return overlay?.mapped ? queueIndex(overlay.prod, this.#ring.log2size) : block.prod;
  }

  /** The queue was disabled: CONS stays where the queue has stopped. */
  stop(): void {
    const { block } = this.#engine;
    block.allocated = false;
    // Another thread may own the queue, to finish a CMD_SYNC that waited for its access:
    // `resume` acquires the queue after that thread's round, and every later round finds
    // it not allocated.
    this.#copyToRegisters();
    this.#registers.prod = this.#engine.overlay?.stop() ?? this.#registers.prod;
    this.#engine.resume();
    block.state = QUEUE_RUNNING;
  }

  /** A PROD written by an exit although the register is mapped into the guest. */
  storeMappedProd(prod: number): void {
    const { overlay } = this.#engine;
    if (overlay) overlay.prod = prod;
    this.run();
  }

  /**
   * Passes PROD to the drain, then executes what can run.
   * @param acknowledged the store to PROD also acknowledged the error: an ECMDQ's ERRACK.
   */
  produce(acknowledged = false): void {
    const { block, overlay } = this.#engine;
    if (overlay?.mapped) overlay.prod = this.#registers.prod;
    else block.prod = queueIndex(this.#registers.prod, this.#ring.log2size);
    if (acknowledged) this.#engine.resume();
    this.run();
  }

  /**
   * The error was acknowledged without a store to PROD (GERRORN): the command at CONS is
   * fetched again.
   */
  acknowledge(): void {
    if (!this.#registers.enabled) return;
    this.#engine.resume();
    this.run();
  }

  /**
   * Serves the queue once: within the drain's budget, and with at most OWN_COMMANDS
   * commands of the device in between. The rest is `pending`: the device's background
   * loop continues it after the other queues.
   * @returns true when CONS moved, or a command of the device made progress.
   */
  run(): boolean {
    const { block } = this.#engine;
    // Nothing is consumed while an error is active, and the policy is not asked about it
    // again.
    if (this.#registers.failed && !this.isMappedEcmdq) return false;
    const first = block.cons;
    let state = this.#engine.serve();
    let own = 0;
    for (; state === QUEUE_NEEDS_HOST && own < OWN_COMMANDS; own++)
      if (this.#carryOut()) state = this.#engine.serve();
    // When the registers are mapped into the guest, this continues after an exit of the
    // guest: the drain requests it by stopping here once more.
    if (state === QUEUE_NEEDS_HOST && this.#engine.overlay?.mapped) {
      this.#engine.resume();
      state = this.#engine.serve();
    }
    this.#toReport = state === QUEUE_ERROR_HELD;
    if (this.#toReport && this.isMappedEcmdq) this.#publish();
    this.refresh();
    return block.cons !== first || own > 0;
  }

  // The drain has read the command and found that the device has to execute it. The
  // command is read again here, so it is checked again: if a guest changes it in the
  // queue, it is fetched again. An unchanged command is not tried a third time: one that
  // can be neither executed nor refused would otherwise block the queue for ever. False
  // when a part of the command is left.
  #carryOut(): boolean {
    const { block } = this.#engine;
    const address = this.#ring.base + (block.cons % 2 ** this.#ring.log2size) * CMDQ_ENTRY_SIZE;
    const words: number[] = [];
    for (let i = 0; i < CMDQ_ENTRY_SIZE; i += 8) {
      const long = this.#engine.memory.load64(address + i) ?? 0n;
      words.push(Number(long & 0xffffffffn), Number(long >> 32n));
    }
    const attempt = [block.cons, ...words];
    const repeated = attempt.every((word, i) => word === this.#failed[i]);
    const from = this.#begun.left(attempt);
    this.#failed = [];
    this.#begun.clear();
    const progress = this.#signal(words) ? 'done' : this.#engine.execute(words, from);
    if (progress === 'done') {
      this.#engine.finish();
    } else if (progress !== 'refused') {
      this.#begun.begin(attempt, progress.next);
      return false;
    } else if (repeated) {
      block.refuse(CERROR_ILL, STAT_ILL_OPCODE);
    } else {
      this.#failed = attempt;
      this.#engine.resume();
    }
    return true;
  }

  // A CMD_SYNC that is complete except for its MSI, whose address is not RAM.
  #signal(words: readonly number[]): boolean {
    if (fieldOf(words, CMD_OP) !== OP_CMD_SYNC || fieldOf(words, SYNC_CS) !== SYNC_CS_IRQ)
      return false;
    this.#registers.signalSync(
      fieldOf(words, SYNC_MSIADDR_LO) * 4,
      fieldOf(words, SYNC_MSIADDR_HI),
      fieldOf(words, SYNC_MSIDATA),
    );
    return true;
  }

  /** True when there is work: a CMD_SYNC had to wait, or a service reached its limit. */
  get pending(): boolean {
    const { block } = this.#engine;
    return this.#registers.enabled && block.cons !== this.#prod && !this.#registers.failed;
  }

  /** Updates CONS, and publishes an error that has stopped the queue. */
  refresh(): void {
    if (this.#registers.enabled || this.isMappedEcmdq) this.#copyToRegisters();
  }

  // Copies PROD and CONS to the registers, with an error that is to be reported.
  #copyToRegisters(): void {
    const { block, overlay } = this.#engine;
    if (overlay?.mapped) this.#registers.prod = overlay.prod;
    if (overlay && this.isMappedEcmdq) {
      const { enabled } = block;
      this.#registers.copyCons?.(enabled ? block.ecmdqCons : overlay.cons, enabled);
      return;
    }
    const failed = this.#toReport && block.state === QUEUE_ERROR_HELD && !this.#registers.failed;
    this.#registers.setCons(block.cons, failed ? block.error : 0);
    if (!failed) return;
    if (overlay?.mapped) overlay.cons = this.#registers.cons;
    // CONS before GERROR: when software sees the error, CONS states its place and reason.
    this.#registers.report();
  }

  // Publishes an error of a mapped ECMDQ, after the policy has decided to report it.
  #publish(): void {
    const { block, publish } = this.#engine;
    publish?.();
    if (block.state === QUEUE_ERROR_PUBLISHED) this.#registers.report();
  }
}

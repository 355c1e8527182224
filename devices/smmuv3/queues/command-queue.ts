// SPDX-License-Identifier: MIT
// A command queue of an SMMUv3, CMDQ or ECMDQ: between its registers and the queue block that the drain works on.
//
// The registers are the saved state; the block holds, while the queue is enabled, the
// CONS that the drain has reached. Everything else in the block follows from the
// registers, so it is set up anew by reset and restore.

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
 * Commands of the device's own, or parts of them, in one service. Each has the host's
 * kernel reprogram a stream, at some 70 us: the budget of the drain's commands is a
 * fraction of that.
 */
const OWN_COMMANDS = 3;

/** What runs the commands. */
export interface CommandEngine {
  readonly block: QueueBlock;
  /** Points the block at a ring, or, where that is not RAM, at none: every fetch is then an external abort. */
  placeRing(ring: TableShape): void;
  /**
   * Runs commands within the drain's budget. Returns QUEUE_STATE; an error that software
   * is not to see, or not yet, is none.
   */
  serve(): number;
  /** Lets a stopped queue fetch again from CONS. */
  resume(): void;
  /** Where the ring lies. */
  readonly memory: Pick<GuestMemory, 'load64'>;
  /** Carries out a command that is the device's own, or a part of it: from `from` on, 0 at first. */
  execute(words: readonly number[], from: number): CommandOutcome;
  /** Steps over the command at CONS. */
  finish(): void;
  /** A guest's SMMU only. */
  readonly overlay?: MappedPointers;
  /**
   * An ECMDQ whose registers the guest can have: while it has them, the drain publishes
   * errors, and its CONS is the truth.
   */
  publish?(): void;
}

/** The registers of one command queue, as the queue works them. */
export interface CommandQueueRegisters {
  /** The queue is enabled, and its base cannot change. */
  readonly enabled: boolean;
  /** Where the ring lies, by the base register. */
  readonly ring: TableShape;
  /** PROD and CONS as they stand. */
  prod: number;
  readonly cons: number;
  /** An error is active: nothing is consumed. */
  readonly failed: boolean;
  /** CERROR_* in CONS. */
  readonly error: number;
  /** CONS stands at an index; with an error other than 0 the queue has stopped there. */
  place(cons: number, error: number): void;
  /** An ECMDQ: CONS as the drain has it, or software while the queue is not enabled. */
  take?(cons: number, enabled: boolean): void;
  /** GERROR says that the queue has stopped at an error. */
  report(): void;
  readonly msiBits: number;
  signalSync(addressLo: number, addressHi: number, data: number): void;
}

export class CommandQueue {
  readonly #registers: CommandQueueRegisters;
  readonly #engine: CommandEngine;
  /** The ring while the queue is enabled, which is when its base cannot change. */
  #ring: TableShape = { base: 0, log2size: 0 };
  /** The error that the block holds is one that software is to see. */
  #refused = false;
  /** CONS and words of a command that could not be carried out, while it may still be fetched once more. */
  #failed: readonly number[] = [];
  readonly #begun = new BegunCommand();

  constructor(registers: CommandQueueRegisters, engine: CommandEngine) {
    this.#registers = registers;
    this.#engine = engine;
  }

  /** The block as the registers say: after a reset, a restore, and when the queue is enabled. It starts at CONS. */
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
    // Commands are not consumed while an error is active, whatever the enable does (IHI 0070 section 7.1).
    if (this.#registers.failed) {
      block.error = this.#registers.error;
      block.state = QUEUE_ERROR_HELD;
    }
    block.msiBits = this.#registers.msiBits;
    overlay?.start(this.#ring, this.#registers.prod, this.#registers.cons);
    if (this.shared) block.takeEcmdqCons(this.#registers.cons, this.#registers.failed);
    block.allocated = true;
  }

  /** The queue is an ECMDQ whose PROD and CONS the guest has. */
  get shared(): boolean {
    const { overlay, publish } = this.#engine;
    return publish !== undefined && overlay?.open === true;
  }

  /** How far the queue is to run. */
  get #prod(): number {
    const { block, overlay } = this.#engine;
    return overlay?.open ? queueIndex(overlay.prod, this.#ring.log2size) : block.prod;
  }

  /** The queue is no longer enabled: CONS stands where the queue has come to. */
  stop(): void {
    const { block } = this.#engine;
    block.allocated = false;
    // Another thread may have the queue, to finish a CMD_SYNC that its access held up:
    // `resume` takes the queue after that thread's round, and every later round finds it
    // not allocated.
    this.#take();
    this.#registers.prod = this.#engine.overlay?.stop() ?? this.#registers.prod;
    this.#engine.resume();
    block.state = QUEUE_RUNNING;
  }

  /** A PROD that came as an exit although the guest has the register. */
  storeShared(prod: number): void {
    const { overlay } = this.#engine;
    if (overlay) overlay.prod = prod;
    this.run();
  }

  /**
   * PROD as the drain sees it, then whatever can run.
   * @param acknowledged the store to PROD has acknowledged the error as well: an ECMDQ's
   *   ERRACK.
   */
  produce(acknowledged = false): void {
    const { block, overlay } = this.#engine;
    if (overlay?.open) overlay.prod = this.#registers.prod;
    else block.prod = queueIndex(this.#registers.prod, this.#ring.log2size);
    if (acknowledged) this.#engine.resume();
    this.run();
  }

  /**
   * The error was acknowledged, without a store to PROD (GERRORN): the command at CONS is
   * fetched again.
   */
  acknowledge(): void {
    if (!this.#registers.enabled) return;
    this.#engine.resume();
    this.run();
  }

  /**
   * Runs the queue for one service: as far as the drain's budget reaches, and at most
   * OWN_COMMANDS commands of the device's own between. What is left is `pending`: the
   * device's background loop goes on with it, when others have had their turn.
   * @returns true when CONS moved, or a command of the device's own has come further.
   */
  run(): boolean {
    const { block } = this.#engine;
    // Nothing is consumed while an error is active, and nobody is asked about it again.
    if (this.#registers.failed && !this.shared) return false;
    const first = block.cons;
    let state = this.#engine.serve();
    let own = 0;
    for (; state === QUEUE_NEEDS_HOST && own < OWN_COMMANDS; own++)
      if (this.#carryOut()) state = this.#engine.serve();
    // A guest that has the registers itself is asked for the exit behind which this goes
    // on: by the drain, which stops there once more.
    if (state === QUEUE_NEEDS_HOST && this.#engine.overlay?.open) {
      this.#engine.resume();
      state = this.#engine.serve();
    }
    this.#refused = state === QUEUE_ERROR_HELD;
    if (this.#refused && this.shared) this.#publish();
    this.refresh();
    return block.cons !== first || own > 0;
  }

  // The drain has read the command and found that it is the device's. What is read here
  // is read again, so it is checked again: a guest that changes a command under the queue
  // has it fetched anew. One that has not changed is not tried a third time: what can be
  // neither carried out nor refused would otherwise hold the queue for ever. False when a
  // part of the command is left.
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

  // A CMD_SYNC that is complete but for its MSI, whose address is not RAM.
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

  /** True when there is something to run: a CMD_SYNC was waited for, or a service's bound was reached. */
  get pending(): boolean {
    const { block } = this.#engine;
    return this.#registers.enabled && block.cons !== this.#prod && !this.#registers.failed;
  }

  /** Brings CONS up to date, and publishes an error that has stopped the queue. */
  refresh(): void {
    if (this.#registers.enabled || this.shared) this.#take();
  }

  #take(): void {
    const { block, overlay } = this.#engine;
    if (overlay?.open) this.#registers.prod = overlay.prod;
    if (overlay && this.shared) {
      const { enabled } = block;
      this.#registers.take?.(enabled ? block.ecmdqCons : overlay.cons, enabled);
      return;
    }
    const failed = this.#refused && block.state === QUEUE_ERROR_HELD && !this.#registers.failed;
    this.#registers.place(block.cons, failed ? block.error : 0);
    if (!failed) return;
    if (overlay?.open) overlay.cons = this.#registers.cons;
    // CONS before GERROR: who sees the error sees where it is and what.
    this.#registers.report();
  }

  // The host's policy has spoken.
  #publish(): void {
    const { block, publish } = this.#engine;
    publish?.();
    if (block.state === QUEUE_ERROR_PUBLISHED) this.#registers.report();
  }
}

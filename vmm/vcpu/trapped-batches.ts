// SPDX-License-Identifier: MIT
// Recognizes exits for invalidations of translations: trapped accesses to PROD and CONS
// of command queues. It sees only what a guest stores: it reads no register, which could
// change the state of a device, and counts for any kind of guest and queue.

import {
  CMDQV_DIRECT_PAGE0,
  CMDQV_LOGICAL_STRIDE,
  CMDQV_PAGE_SIZE,
  VCMDQ_BASE,
  VCMDQ_CONFIG,
  VCMDQ_CONFIG_EN,
  VCMDQ_CONS,
  VCMDQ_PROD,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers.ts';
import {
  CMD_OP,
  OP_ATC_INV,
  OP_CMD_SYNC,
  OP_TLBI_NH_ALL,
  OP_TLBI_NSNH_ALL,
} from '../../assembly/layout/commands.ts';
import { ABI_KIND_CMDQV, ABI_KIND_SMMUV3 } from '../../assembly/layout/guest-abi.ts';
import {
  CMDQ_ENTRY_SIZE,
  CR0_CMDQEN,
  CR0_SMMUEN,
  ECMDQ_BASE,
  ECMDQ_CONS,
  ECMDQ_PROD,
  ECMDQ_PROD_EN,
  Q_BASE_LOG2SIZE,
  Q_INDEX,
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_ECMDQ_PAGE,
} from '../../assembly/layout/smmu-registers.ts';
import type { BusMount } from '../../devices/bus/bus.ts';
import { bitsOf, type GuestMemory, maskInWord } from '../../devices/plugin/index.ts';

/** Maximum number of commands of a batch that are searched for an invalidation. */
const MOST_SEARCHED = 256;
const MOST_LOG2SIZE = 19;
/** Registers of an ECMDQ, which are at multiples of this. */
const ECMDQ_SIZE = 0x10;
const SMMU_RUNS = maskInWord(CR0_SMMUEN) | maskInWord(CR0_CMDQEN);

/** The kind of queue whose access is an exit for an invalidation. */
export type TrappedQueue = 'cmdq' | 'vcmdq';

/** Registers of a command queue as its guest has stored them. */
class StoredQueue {
  readonly #kind: TrappedQueue;
  #base = 0;
  #log2size = 0;
  #prod = 0;
  /** The last batch contains an invalidation, or the CMD_SYNC of an earlier one. */
  #invalidates = false;
  /** An invalidation has been sent without a CMD_SYNC at the end of its batch. */
  #isUnsynced = false;
  isEnabled = false;

  constructor(kind: TrappedQueue) {
    this.#kind = kind;
  }

  /** BASE: bits [31:0], as gpas have. */
  place(base: number): void {
    this.#log2size = Math.min(bitsOf(base, Q_BASE_LOG2SIZE), MOST_LOG2SIZE);
    // The ring is aligned to its size, and to 32 bytes at least.
    const alignment = Math.max(CMDQ_ENTRY_SIZE << this.#log2size, 32);
    this.#base = (base & -alignment) >>> 0;
    this.#isUnsynced = false;
  }

  /** A store to PROD: the guest sends the commands up to it. */
  produce(prod: number, memory: Pick<GuestMemory, 'load64'>): TrappedQueue | undefined {
    const size = 1 << this.#log2size;
    const next = prod & maskInWord(Q_INDEX) & (2 * size - 1);
    const from = this.#prod;
    const sent = Math.min((next - from) & (2 * size - 1), size);
    const count = Math.min(sent, MOST_SEARCHED);
    this.#prod = next;
    const opcode = (i: number) =>
      opcodeOf(memory.load64(this.#base + ((from + i) & (size - 1)) * CMDQ_ENTRY_SIZE));
    this.#invalidates = sent > 0 && this.#isUnsynced;
    for (let i = 0; i < count && this.isEnabled && !this.#invalidates; i++)
      this.#invalidates = isInvalidation(opcode(i));
    if (sent > 0) this.#isUnsynced = this.#invalidates && opcode(sent - 1) !== OP_CMD_SYNC;
    return this.consume();
  }

  /** A load of CONS: the guest waits for the last batch. */
  consume(): TrappedQueue | undefined {
    return this.isEnabled && this.#invalidates ? this.#kind : undefined;
  }
}

/** 0 outside the guest's memory, which is no command. */
const opcodeOf = (doubleword = 0n): number => bitsOf(Number(doubleword & 0xffffffffn), CMD_OP);

/** TLBI_* and ATC_INV invalidate translations; CFGI_* invalidate configurations. */
function isInvalidation(opcode: number): boolean {
  return (opcode >= OP_TLBI_NH_ALL && opcode <= OP_TLBI_NSNH_ALL) || opcode === OP_ATC_INV;
}

/** An SMMU's CMDQ and ECMDQs, by the stores to their registers. */
class SmmuQueues {
  readonly #cmdq = new StoredQueue('cmdq');
  readonly #enhanced = new Map<number, StoredQueue>();
  readonly #memory: Pick<GuestMemory, 'load64'>;
  /** CR0. A driver's reset invalidates before the SMMU has cached anything. */
  #enables = 0;

  constructor(memory: Pick<GuestMemory, 'load64'>) {
    this.#memory = memory;
  }

  access(offset: number, stored: number | undefined): TrappedQueue | undefined {
    if (offset >= SMMU_ECMDQ_PAGE) return this.#accessEnhanced(offset, stored);
    switch (offset) {
      case SMMU_CMDQ_PROD:
        return stored === undefined ? undefined : this.#cmdq.produce(stored, this.#memory);
      case SMMU_CMDQ_CONS:
        return stored === undefined ? this.#cmdq.consume() : undefined;
      case SMMU_CMDQ_BASE:
        if (stored !== undefined) this.#cmdq.place(stored);
        return undefined;
      case SMMU_CR0:
        if (stored !== undefined) this.#enable(stored);
        return undefined;
      default:
        return undefined;
    }
  }

  #enable(cr0: number): void {
    this.#enables = cr0;
    this.#cmdq.isEnabled = (~cr0 & SMMU_RUNS) === 0;
  }

  #accessEnhanced(offset: number, stored: number | undefined): TrappedQueue | undefined {
    const register = offset % ECMDQ_SIZE;
    const at = offset - register;
    if (register === ECMDQ_BASE && stored !== undefined && !this.#enhanced.has(at))
      this.#enhanced.set(at, new StoredQueue('vcmdq'));
    const queue = this.#enhanced.get(at);
    if (!queue) return undefined;
    if (stored === undefined) return register === ECMDQ_CONS ? queue.consume() : undefined;
    if (register === ECMDQ_BASE) queue.place(stored);
    if (register !== ECMDQ_PROD) return undefined;
    queue.isEnabled =
      bitsOf(stored, ECMDQ_PROD_EN) !== 0 && bitsOf(this.#enables, CR0_SMMUEN) !== 0;
    return queue.produce(stored, this.#memory);
  }
}

/** The VCMDQs of a CMDQV, by the stores to their registers. */
class CmdqvQueues {
  /** By the offset of their registers on page 0, in each of their views. */
  readonly #queues = new Map<number, StoredQueue>();
  readonly #memory: Pick<GuestMemory, 'load64'>;

  constructor(memory: Pick<GuestMemory, 'load64'>) {
    this.#memory = memory;
  }

  access(offset: number, stored: number | undefined): TrappedQueue | undefined {
    if (offset < CMDQV_DIRECT_PAGE0) return undefined;
    const register = offset % VCMDQ_STRIDE;
    // Each view consists of a page 0 and a page 1.
    const isPage1 = (offset - CMDQV_DIRECT_PAGE0) % CMDQV_LOGICAL_STRIDE >= CMDQV_PAGE_SIZE;
    const slot = offset - register - (isPage1 ? CMDQV_PAGE_SIZE : 0);
    if (isPage1) {
      if (register === VCMDQ_BASE && stored !== undefined) this.#place(slot, stored);
      return undefined;
    }
    const queue = this.#queues.get(slot);
    if (!queue) return undefined;
    if (stored === undefined) return register === VCMDQ_CONS ? queue.consume() : undefined;
    if (register === VCMDQ_CONFIG) queue.isEnabled = bitsOf(stored, VCMDQ_CONFIG_EN) !== 0;
    return register === VCMDQ_PROD ? queue.produce(stored, this.#memory) : undefined;
  }

  #place(slot: number, base: number): void {
    const queue = this.#queues.get(slot) ?? new StoredQueue('vcmdq');
    this.#queues.set(slot, queue);
    queue.place(base);
  }
}

/** The trapped accesses of a machine's guest to command queues. */
export class TrappedBatches {
  readonly #mounts: () => readonly BusMount[];
  readonly #memory: Pick<GuestMemory, 'load64'>;
  /** By mount; null for other devices. */
  readonly #devices: (SmmuQueues | CmdqvQueues | null)[] = [];

  /**
   * @param mounts those of the machine's bus.
   * @param memory the guest's, by gpa.
   */
  constructor(mounts: () => readonly BusMount[], memory: Pick<GuestMemory, 'load64'>) {
    this.#mounts = mounts;
    this.#memory = memory;
  }

  /**
   * Call for each trapped access, before the device carries it out.
   * @param stored bits [31:0] of a store; undefined for a load.
   * @returns the kind of queue if the access sends a batch that invalidates translations,
   *   or waits for one; otherwise undefined.
   */
  access(mount: number, offset: number, stored: number | undefined): TrappedQueue | undefined {
    const known = this.#devices[mount];
    if (known === null) return undefined;
    return (known ?? this.#watch(mount))?.access(offset, stored);
  }

  /** The machine has been reset, and its queues are disabled. */
  reset(): void {
    this.#devices.length = 0;
  }

  #watch(mount: number): SmmuQueues | CmdqvQueues | null {
    const at = this.#mounts()[mount];
    const kind = at?.region === 0 ? at.device.identity?.kind : undefined;
    const queues =
      kind === ABI_KIND_SMMUV3
        ? new SmmuQueues(this.#memory)
        : kind === ABI_KIND_CMDQV
          ? new CmdqvQueues(this.#memory)
          : null;
    this.#devices[mount] = queues;
    return queues;
  }
}

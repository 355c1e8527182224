// SPDX-License-Identifier: MIT
// Two registers of a device, such as a console, that vCPUs on threads access without an
// exit. Writes of one are posted to a ring, which the machine's thread empties before it
// serves anything else of the machine. Reads of the other return the value that this
// thread published last.

import { ARM64_MMIO_ADDRESS, ARM64_MMIO_SIZE } from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Block } from './arm64-block.ts';

/** What a board says of such registers. */
export interface PostedRegisters {
  /** Address of the register whose writes nobody waits for. Bits 7 to 0 count. */
  readonly writeAt: number;
  /** Address of the one whose reads have no effect. At most 31 bits. */
  readonly readAt: number;
  /** Carries a write out. */
  write(value: number): void;
  /** What a read gives; undefined: both registers have exits for now. */
  value(): number | undefined;
}

/** What the two sides share. */
export interface PostedMemory {
  readonly buffer: SharedArrayBuffer;
  readonly writeAt: number;
  readonly readAt: number;
}

// Indexes of 32-bit words.
/** 1 while a vCPU posts a write. */
const LOCK = 0;
/** Writes that have been posted, and those that have been carried out; both wrap. */
const HEAD = 1;
const TAIL = 2;
const VALUE = 3;
const RING = 4;
/** Longer than what a console prints between two looks of the machine's thread. */
const ENTRIES = 4096;
const CLOSED = -1;
/** Widest access, in bytes. */
const WORD = 4;

const slot = (count: number) => RING + (count & (ENTRIES - 1));

/** The side of the vCPUs. */
export class PostedClient {
  readonly #memory: PostedMemory;
  readonly #words: Int32Array;

  constructor(memory: PostedMemory) {
    this.#memory = memory;
    this.#words = new Int32Array(memory.buffer);
  }

  /** Does the access that a vCPU's block describes; false: it takes an exit. */
  access(block: Arm64Block, isWrite: boolean): boolean {
    const address = block.long(ARM64_MMIO_ADDRESS);
    const size = block.word(ARM64_MMIO_SIZE);
    const { writeAt, readAt } = this.#memory;
    if (address !== BigInt(isWrite ? writeAt : readAt) || size > WORD) return false;
    const value = Atomics.load(this.#words, VALUE);
    if (value === CLOSED) return false;
    if (isWrite) return this.#post(Number(block.mmioValue & 0xffn));
    block.mmioValue = BigInt.asUintN(8 * size, BigInt(value));
    return true;
  }

  /** False: there is no room, or another vCPU posts at this moment. */
  #post(value: number): boolean {
    const words = this.#words;
    if (Atomics.compareExchange(words, LOCK, 0, 1) !== 0) return false;
    const head = Atomics.load(words, HEAD);
    const hasRoom = ((head - Atomics.load(words, TAIL)) | 0) < ENTRIES;
    if (hasRoom) {
      words[slot(head)] = value;
      Atomics.store(words, HEAD, head + 1);
    }
    Atomics.store(words, LOCK, 0);
    return hasRoom;
  }
}

/** The side of the machine's thread. */
export class PostedServer {
  readonly memory: PostedMemory;
  readonly #registers: PostedRegisters;
  readonly #words: Int32Array;
  #serves = false;

  constructor(registers: PostedRegisters) {
    const { writeAt, readAt } = registers;
    const buffer = new SharedArrayBuffer(4 * (RING + ENTRIES));
    this.memory = { buffer, writeAt, readAt };
    this.#registers = registers;
    this.#words = new Int32Array(buffer);
    this.close();
  }

  /**
   * Performs the posted writes, at most one ring of them, and publishes the value of
   * reads. A write that calls it again leaves the rest to this call.
   */
  serve(): void {
    if (this.#serves) return;
    this.#serves = true;
    const words = this.#words;
    try {
      for (let done = 0; done < ENTRIES; done++) {
        const tail = Atomics.load(words, TAIL);
        if (tail === Atomics.load(words, HEAD)) break;
        const value = words[slot(tail)] ?? 0;
        // First: a write that throws is not performed again.
        Atomics.store(words, TAIL, (tail + 1) | 0);
        this.#registers.write(value);
      }
    } finally {
      this.#serves = false;
    }
    Atomics.store(words, VALUE, this.#registers.value() ?? CLOSED);
  }

  /** Forgets what a run left behind. To be called while no vCPU has a thread. */
  reset(): void {
    const words = this.#words;
    // A thread may have been terminated while it held the lock.
    Atomics.store(words, LOCK, 0);
    Atomics.store(words, TAIL, Atomics.load(words, HEAD));
    this.close();
  }

  /**
   * Accesses take exits until `serve` is called: the device changes for a reason of its
   * own.
   */
  close(): void {
    Atomics.store(this.#words, VALUE, CLOSED);
  }
}

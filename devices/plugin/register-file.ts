// SPDX-License-Identifier: MIT
// Registers declared as data: name, offset, size, reset value, writable bits. Devices add
// their behaviour.

import type { DeviceState, MmioAccess } from './device.ts';
import { checkRegisters, type RegisterSpec } from './register-spec.ts';
import { isWord } from './state.ts';
import { upperWord } from './upper-word.ts';

export type { RegisterSpec };

interface Word {
  readonly name: string;
  readonly reset: number;
  readonly writable: number;
}

/** Bit position, in its 32-bit word, of the byte at an offset. */
function laneShift(offset: number): number {
  return 8 * (offset & 3);
}

/** Mask of an access of 1 or 2 bytes. */
function laneMask(size: number): number {
  return 2 ** (8 * size) - 1;
}

function namesOf(spec: RegisterSpec, index: number): string {
  return (spec.count ?? 1) > 1 ? `${spec.name}(${index})` : spec.name;
}

/**
 * A region's registers as 32-bit words. Offsets without a register read 0 and ignore
 * writes.
 */
export class RegisterFile {
  readonly #words: readonly Word[];
  readonly #slotOf: Int32Array;
  readonly #values: Uint32Array;

  /**
   * @param regionSize bytes, a multiple of 4.
   * @throws {TypeError} when a register has an unknown field, or one of the wrong type.
   * @throws {RangeError} when a number is out of range, two registers have the same name,
   *   or registers overlap or are outside the region.
   */
  constructor(regionSize: number, specs: readonly RegisterSpec[]) {
    checkRegisters(regionSize, specs);
    const words: Word[] = [];
    this.#slotOf = new Int32Array(regionSize / 4).fill(-1);
    const add = (offset: number, word: Word) => {
      const slot = offset / 4;
      if (!Number.isInteger(slot))
        throw new RangeError(`the offset of register ${word.name} is not a multiple of 4`);
      if (slot < 0 || slot >= this.#slotOf.length)
        throw new RangeError(`register ${word.name} lies outside its region`);
      if (this.#slotOf[slot] !== -1)
        throw new RangeError(
          `registers ${words[this.#slotOf[slot] ?? 0]?.name} and ${word.name} overlap`,
        );
      this.#slotOf[slot] = words.push(word) - 1;
    };
    for (const spec of specs) {
      for (let i = 0; i < (spec.count ?? 1); i++) {
        const offset = spec.offset + i * (spec.stride ?? spec.size ?? 4);
        const name = namesOf(spec, i);
        add(offset, { name, reset: spec.reset ?? 0, writable: spec.writable ?? 0 });
        if (spec.size === 8)
          add(offset + 4, {
            name: upperWord(name),
            reset: spec.resetHi ?? 0,
            writable: spec.writableHi ?? 0,
          });
      }
    }
    this.#words = words;
    this.#values = new Uint32Array(words.length);
    this.reset();
  }

  /** Sets every register to its reset value. */
  reset(): void {
    this.#words.forEach((word, i) => {
      this.#values[i] = word.reset;
    });
  }

  /** The 32-bit word at an offset, unsigned; 0 when there is no register. */
  get(offset: number): number {
    return this.#values[this.#slotOf[offset >>> 2] ?? -1] ?? 0;
  }

  /**
   * Sets a word, including bits that are not writable: for the device's own side of the
   * register.
   */
  set(offset: number, value: number): void {
    const slot = this.#slotOf[offset >>> 2] ?? -1;
    if (slot >= 0) this.#values[slot] = value;
  }

  /**
   * Performs a read. A read of 1 or 2 bytes gets those bytes of its word, in
   * little-endian order.
   */
  read(access: MmioAccess): void {
    const { offset, size } = access;
    const word = this.get(offset);
    access.lo = size < 4 ? (word >>> laneShift(offset)) & laneMask(size) : word;
    access.hi = size === 8 ? this.get(offset + 4) : 0;
  }

  /**
   * Performs a write within the writable bits. A write of 1 or 2 bytes leaves the rest of
   * its word unchanged.
   */
  write(access: MmioAccess): void {
    const { offset, size, lo } = access;
    if (size < 4) {
      const shift = laneShift(offset);
      this.#writeBits(offset, lo << shift, laneMask(size) << shift);
      return;
    }
    this.writeWord(offset, lo);
    if (size === 8) this.writeWord(offset + 4, access.hi);
  }

  /** Performs a write of a whole 32-bit word within the writable bits. */
  writeWord(offset: number, value: number): void {
    this.#writeBits(offset, value, -1);
  }

  #writeBits(offset: number, value: number, written: number): void {
    const slot = this.#slotOf[offset >>> 2] ?? -1;
    const word = this.#words[slot];
    if (!word) return;
    const bits = word.writable & written;
    this.#values[slot] = ((this.#values[slot] ?? 0) & ~bits) | (value & bits);
  }

  /** Name of the register at an offset; undefined when there is none. */
  nameAt(offset: number): string | undefined {
    return this.#words[this.#slotOf[offset >>> 2] ?? -1]?.name;
  }

  /** The values, for a device's saved state. */
  save(): DeviceState {
    return { words: [...this.#values] };
  }

  /**
   * @throws {TypeError} when the state does not belong to a file with these registers.
   */
  check(state: unknown): asserts state is { readonly words: readonly number[] } {
    const words = (state as { words?: unknown } | null)?.words;
    if (!Array.isArray(words) || words.length !== this.#values.length || !words.every(isWord)) {
      throw new TypeError('the state is not of this register file');
    }
  }

  /**
   * @throws {TypeError} when the state does not belong to a file with these registers.
   */
  restore(state: unknown): void {
    this.check(state);
    this.#values.set(state.words);
  }
}

// SPDX-License-Identifier: MIT
// AArch64 translation tables of either stage, with any granule (DDI 0487 section D8.3).

import {
  PTE_S1_PAGE_RO,
  PTE_S1_PAGE_RW,
  PTE_S2_PAGE_RO,
  PTE_S2_PAGE_RW,
  PTE_TYPE_BLOCK,
  PTE_TYPE_PAGE,
  PTE_TYPE_TABLE,
} from '../../assembly/layout/descriptors.ts';
import { typeOf } from '../plugin/known-names.ts';
import { checkInteger, checkMethods } from '../plugin/known-values.ts';
import { checkOptions, flag, integerFrom, type OptionKinds } from '../plugin/option-kinds.ts';
import { GRANULE_4K, type Granule } from './granule.ts';
import type { TableMemory } from './memory.ts';
import { checkAddress, granuleKind } from './named-field.ts';
import {
  checkInputBits,
  entryShift,
  firstLevel,
  firstLevelOfStage2,
  isLeafLevel,
  SHIFTS,
} from './table-geometry.ts';
import { allocateTable, loadTable64 } from './table-words.ts';

/**
 * Attributes of a leaf: every bit of a page descriptor except its address. Blocks use the
 * same attributes with their own type.
 */
export const S1_READ_WRITE = BigInt(PTE_S1_PAGE_RW);
/** Attributes of a read-only stage-1 leaf. */
export const S1_READ_ONLY = BigInt(PTE_S1_PAGE_RO);
/** Attributes of a readable and writable stage-2 leaf. */
export const S2_READ_WRITE = BigInt(PTE_S2_PAGE_RW);
/** Attributes of a read-only stage-2 leaf. */
export const S2_READ_ONLY = BigInt(PTE_S2_PAGE_RO);

/** Format of the tables. */
export interface PageTableOptions {
  /** Stage of translation. */
  readonly stage: 1 | 2;
  /** Translation granule. Default 4 KiB. */
  readonly granule?: Granule;
  /** Size of the input address in bits (64 - T0SZ). Default 48. */
  readonly inputBits?: number;
  /**
   * Level of the first table. Default: the result of `stage1StartLevel` or
   * `stage2StartLevel`.
   */
  readonly startLevel?: number;
}

/** How a range is mapped. */
export interface MapOptions {
  /** Use blocks where size and alignment allow; false maps pages only. Default true. */
  readonly blocks?: boolean;
}

const OPTIONS: OptionKinds<PageTableOptions> = {
  stage: integerFrom(1, 2),
  granule: granuleKind,
  inputBits: integerFrom(1, 64),
  startLevel: integerFrom(-1, 3),
};
const MAP: OptionKinds<MapOptions> = {
  blocks: flag,
};

const ADDRESS_MASK = 0x0000_ffff_ffff_ffffn;
const TYPE_MASK = 3n;

/**
 * A tree of tables. Addresses are integers below 2^48; an address in the upper half of
 * stage 1 is passed as its low bits.
 */
export class PageTable {
  /** Address of the first table, or of the concatenated ones: TTB0, TTB1 or S2TTB. */
  readonly root: number;
  readonly granule: Granule;
  readonly inputBits: number;
  readonly startLevel: number;
  readonly #memory: TableMemory;

  /**
   * @throws {TypeError} when an option is unknown, missing or not a number, or the memory
   *   lacks a function.
   * @throws {RangeError} when a value is out of range.
   */
  constructor(memory: TableMemory, options: PageTableOptions) {
    checkOptions(options, OPTIONS, 'PageTable', ['stage']);
    checkMethods(memory, ['load64', 'store64', 'allocate'], 'PageTable: the memory');
    this.#memory = memory;
    this.granule = options.granule ?? GRANULE_4K;
    this.inputBits = options.inputBits ?? 48;
    checkInputBits(this.granule, this.inputBits, 'PageTable: inputBits');
    const startLevel = options.stage === 1 ? firstLevel : firstLevelOfStage2;
    this.startLevel = options.startLevel ?? startLevel(this.granule, this.inputBits);
    checkInteger(this.startLevel, -1, 3, 'PageTable: startLevel');
    // The first table has one entry per value of the remaining input bits, which may be
    // fewer or (concatenated) more than fit in a page.
    const bytes = 2 ** (this.inputBits - entryShift(this.granule, this.startLevel) + 3);
    const size = Math.max(bytes, 64);
    this.root = allocateTable(memory, size, size);
  }

  /**
   * Maps a range. All three are multiples of the granule.
   * @param attributes bits of a page descriptor without its address, such as
   *   S1_READ_WRITE.
   * @throws {RangeError} when the range is empty, misaligned, too large, or in use.
   * @throws {TypeError} when an option is unknown, or an argument has the wrong type.
   */
  map(
    input: number,
    output: number,
    size: number,
    attributes: bigint,
    options: MapOptions = {},
  ): void {
    checkOptions(options, MAP, 'map');
    this.#check(input, size);
    checkAddress(output, this.granule, 'map: the output address');
    if (typeof attributes !== 'bigint')
      throw new TypeError(
        `map: attributes must be a bigint, such as S1_READ_WRITE, not ${typeOf(attributes)}`,
      );
    for (let done = 0; done < size; ) {
      const level =
        options.blocks === false ? 3 : this.#leafLevel(input + done, output + done, size - done);
      const type = level === 3 ? PTE_TYPE_PAGE : PTE_TYPE_BLOCK;
      const slot = this.#slot(input + done, level, true);
      if (slot === undefined || loadTable64(this.#memory, slot) & 1n)
        throw new RangeError(`0x${(input + done).toString(16)} is mapped already`);
      this.#memory.store64(slot, BigInt(output + done) | (attributes & ~TYPE_MASK) | BigInt(type));
      done += 2 ** entryShift(this.granule, level);
    }
  }

  /**
   * Clears the leaves of a range; a block is cleared as a whole. Tables are kept, as in a
   * driver that has not invalidated walk caches yet.
   */
  unmap(input: number, size: number): void {
    this.#check(input, size);
    for (let done = 0; done < size; ) {
      const [slot, level] = this.#leaf(input + done);
      if (slot !== undefined) this.#memory.store64(slot, 0n);
      const span = 2 ** entryShift(this.granule, level);
      done += span - ((input + done) % span);
    }
  }

  /**
   * Address of the leaf descriptor that translates an input address; undefined when there
   * is none. For tests that change single bits.
   * @throws {TypeError|RangeError} when it is not an address.
   */
  leafOf(input: number): number | undefined {
    checkAddress(input, 1, 'leafOf: input');
    return this.#leaf(input)[0];
  }

  #check(input: number, size: number): void {
    checkAddress(input, this.granule, 'the input address of a mapped range');
    checkAddress(size, this.granule, 'the size of a mapped range');
    if (size === 0)
      throw new RangeError(`the size of a mapped range must be at least ${this.granule}, not 0`);
    if (input + size > 2 ** this.inputBits)
      throw new RangeError(`0x${input.toString(16)} is beyond ${this.inputBits} bits`);
  }

  #leafLevel(input: number, output: number, left: number): number {
    for (let level = Math.max(1, this.startLevel); level < 3; level++) {
      const span = 2 ** entryShift(this.granule, level);
      if (
        isLeafLevel(this.granule, level, false) &&
        left >= span &&
        input % span === 0 &&
        output % span === 0
      )
        return level;
    }
    return 3;
  }

  #slotIn(table: number, input: number, level: number): number {
    const index = Math.floor(input / 2 ** entryShift(this.granule, level));
    const entries =
      level === this.startLevel ? 2 ** this.inputBits : 2 ** (SHIFTS[this.granule] - 3);
    return table + (index % entries) * 8;
  }

  #slot(input: number, level: number, create: boolean): number | undefined {
    let table = this.root;
    for (let at = this.startLevel; at < level; at++) {
      const slot = this.#slotIn(table, input, at);
      const descriptor = loadTable64(this.#memory, slot);
      if ((descriptor & TYPE_MASK) === BigInt(PTE_TYPE_TABLE)) {
        table = Number(descriptor & ADDRESS_MASK & ~BigInt(this.granule - 1));
        continue;
      }
      if (descriptor & 1n || !create) return undefined;
      table = allocateTable(this.#memory, this.granule, this.granule);
      this.#memory.store64(slot, BigInt(table) | BigInt(PTE_TYPE_TABLE));
    }
    return this.#slotIn(table, input, level);
  }

  // The leaf's address and level; without a leaf, the level at which the walk ends.
  #leaf(input: number): [number | undefined, number] {
    let table = this.root;
    for (let level = this.startLevel; ; level++) {
      const slot = this.#slotIn(table, input, level);
      const descriptor = loadTable64(this.#memory, slot);
      if ((descriptor & 1n) === 0n) return [undefined, level];
      if (level === 3 || (descriptor & TYPE_MASK) === BigInt(PTE_TYPE_BLOCK)) return [slot, level];
      table = Number(descriptor & ADDRESS_MASK & ~BigInt(this.granule - 1));
    }
  }
}

// SPDX-License-Identifier: MIT
// The code of one region under construction: locals, registers, exits. The emitters emit
// the code of instructions; this class keeps a region precise: nothing is changed before
// an instruction is left to the interpreter.

import {
  ARM64_PAGE_GENERATION,
  ARM64_RECORD_SIZE,
} from '../../../../assembly/layout/arm64-records.ts';
import {
  ARM64_REGION_FAR,
  ARM64_REGION_INTERPRET,
  ARM64_REGION_NEXT,
} from '../../../../assembly/layout/arm64-regions.ts';
import {
  ARM64_ACC,
  ARM64_DP,
  ARM64_EL,
  ARM64_LIMIT,
  ARM64_PC,
  ARM64_PC_OFFSET,
  ARM64_TLB,
  ARM64_TLB_FETCH,
  ARM64_TLB_STRIDE,
  ARM64_TLB_WRITE,
} from '../../../../assembly/layout/arm64-state.ts';
import { PAGE_SIZE, pageOf, recordOf } from './places.ts';
import {
  COUNT,
  DP,
  ENTRY,
  HOST,
  LONGS,
  PAGE,
  RegisterCode,
  type Registers,
  STATUS,
  TLB,
  VA,
  WORDS,
} from './register-code.ts';
import { OP, TYPE, WasmWriter } from './wasm-writer.ts';

/** A page with instructions of a region. */
export interface RegionPage {
  /** Address of its first record. */
  readonly base: number;
  /** Its ARM64_PAGE_GENERATION. */
  readonly generation: number;
}

/** The place of a region. */
export interface RegionPlace {
  /** By their distance from the home page, which is 0. */
  readonly pages: ReadonlyMap<number, RegionPage>;
  /** Maximum number of instructions between two checks of the limit. */
  readonly longest: number;
  /**
   * Where the RET, BR or BLR at a place notes to which address it has led: the distance
   * from itself in bytes (i64).
   */
  readonly notes: ReadonlyMap<number, number>;
}

export class RegionCode extends RegisterCode {
  readonly #place: RegionPlace;
  /** Exits by the registers that they store, in order. */
  readonly #exits = new Map<bigint, number>();
  /**
   * The current instruction: its place, and the number of instructions from it to the end
   * of its block.
   */
  #at = 0;
  #left = 0;

  constructor(place: RegionPlace) {
    super();
    this.#place = place;
  }

  // Places.

  /**
   * Starts a block of `length` instructions. `changed`: registers written by earlier
   * blocks.
   */
  beginBlock(length: number, flags: number, changed: Registers): void {
    this.beginRegisters(flags, changed);
    this.get(COUNT);
    this.i32(ARM64_RECORD_SIZE * length);
    this.op(OP.i32Add);
    this.set(COUNT);
  }

  /** Starts the next instruction. */
  beginInstruction(at: number, left: number): void {
    this.#at = at;
    this.#left = left;
  }

  /** Place of the current instruction. */
  get at(): number {
    return this.#at;
  }

  /** The virtual address at an offset in bytes from the start of the home page. */
  address(offset: number): void {
    this.get(PAGE);
    this.i64(offset);
    this.op(OP.i64Add);
  }

  /** 8 times the instructions of the run, including the current one. */
  countHere(): void {
    this.get(COUNT);
    this.i32(ARM64_RECORD_SIZE * (this.#left - 1));
    this.op(OP.i32Sub);
  }

  // Exits.

  #leave(status: number): void {
    if (status !== ARM64_REGION_NEXT) {
      this.i32(status);
      this.set(STATUS);
    }
    const exit = this.#exits.get(this.changed) ?? this.#exits.size;
    this.#exits.set(this.changed, exit);
    // The blocks of exits enclose everything else.
    this.br(-exit);
  }

  /** The next record is the one at a place, whose page is one of the region's. */
  #setRecord(at: number, { base }: RegionPage): void {
    const page = pageOf(at);
    this.i32(recordOf(base, at));
    this.set(DP);
    if (page !== 0)
      this.storeLong(ARM64_PC_OFFSET, () => this.address(page * PAGE_SIZE - base / 2));
  }

  #pageAt(at: number): RegionPage | undefined {
    return this.#place.pages.get(pageOf(at));
  }

  /** Ends the block; execution continues at a place. */
  leaveTo(at: number): void {
    const page = pageOf(at) === pageOf(this.#at) ? this.#pageAt(at) : undefined;
    if (!page) {
      this.leaveFar(() => this.address(4 * at));
      return;
    }
    this.#setRecord(at, page);
    this.#leave(ARM64_REGION_NEXT);
  }

  /** Leaves the instruction to the interpreter, before any of it has been done. */
  leave(): void {
    this.get(COUNT);
    this.i32(ARM64_RECORD_SIZE * this.#left);
    this.op(OP.i32Sub);
    this.set(COUNT);
    const page = this.#pageAt(this.#at);
    if (page) this.#setRecord(this.#at, page);
    this.#leave(ARM64_REGION_INTERPRET);
  }

  /** The same if the i32 on the stack is not 0. */
  leaveIf(): void {
    this.open(OP.if);
    this.leave();
    this.close();
  }

  /** Pushes whether the records of a page have been discarded since. */
  #isForgotten({ base, generation }: RegionPage): void {
    this.i32(base - ARM64_PAGE_GENERATION);
    this.memory(OP.i32Load, 4);
    this.i32(generation);
    this.op(OP.i32Ne);
  }

  /**
   * Leaves to the interpreter when the records of one of the pages have been discarded.
   */
  leaveIfForgotten(): void {
    for (const page of this.#place.pages.values()) {
      this.#isForgotten(page);
      this.leaveIf();
    }
  }

  /**
   * Leaves to a place of another page unless that page is unchanged since the region was
   * made. For the home page a record guarantees it, and nothing that could change it is
   * executed in a region.
   */
  checkPage(at: number): void {
    const page = this.#pageAt(at);
    const distance = pageOf(at);
    if (!page || distance === 0) return;
    this.address(distance * PAGE_SIZE);
    this.tee(VA);
    this.#findEntry(0xff0);
    this.memory(OP.i64Load, 8, ARM64_TLB_FETCH);
    this.op(OP.i64Ne);
    this.get(ENTRY);
    this.memory(OP.i32Load, 4, ARM64_TLB_FETCH + 8);
    this.i32(page.base);
    this.op(OP.i32Ne, OP.i32Or);
    this.#isForgotten(page);
    this.op(OP.i32Or);
    this.open(OP.if);
    this.leaveFar(() => this.address(4 * at));
    this.close();
  }

  /** Ends the block; execution continues at the virtual address that `target` pushes. */
  leaveFar(target: () => void): void {
    this.storeLong(ARM64_PC, target);
    this.i32(0);
    this.set(DP);
    this.#leave(ARM64_REGION_FAR);
  }

  /** Notes that the current instruction leads to VA. */
  noteTarget(): void {
    const note = this.#place.notes.get(this.#at);
    if (note === undefined) return;
    this.i32(note);
    this.get(VA);
    this.address(4 * this.#at);
    this.op(OP.i64Sub);
    this.memory(OP.i64Store, 8);
  }

  /**
   * Leaves to a place unless everything that can be executed up to the next check is
   * within the limit.
   */
  checkLimit(at: number): void {
    this.get(COUNT);
    this.i32(ARM64_RECORD_SIZE * this.#place.longest);
    this.op(OP.i32Add);
    this.loadWord(ARM64_LIMIT);
    this.op(OP.i32GtU);
    this.open(OP.if);
    this.leaveTo(at);
    this.close();
  }

  /**
   * Pushes ENTRY, the entry of VA in the soft TLB. `mask`: the possible offsets of
   * entries.
   */
  #findEntry(mask: number): void {
    this.get(VA);
    this.op(OP.i32WrapI64);
    this.i32(8);
    this.op(OP.i32ShrU);
    this.i32(mask);
    this.op(OP.i32And);
    this.get(TLB);
    this.op(OP.i32Add);
    this.tee(ENTRY);
  }

  /**
   * Sets HOST for an access of `size` bytes at VA, by the soft TLB of the current level.
   * Leaves when it misses, is not permitted, crosses pages, or is an access to a device.
   */
  findHost(size: number, isWrite: boolean): void {
    const offset = isWrite ? ARM64_TLB_WRITE : 0;
    this.#findEntry(0x3ff0);
    this.memory(OP.i64Load, 8, offset);
    this.get(VA);
    if (size > 1) {
      this.i64(size - 1);
      this.op(OP.i64Add);
    }
    this.i64(-4096);
    this.op(OP.i64And, OP.i64Ne);
    this.leaveIf();
    this.get(VA);
    this.op(OP.i32WrapI64);
    this.get(ENTRY);
    this.memory(OP.i32Load, 4, offset + 8);
    this.op(OP.i32Add);
    this.set(HOST);
  }

  /**
   * The function: `body` emits everything between entry and exits.
   * @returns its locals and code.
   */
  finish(body: () => void): Uint8Array {
    this.#prologue();
    body();
    const writer = new WasmWriter();
    writer.byte(2);
    writer.unsigned(LONGS);
    writer.byte(TYPE.i64);
    writer.unsigned(WORDS);
    writer.byte(TYPE.i32);
    // The first exit is that of the innermost block.
    for (let i = 0; i < this.#exits.size; i++) {
      writer.byte(OP.block);
      writer.byte(TYPE.none);
    }
    for (const registers of this.#exits.keys()) {
      this.op(OP.end);
      this.#epilogue(registers);
    }
    this.op(OP.unreachable, OP.end);
    writer.append(this.bytes());
    return writer.bytes();
  }

  #prologue(): void {
    this.loadLong(ARM64_PC_OFFSET);
    this.i64((this.#place.pages.get(0)?.base ?? 0) / 2);
    this.op(OP.i64Add);
    this.set(PAGE);
    this.loadWord(ARM64_ACC);
    this.loadWord(ARM64_DP);
    this.op(OP.i32Add);
    this.set(COUNT);
    this.loadWord(ARM64_EL);
    this.i32(ARM64_TLB_STRIDE);
    this.op(OP.i32Mul);
    this.cpu();
    this.op(OP.i32Add);
    this.i32(ARM64_TLB);
    this.op(OP.i32Add);
    this.set(TLB);
  }

  #epilogue(registers: Registers): void {
    this.store(registers);
    this.storeWord(ARM64_DP, () => this.get(DP));
    this.storeWord(ARM64_ACC, () => {
      this.get(COUNT);
      this.get(DP);
      this.op(OP.i32Sub);
    });
    this.get(STATUS);
    this.op(OP.return);
  }
}

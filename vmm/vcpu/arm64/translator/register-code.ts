// SPDX-License-Identifier: MIT
// Registers during code emission: the locals that contain them, and the registers that a
// block reads and writes.

import { ARM64_FA, ARM64_FB, ARM64_FK, ARM64_X } from '../../../../assembly/layout/arm64-state.ts';
import { FunctionCode } from './function-code.ts';
import { OP } from './wasm-writer.ts';

/** X0 to X30 and the stack pointer. */
const REGISTERS = 32;
// Locals. The first two are the parameters.
const CPU = 0;
export const NUMBER = 1;
const FIRST_REGISTER = 2;
/** Flags (assembly/arm64/lazy-flags.ts). */
export const FA = FIRST_REGISTER + REGISTERS;
export const FB = FA + 1;
/** Address of an access, and intermediate values. */
export const VA = FA + 2;
export const T0 = FA + 3;
export const T1 = FA + 4;
export const T2 = FA + 5;
/** Virtual address of the page. */
export const PAGE = FA + 6;
export const TLB = PAGE + 1;
/** 8 times the instructions of the run, including those of the current block. */
export const COUNT = PAGE + 2;
export const DP = PAGE + 3;
export const FK = PAGE + 4;
/** Host address of an access. */
export const HOST = PAGE + 5;
export const ENTRY = PAGE + 6;
export const STATUS = PAGE + 7;
export const LONGS = REGISTERS + 7;
export const WORDS = 7;

/** The possible kinds of flags, one bit each, as `1 << kind`. */
export const ANY_FLAGS = 7;

/** A set of registers, one bit each: X0 to X30, the stack pointer, the flags. */
export type Registers = bigint;
export const NO_REGISTERS: Registers = 0n;
const FLAGS: Registers = 1n << BigInt(REGISTERS);

/** The general-purpose registers of a set. */
function numbersOf(registers: Registers): number[] {
  const numbers: number[] = [];
  for (let number = 0; number < REGISTERS; number++)
    if (((registers >> BigInt(number)) & 1n) !== NO_REGISTERS) numbers.push(number);
  return numbers;
}

/** Effects of a block on registers. */
export interface Effects {
  /** Read before they are written. */
  readonly reads: Registers;
  readonly writes: Registers;
}

export class RegisterCode extends FunctionCode {
  // Effects of the block so far.
  #reads = NO_REGISTERS;
  #writes = NO_REGISTERS;
  /** Registers that differ from the vCPU's block. */
  #changed = NO_REGISTERS;
  /** Kinds that the flags may have here. */
  flags = ANY_FLAGS;

  /** Starts a block. `changed`: registers written by earlier blocks. */
  protected beginRegisters(flags: number, changed: Registers): void {
    this.flags = flags;
    this.#reads = NO_REGISTERS;
    this.#writes = NO_REGISTERS;
    this.#changed = changed;
  }

  /** Registers that differ from the vCPU's block: an exit stores them. */
  protected get changed(): Registers {
    return this.#changed;
  }

  /** Effects on registers of the block that has been emitted. */
  get effects(): Effects {
    return { reads: this.#reads, writes: this.#writes };
  }

  // The vCPU's block.

  /** A word of the vCPU's block. */
  loadWord(offset: number): void {
    this.get(CPU);
    this.memory(OP.i32Load, 4, offset);
  }

  loadLong(offset: number): void {
    this.get(CPU);
    this.memory(OP.i64Load, 8, offset);
  }

  /** Stores what `value` pushes. */
  storeWord(offset: number, value: () => void): void {
    this.get(CPU);
    value();
    this.memory(OP.i32Store, 4, offset);
  }

  storeLong(offset: number, value: () => void): void {
    this.get(CPU);
    value();
    this.memory(OP.i64Store, 8, offset);
  }

  /** The vCPU's block. */
  cpu(): void {
    this.get(CPU);
  }

  // Registers, by their numbers in instructions.

  /** A register, XZR for 31. */
  x(number: number): void {
    if (number === 31) this.i64(0);
    else this.xOrSp(number);
  }

  /** Its low half. */
  w(number: number): void {
    if (number === 31) {
      this.i32(0);
      return;
    }
    this.xOrSp(number);
    this.op(OP.i32WrapI64);
  }

  /** A register, SP for 31. */
  xOrSp(number: number): void {
    this.#read(1n << BigInt(number));
    this.get(FIRST_REGISTER + number);
  }

  #read(registers: Registers): void {
    this.#reads |= registers & ~this.#writes;
  }

  #write(registers: Registers): void {
    this.#writes |= registers;
    this.#changed |= registers;
  }

  setX(number: number): void {
    if (number === 31) this.op(OP.drop);
    else this.setXOrSp(number);
  }

  setXOrSp(number: number): void {
    this.#write(1n << BigInt(number));
    this.set(FIRST_REGISTER + number);
  }

  /** From an i32. */
  setW(number: number): void {
    this.op(OP.i64ExtendI32U);
    this.setX(number);
  }

  /** Called when flags are read. */
  readFlags(): void {
    this.#read(FLAGS);
  }

  /** Flags have been written, and now have one of these kinds. */
  writeFlags(kinds: number): void {
    this.#write(FLAGS);
    this.flags = kinds;
  }

  /** Loads registers from the vCPU's block. */
  load(registers: Registers): void {
    for (const register of numbersOf(registers)) {
      this.loadLong(ARM64_X + 8 * register);
      this.set(FIRST_REGISTER + register);
    }
    if ((registers & FLAGS) === NO_REGISTERS) return;
    this.loadLong(ARM64_FA);
    this.set(FA);
    this.loadLong(ARM64_FB);
    this.set(FB);
    this.loadWord(ARM64_FK);
    this.set(FK);
  }

  /** Stores them there. */
  protected store(registers: Registers): void {
    for (const register of numbersOf(registers))
      this.storeLong(ARM64_X + 8 * register, () => this.get(FIRST_REGISTER + register));
    if ((registers & FLAGS) === NO_REGISTERS) return;
    this.storeLong(ARM64_FA, () => this.get(FA));
    this.storeLong(ARM64_FB, () => this.get(FB));
    this.storeWord(ARM64_FK, () => this.get(FK));
  }
}

// SPDX-License-Identifier: MIT
// WebAssembly code under construction: instructions, and blocks with their labels.

import { OP, TYPE, WasmWriter } from './wasm-writer.ts';

const ALIGNMENT = { 1: 0, 2: 1, 4: 2, 8: 3 } as const;
/** Size in bytes of an access, or of its alignment. */
export type Size = keyof typeof ALIGNMENT;

/** First byte of an atomic instruction. */
const ATOMIC = 0xfe;

export class FunctionCode {
  readonly #writer = new WasmWriter();
  #depth = 0;

  /** The bytes written so far; valid until the next write. */
  bytes(): Uint8Array {
    return this.#writer.bytes();
  }

  op(...opcodes: readonly number[]): void {
    for (const opcode of opcodes) this.#writer.byte(opcode);
  }

  get(local: number): void {
    this.#writer.byte(OP.localGet);
    this.#writer.unsigned(local);
  }

  set(local: number): void {
    this.#writer.byte(OP.localSet);
    this.#writer.unsigned(local);
  }

  tee(local: number): void {
    this.#writer.byte(OP.localTee);
    this.#writer.unsigned(local);
  }

  i32(value: number): void {
    this.#writer.byte(OP.i32Const);
    this.#writer.signed(value);
  }

  i64(value: bigint | number): void {
    this.#writer.byte(OP.i64Const);
    this.#writer.signed64(BigInt(value));
  }

  /** The i64 on the stack, truncated to its low half. */
  cut(): void {
    this.op(OP.i32WrapI64, OP.i64ExtendI32U);
  }

  /** Inverts all bits of the i64 on the stack. */
  invert(): void {
    this.i64(-1);
    this.op(OP.i64Xor);
  }

  /** An access to memory, with the address on the stack. */
  memory(opcode: number, size: Size, offset = 0): void {
    this.#writer.byte(opcode);
    this.#writer.unsigned(ALIGNMENT[size]);
    this.#writer.unsigned(offset);
  }

  /** The same for an atomic access, with the prefix 0xfe. */
  atomic(opcode: number, size: Size, offset = 0): void {
    this.#writer.byte(ATOMIC);
    this.memory(opcode, size, offset);
  }

  // Opens a block. Labels are depths.

  open(opcode: typeof OP.block | typeof OP.loop | typeof OP.if, type: number = TYPE.none): number {
    this.op(opcode, type);
    return ++this.#depth;
  }

  otherwise(): void {
    this.op(OP.else);
  }

  close(): void {
    this.op(OP.end);
    this.#depth--;
  }

  br(label: number): void {
    this.#writer.byte(OP.br);
    this.#writer.unsigned(this.#depth - label);
  }

  brTable(labels: readonly number[], otherwise: number): void {
    this.#writer.byte(OP.brTable);
    this.#writer.unsigned(labels.length);
    for (const label of [...labels, otherwise]) this.#writer.unsigned(this.#depth - label);
  }
}

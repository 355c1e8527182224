// SPDX-License-Identifier: MIT
// Assembles the few x86 instructions of a bare-metal test program, as a BIOS image, which
// the CPU executes after reset.

const IMAGE_SIZE = 0x10000;
/** Linear address of the image's first byte, and the CPU's start in it. */
const IMAGE_BASE = 0xf0000;
const RESET_VECTOR = 0xfff0;
const GDT_AT = 0x80;
const PROGRAM_AT = 0x100;
const COM1 = 0x3f8;

const word = (value: number) => [value & 0xff, (value >>> 8) & 0xff];
const long = (value: number) => [...word(value), ...word(value >>> 16)];

/** 16-bit code that enters 32-bit protected mode with flat segments. */
const ENTER = [
  0xfa, // cli
  ...[0x66, 0x2e, 0x0f, 0x01, 0x16, ...word(GDT_AT + 24)], // lgdt cs:[GDT_AT + 24]
  ...[0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0], // cr0 |= PE
  ...[0x66, 0xea, ...long(IMAGE_BASE + PROGRAM_AT), ...word(8)], // jmp 8:PROGRAM_AT
];
const GDT = [
  ...long(0),
  ...long(0),
  ...[...long(0x0000ffff), ...long(0x00cf9a00)], // 8: code
  ...[...long(0x0000ffff), ...long(0x00cf9200)], // 16: data
  ...[...word(23), ...long(IMAGE_BASE + GDT_AT)],
];
const LOAD_SEGMENTS = [0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0]; // ds = es = ss = 16
const HALT = [0xf4, 0xeb, 0xfd];

/** A program of stores, loads and waits, with 32 bits unless stated otherwise. */
export class X86Program {
  readonly #code: number[] = [...LOAD_SEGMENTS];

  /** mov dword [address], value */
  store(address: number, value: number): this {
    this.#code.push(0xc7, 0x05, ...long(address), ...long(value));
    return this;
  }

  /** Two stores, the lower half first. */
  store64(address: number, value: bigint): this {
    return this.store(address, Number(value & 0xffffffffn)).store(
      address + 4,
      Number(value >> 32n),
    );
  }

  /** Loads the word at `from` and stores it to `to`. */
  copy(from: number, to: number): this {
    this.#code.push(0xa1, ...long(from), 0xa3, ...long(to));
    return this;
  }

  /** mov byte [address], value */
  store8(address: number, value: number): this {
    this.#code.push(0xc6, 0x05, ...long(address), value & 0xff);
    return this;
  }

  /** mov word [address], value */
  store16(address: number, value: number): this {
    this.#code.push(0x66, 0xc7, 0x05, ...long(address), ...word(value));
    return this;
  }

  /** Loads the byte at `from` and stores it to `to`. */
  copy8(from: number, to: number): this {
    this.#code.push(0xa0, ...long(from), 0xa2, ...long(to));
    return this;
  }

  /** Loads the 16-bit word at `from` and stores it to `to`. */
  copy16(from: number, to: number): this {
    this.#code.push(0x66, 0xa1, ...long(from), 0x66, 0xa3, ...long(to));
    return this;
  }

  /** Reads the word at `address` until it is `value`. */
  waitFor(address: number, value: number): this {
    this.#code.push(0xa1, ...long(address), 0x3d, ...long(value), 0x75, 0xf4);
    return this;
  }

  /** Sends a character to the first serial port. */
  say(character: string): this {
    this.#code.push(0x66, 0xba, ...word(COM1), 0xb0, character.charCodeAt(0), 0xee);
    return this;
  }

  /** The image; after the program the CPU halts. */
  image(): Uint8Array<ArrayBuffer> {
    const image = new Uint8Array(IMAGE_SIZE).fill(HALT[0] ?? 0);
    if (PROGRAM_AT + this.#code.length + HALT.length > RESET_VECTOR)
      throw new RangeError('the program does not fit');
    image.set(ENTER, 0);
    image.set(GDT, GDT_AT);
    image.set([...this.#code, ...HALT], PROGRAM_AT);
    image.set([0xea, ...word(0), ...word(IMAGE_BASE >> 4)], RESET_VECTOR); // jmp f000:0000
    return image;
  }
}

// SPDX-License-Identifier: MIT
// Builds A64 source piece by piece, with the texts that its instructions name.

/**
 * The lowest bit of a field in its 32-bit word. A field: word in [23:16], lowest bit in
 * [15:8], width in [7:0].
 */
export const shiftOf = (field: number): number => (field >> 8) & 0xff;

/** A value at a field's place in the 64-bit words of a structure. */
export function inField(field: number, value: bigint | number): bigint {
  const word = field >> 16;
  return BigInt(value) << BigInt(32 * (word % 2) + shiftOf(field));
}

export class A64Source {
  readonly #texts = new Map<string, string>();
  #labels = 0;

  /** Label of a text that ends with a zero. */
  text(text: string): string {
    const label = this.#texts.get(text) ?? `text${this.#texts.size}`;
    this.#texts.set(text, label);
    return label;
  }

  /** A new, unique label. */
  label(): string {
    return `at${this.#labels++}`;
  }

  /** All texts. */
  data(): string {
    return [...this.#texts]
      .map(([text, label]) => `${label}: .asciz ${JSON.stringify(text)}`)
      .join('\n');
  }

  /** Puts a number into a register. */
  move(register: string, value: bigint | number): string {
    const width = register.startsWith('w') ? 32n : 64n;
    const bits = BigInt.asUintN(Number(width), BigInt(value));
    const lines = [`movz ${register}, #${bits & 0xffffn}`];
    for (let shift = 16n; shift < width; shift += 16n) {
      const part = (bits >> shift) & 0xffffn;
      if (part !== 0n) lines.push(`movk ${register}, #${part}, lsl #${shift}`);
    }
    return lines.join('\n');
  }

  /** Stores a 32-bit number at an offset of a base; changes w8. */
  set32(base: string, offset: number, value: bigint | number): string {
    return `${this.move('w8', value)}\n${this.#access('str', 'w8', base, offset, 4)}`;
  }

  /** Stores a 64-bit number at an offset of a base; changes x8. */
  set64(base: string, offset: number, value: bigint | number): string {
    return `${this.move('x8', value)}\n${this.#access('str', 'x8', base, offset, 8)}`;
  }

  /** Loads a 32-bit register of a device. */
  get32(register: string, base: string, offset: number): string {
    return this.#access('ldr', register, base, offset, 4);
  }

  /** Stores a 32-bit register. */
  put32(register: string, base: string, offset: number): string {
    return this.#access('str', register, base, offset, 4);
  }

  /** Larger offsets than 12 bits in units of the size go through x9. */
  #access(name: string, register: string, base: string, offset: number, size: number): string {
    if (offset < 4096 * size) return `${name} ${register}, [${base}, #${offset}]`;
    return `${this.move('x9', offset)}\nadd x9, ${base}, x9\n${name} ${register}, [x9]`;
  }

  /** Stores words at a fixed address. */
  fill64(address: number, words: readonly (bigint | number)[]): string {
    return [
      this.move('x10', address),
      ...words.map((word, i) => this.set64('x10', 8 * i, word)),
    ].join('\n');
  }

  /** Appends to the detail of the next check. */
  say(text: string): string {
    return `adr x0, ${this.text(text)}\nbl put_text`;
  }

  /** Appends the number in a register, which must not be one of x0 to x8. */
  sayNumber(register: string, base: 10 | 16): string {
    const wide = register.replace('w', 'x');
    const copy = register.startsWith('w') ? `mov w0, ${register}` : `mov x0, ${wide}`;
    return `${copy}\nbl ${base === 16 ? 'put_hex' : 'put_decimal'}`;
  }

  /** Reports a check: register w1 says whether it passed. */
  check(name: string): string {
    return `adr x0, ${this.text(name)}\nbl check`;
  }

  /** A check that later steps depend on: if it fails, the toy skips to its end. */
  need(name: string): string {
    return `${this.check(name)}\ncbz w0, power_off`;
  }

  title(step: number, text: string): string {
    return `adr x0, ${this.text(`[${String(step).padStart(2)}] ${text}\n`)}\nbl print`;
  }
}

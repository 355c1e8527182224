// SPDX-License-Identifier: MIT
// MSI-X (PCIe 5.0, sections 6.1.4 and 7.7.2): a table of messages, and an array of
// pending bits. Both are in their own page, mapped by a BAR.

import { isWord, type MmioAccess } from '../plugin/index.ts';
import type { CapabilitySpec } from './configuration-space.ts';
import { MSIX_ENABLE, MSIX_FUNCTION_MASK, PCI_CAP_MSIX } from './pcie-registers.ts';

/** Size in bytes of the region with table and pending bits. */
export const MSIX_REGION_SIZE = 0x1000;
const PENDING_AT = 0x800;
const ENTRY_WORDS = 4;
/** Number of entries that fit in the page. */
const MOST_VECTORS = PENDING_AT / (4 * ENTRY_WORDS);
const [ADDRESS, ADDRESS_HIGH, DATA, CONTROL] = [0, 1, 2, 3];
const MASKED = 1;
/** Writable bits of an entry's words. The address is that of an aligned word. */
const WRITABLE = [0xfffffffc, 0xffffffff, 0xffffffff, MASKED];
const NAMES = ['ADDRESS', 'ADDRESS_HIGH', 'DATA', 'CONTROL'];

/** @param bar the BAR that maps the page. */
export function msixCapability(vectors: number, bar: number): CapabilitySpec {
  return {
    name: 'MSIX',
    id: PCI_CAP_MSIX,
    size: 12,
    reset: (vectors - 1) * 0x10000,
    writable: MSIX_ENABLE + MSIX_FUNCTION_MASK,
    registers: [
      { name: 'MSIX_TABLE', offset: 4, reset: bar },
      { name: 'MSIX_PBA', offset: 8, reset: PENDING_AT + bar },
    ],
  };
}

/** Plain data of a table. */
export type MsixState = { readonly table: number[]; readonly pending: number[] };

/** Table and pending bits of a function. */
export class MsixTable {
  readonly vectors: number;
  readonly #table: Uint32Array;
  readonly #pending: Uint32Array;
  readonly #send: (address: number, data: number) => boolean;
  /** First word of the capability. */
  readonly #control: () => number;

  /**
   * @param control first word of the function's MSI-X capability.
   * @param send sends a message, which may be lost; false when the function must not send
   *   one now, and it stays pending (`sendPending`).
   */
  constructor(
    vectors: number,
    control: () => number,
    send: (address: number, data: number) => boolean,
  ) {
    if (!Number.isInteger(vectors) || vectors < 1 || vectors > MOST_VECTORS)
      throw new RangeError(
        `PcieEndpoint: vectors must be an integer from 1 to ${MOST_VECTORS}, not ${vectors}`,
      );
    this.vectors = vectors;
    this.#control = control;
    this.#send = send;
    this.#table = new Uint32Array(vectors * ENTRY_WORDS);
    this.#pending = new Uint32Array(Math.ceil(vectors / 64) * 2);
    this.reset();
  }

  reset(): void {
    this.clearPending();
    this.#table.forEach((_, i) => {
      this.#table[i] = i % ENTRY_WORDS === CONTROL ? MASKED : 0;
    });
  }

  /**
   * Forgets pending messages: software has reset what they would report, so that they
   * would be spurious once it unmasks their vectors (section 6.1.4).
   */
  clearPending(): void {
    this.#pending.fill(0);
  }

  get isEnabled(): boolean {
    return (this.#control() & MSIX_ENABLE) !== 0;
  }

  #isMasked(vector: number): boolean {
    const control = this.#table[vector * ENTRY_WORDS + CONTROL] ?? MASKED;
    return (control & MASKED) !== 0 || (this.#control() & MSIX_FUNCTION_MASK) !== 0;
  }

  /**
   * Raises a vector: sent at once, or when it is unmasked and the function is a bus
   * master. No effect while MSI-X is off.
   */
  raise(vector: number): void {
    if (vector >= this.vectors || !this.isEnabled) return;
    if (this.#isMasked(vector)) this.#setPending(vector, true);
    else this.#sendMessage(vector);
  }

  #sendMessage(vector: number): void {
    const entry = vector * ENTRY_WORDS;
    const high = this.#table[entry + ADDRESS_HIGH] ?? 0;
    const address = high * 2 ** 32 + (this.#table[entry + ADDRESS] ?? 0);
    this.#setPending(vector, false);
    // Higher addresses cannot be expressed by a DMA port, and are not memory.
    if (!Number.isSafeInteger(address + 4)) return;
    if (!this.#send(address, this.#table[entry + DATA] ?? 0)) this.#setPending(vector, true);
  }

  #setPending(vector: number, pending: boolean): void {
    const bit = 2 ** (vector % 32);
    const word = this.#pending[vector >> 5] ?? 0;
    this.#pending[vector >> 5] = pending ? word | bit : word & ~bit;
  }

  /**
   * Sends pending messages that nothing holds back any more: called after a write of a
   * mask, and when the function has become a bus master.
   */
  sendPending(): void {
    if (!this.isEnabled) return;
    for (let vector = 0; vector < this.vectors; vector++) {
      const isPending = ((this.#pending[vector >> 5] ?? 0) >>> (vector & 31)) & 1;
      if (isPending && !this.#isMasked(vector)) this.#sendMessage(vector);
    }
  }

  #word(offset: number): number {
    if (offset >= PENDING_AT) return this.#pending[(offset - PENDING_AT) >> 2] ?? 0;
    return this.#table[offset >> 2] ?? 0;
  }

  /** A 4- or 8-byte read of the page. */
  read(access: MmioAccess): void {
    access.lo = this.#word(access.offset);
    access.hi = access.size === 8 ? this.#word(access.offset + 4) : 0;
  }

  /** A 4- or 8-byte write of the page; pending bits are read-only. */
  write({ offset, size, lo, hi }: MmioAccess): void {
    this.#writeWord(offset, lo);
    if (size === 8) this.#writeWord(offset + 4, hi);
    this.sendPending();
  }

  #writeWord(offset: number, value: number): void {
    const index = offset >> 2;
    if (index < this.#table.length)
      this.#table[index] = value & (WRITABLE[index % ENTRY_WORDS] ?? 0);
  }

  save(): MsixState {
    return { table: [...this.#table], pending: [...this.#pending] };
  }

  /**
   * Checks a saved state.
   * @returns a function that restores it.
   * @throws {TypeError} when it does not belong to such a table.
   */
  prepareRestore(state: unknown): () => void {
    const { table, pending, ...rest } = (state ?? {}) as Partial<MsixState>;
    const fits = (words: unknown, like: Uint32Array): words is number[] =>
      Array.isArray(words) && words.length === like.length && words.every(isWord);
    if (!fits(table, this.#table) || !fits(pending, this.#pending) || Object.keys(rest).length > 0)
      throw new TypeError('the state is not of this table of MSI-X');
    return () => {
      table.forEach((word, i) => {
        this.#table[i] = word & (WRITABLE[i % ENTRY_WORDS] ?? 0);
      });
      this.#pending.set(pending);
    };
  }

  /** Name of the word at an offset; undefined when there is none. */
  nameAt(offset: number): string | undefined {
    const index = offset >> 2;
    if (index < this.#table.length)
      return `MSIX(${Math.floor(index / ENTRY_WORDS)})_${NAMES[index % ENTRY_WORDS]}`;
    const pending = (offset - PENDING_AT) >> 2;
    return pending >= 0 && pending < this.#pending.length ? `MSIX_PENDING(${pending})` : undefined;
  }
}

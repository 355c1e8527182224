// The exit counter: every time that control leaves a guest's Wasm for JavaScript, by vCPU, kind and register.

import { ABI_AT_EXITS, ABI_AT_INVALIDATING, ABI_AT_VCPU_EXITS, ABI_AT_VCPU_INVALIDATING } from '../../assembly/layout/guest-abi.ts';
import type { BusMount, RegisterCounter } from './bus.ts';

export const EXIT_KINDS = ['mmio', 'wasi', 'wait', 'clock'] as const;
export type ExitKind = (typeof EXIT_KINDS)[number];

/** Counts as plain data. */
export interface ExitStatistics {
  readonly total: number;
  readonly byKind: Readonly<Record<ExitKind, number>>;
  /** MMIO exits by "device.REGISTER". */
  readonly byRegister: Readonly<Record<string, number>>;
  readonly byVcpu: readonly number[];
  /** Exits while the guest's ABI_AT_INVALIDATING was set: between a batch's first doorbell and its last completion. */
  readonly duringInvalidation: number;
}

/** Registers are counted in pages of 4 KiB, allocated when first touched. */
const PAGE_SHIFT = 12;
const PAGE_WORDS = 1 << (PAGE_SHIFT - 2);

export class ExitCounter implements RegisterCounter {
  readonly #counts: Float64Array;
  readonly #registers: Float64Array[][] = [];
  readonly #info: Int32Array;
  #total = 0;
  #duringInvalidation = 0;

  /** `memory` is the guest's: its info page mirrors the total. */
  constructor(memory: WebAssembly.Memory, vcpus: number) {
    this.#counts = new Float64Array(vcpus * EXIT_KINDS.length);
    this.#info = new Int32Array(memory.buffer, 0, PAGE_WORDS);
  }

  /** Counts one exit; `kind` is an index into EXIT_KINDS. */
  count(vcpu: number, kind: number): void {
    const slot = vcpu * EXIT_KINDS.length + kind;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
    this.#total++;
    const info = this.#info;
    info[ABI_AT_EXITS >> 2] = this.#total | 0;
    const own = (ABI_AT_VCPU_EXITS >> 2) + vcpu;
    info[own] = (info[own] ?? 0) + 1;
    if (info[vcpu === 0 ? ABI_AT_INVALIDATING >> 2 : (ABI_AT_VCPU_INVALIDATING >> 2) + vcpu] !== 0) this.#duringInvalidation++;
  }

  countRegister(mount: number, offset: number): void {
    this.#registers[mount] ??= [];
    const pages = this.#registers[mount];
    pages[offset >>> PAGE_SHIFT] ??= new Float64Array(PAGE_WORDS);
    const page = pages[offset >>> PAGE_SHIFT];
    const word = (offset >>> 2) & (PAGE_WORDS - 1);
    if (page) page[word] = (page[word] ?? 0) + 1;
  }

  get total(): number {
    return this.#total;
  }

  get duringInvalidation(): number {
    return this.#duringInvalidation;
  }

  /** `mounts` are those of the bus that this counter counts for. */
  statistics(mounts: readonly BusMount[]): ExitStatistics {
    const sums = EXIT_KINDS.map((_, kind) => this.#sum((slot) => slot % EXIT_KINDS.length === kind));
    const byRegister: Record<string, number> = {};
    this.#registers.forEach((pages, mount) => {
      const at = mounts[mount];
      pages.forEach((page, index) => {
        page.forEach((count, word) => {
          if (count === 0 || !at) return;
          const name = `${at.device.name}.${at.device.registerName(at.region, (index << PAGE_SHIFT) + 4 * word)}`;
          byRegister[name] = (byRegister[name] ?? 0) + count;
        });
      });
    });
    return {
      total: this.#total,
      byKind: Object.fromEntries(EXIT_KINDS.map((kind, i) => [kind, sums[i] ?? 0])) as Record<ExitKind, number>,
      byRegister,
      byVcpu: Array.from({ length: this.#counts.length / EXIT_KINDS.length }, (_, vcpu) =>
        this.#sum((slot) => Math.floor(slot / EXIT_KINDS.length) === vcpu),
      ),
      duringInvalidation: this.#duringInvalidation,
    };
  }

  #sum(wanted: (slot: number) => boolean): number {
    return this.#counts.reduce((sum, count, slot) => (wanted(slot) ? sum + count : sum), 0);
  }
}

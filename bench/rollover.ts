// SPDX-License-Identifier: MIT
// How often TLBs are emptied when the numbers in their tags are used up: by the eager
// scheme of KVM's VMIDs, and by the deferred one of the arm64 kernel's ASIDs. It counts
// and does not time: many contexts (VMs, processes) on several processors, with the same
// switches for both.

import { VmidAllocator, type VmidHolder } from '../host/kernel/vmid-allocator.ts';

/** `none`: the result without a flush. */
export type FlushScheme = 'eager' | 'deferred' | 'none';

export interface RolloverCase {
  readonly bits: 8 | 16;
  readonly contexts: number;
  readonly processors: number;
  /** Processors that switch contexts; the others keep running their first one. */
  readonly switching: number;
  readonly switches: number;
}

export interface SchemeCounts {
  /**
   * One broadcast (TLBI ALLE1IS) for all processors, or one TLBI of a processor for
   * itself.
   */
  readonly flushes: number;
  /** TLBs that these flushes emptied. */
  readonly emptied: number;
  /** Those of them whose processor continues with the same context and number. */
  readonly underRunning: number;
  /**
   * Switches to a number that a processor's TLB had from another context: anything but 0
   * mixes up translations.
   */
  readonly stale: number;
}

export interface RolloverRow extends RolloverCase {
  /** Generations after the first. */
  readonly rollovers: number;
  readonly eager: SchemeCounts;
  readonly deferred: SchemeCounts;
}

/** The processors of a case under one scheme. */
class Processors {
  readonly #scheme: FlushScheme;
  readonly #allocator: VmidAllocator;
  readonly #contexts: readonly VmidHolder[];
  /** By processor: the owners of its TLB's translations, by number. */
  readonly #tlbs: readonly Map<number, number>[];
  readonly #running: (number | undefined)[];
  readonly #pending = new Set<number>();
  #flushes = 0;
  #emptied = 0;
  #underRunning = 0;
  #stale = 0;

  constructor({ bits, contexts, processors }: RolloverCase, scheme: FlushScheme) {
    this.#scheme = scheme;
    this.#tlbs = Array.from({ length: processors }, () => new Map());
    this.#running = this.#tlbs.map(() => undefined);
    this.#contexts = Array.from({ length: contexts }, () => VmidAllocator.holder());
    this.#allocator = new VmidAllocator({ bits, cpus: processors, flush: () => this.#rollOver() });
  }

  get rollovers(): number {
    return this.#allocator.generation - 1;
  }

  get counts(): SchemeCounts {
    return {
      flushes: this.#flushes,
      emptied: this.#emptied,
      underRunning: this.#underRunning,
      stale: this.#stale,
    };
  }

  #empty(processor: number): void {
    this.#tlbs[processor]?.clear();
    this.#emptied++;
  }

  #rollOver(): void {
    // flush_context of arch/arm64/mm/context.c: each processor empties its own TLB at its
    // next switch.
    if (this.#scheme === 'deferred') for (const cpu of this.#tlbs.keys()) this.#pending.add(cpu);
    if (this.#scheme !== 'eager') return;
    this.#flushes++;
    for (const cpu of this.#tlbs.keys()) {
      this.#empty(cpu);
      if (this.#running[cpu] !== undefined) this.#underRunning++;
    }
  }

  /** Switches a processor to another context. */
  switchTo(processor: number, context: number): void {
    const holder = this.#contexts[context];
    const tlb = this.#tlbs[processor];
    if (!holder || !tlb) throw new RangeError('there is no such processor, or context');
    this.#running[processor] = undefined;
    const number = this.#allocator.load(processor, holder);
    if (this.#pending.delete(processor)) {
      this.#flushes++;
      this.#empty(processor);
    }
    if ((tlb.get(number) ?? context) !== context) this.#stale++;
    tlb.set(number, context);
    this.#running[processor] = context;
  }
}

/**
 * Pseudo-random numbers from 0 to below `limit`, always the same sequence (Numerical
 * Recipes' LCG).
 */
function numbers(): (limit: number) => number {
  let state = 1;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Runs a case under a scheme. */
export function runScheme(
  given: RolloverCase,
  scheme: FlushScheme,
): { readonly rollovers: number; readonly counts: SchemeCounts } {
  const { contexts, processors, switching, switches } = given;
  const all = new Processors(given, scheme);
  const random = numbers();
  for (let cpu = 0; cpu < processors; cpu++) all.switchTo(cpu, cpu % contexts);
  for (let i = 0; i < switches; i++) all.switchTo(random(switching), random(contexts));
  return { rollovers: all.rollovers, counts: all.counts };
}

const CASES: readonly RolloverCase[] = [
  { bits: 16, contexts: 1000, processors: 64, switching: 64, switches: 200_000 },
  { bits: 8, contexts: 1000, processors: 64, switching: 64, switches: 200_000 },
  { bits: 8, contexts: 1000, processors: 64, switching: 4, switches: 200_000 },
  { bits: 8, contexts: 200, processors: 64, switching: 64, switches: 200_000 },
  { bits: 16, contexts: 100_000, processors: 64, switching: 64, switches: 1_000_000 },
];

/** Runs every case under both schemes. */
export function measureRollover(): readonly RolloverRow[] {
  return CASES.map((given) => {
    const [eager, deferred] = [runScheme(given, 'eager'), runScheme(given, 'deferred')];
    return {
      ...given,
      rollovers: eager.rollovers,
      eager: eager.counts,
      deferred: deferred.counts,
    };
  });
}

// SPDX-License-Identifier: MIT
// The registers that a region has to load at its entries, and to store at its exits.

import { type Effects, NO_REGISTERS, type Registers } from './register-code.ts';

/** What is known at the start of a block. */
export interface Liveness {
  /**
   * Registers that may have been written since the region was entered: an exit stores
   * them.
   */
  readonly changed: ReadonlyMap<number, Registers>;
  /** Registers that are read or stored: an entry here loads them. */
  readonly needed: ReadonlyMap<number, Registers>;
}

/** Repeats `update` for all blocks until nothing changes any more. */
function untilStable(starts: readonly number[], update: (start: number) => boolean): void {
  for (let changes = true; changes; ) {
    changes = false;
    for (const start of starts) if (update(start)) changes = true;
  }
}

/** @param blocks their effects and successors, by their start. */
export function liveness(
  blocks: ReadonlyMap<number, Effects & { readonly successors: readonly number[] }>,
): Liveness {
  const starts = [...blocks.keys()];
  const changed = new Map<number, Registers>();
  const needed = new Map<number, Registers>();
  const merge = (into: Map<number, Registers>, start: number, more: Registers): boolean => {
    const before = into.get(start) ?? NO_REGISTERS;
    into.set(start, before | more);
    return (before | more) !== before;
  };
  untilStable(starts, (start) => {
    const block = blocks.get(start);
    if (!block) return false;
    const after = (changed.get(start) ?? NO_REGISTERS) | block.writes;
    return block.successors.map((to) => merge(changed, to, after)).includes(true);
  });
  untilStable(starts.reverse(), (start) => {
    const block = blocks.get(start);
    if (!block) return false;
    const after = block.successors.reduce(
      (all, to) => all | (needed.get(to) ?? NO_REGISTERS),
      NO_REGISTERS,
    );
    const before = block.reads | (changed.get(start) ?? NO_REGISTERS) | (after & ~block.writes);
    return merge(needed, start, before);
  });
  return { changed, needed };
}

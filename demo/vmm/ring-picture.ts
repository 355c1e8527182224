// SPDX-License-Identifier: MIT
// The entries of a command ring around CONS: the positions of PROD and CONS, and the
// state of each entry.

import type { EntryPicture } from '../protocol.ts';

/** Number of entries of a ring that are shown, and number of those before CONS. */
const SHOWN = 8;
const BEFORE = 5;

export interface Ring {
  readonly size: number;
  /** Index and wrap bit. */
  readonly prod: number;
  readonly cons: number;
  /** Entries consumed since the queue was enabled. */
  readonly consumed: number;
  /** Entries from PROD on that are known to be written in this lap. Default 0. */
  readonly written?: number;
}

/** A command in the form for the page. */
export type CommandPicture = Pick<EntryPicture, 'name' | 'operands' | 'summary'>;

function stateOf(ahead: number, pending: number, ring: Ring): EntryPicture['state'] {
  const { size, consumed, written = 0 } = ring;
  if (ahead >= 0 && ahead < pending) return ahead === 0 ? 'next' : 'pending';
  if (ahead < 0) return consumed + ahead >= 0 ? 'done' : 'empty';
  if (ahead < pending + written) return 'written';
  return consumed + ahead >= size ? 'earlier' : 'written';
}

/** @param read words of a slot; undefined when they are outside the guest's memory. */
export function ringEntries(
  ring: Ring,
  read: (slot: number) => Uint32Array | undefined,
  decode: (words: Uint32Array) => CommandPicture,
): EntryPicture[] {
  const { size, prod, cons } = ring;
  const pending = (prod - cons + 2 * size) % (2 * size);
  return Array.from({ length: Math.min(SHOWN, size) }, (_, i): EntryPicture => {
    const ahead = i - Math.min(BEFORE, size - 1);
    const slot = (cons + ahead + 2 * size) % size;
    const isProd = ahead === pending;
    const at = ahead === 0 ? (isProd ? 'both' : 'CONS') : isProd ? 'PROD' : '';
    const words = read(slot);
    const found = stateOf(ahead, pending, ring);
    const isBlank = !words?.some((word) => word !== 0);
    const state = found === 'written' && isBlank ? 'empty' : found;
    const shown =
      words && state !== 'empty' ? decode(words) : { name: '', operands: '', summary: '' };
    return { slot, state, at, ...shown };
  });
}

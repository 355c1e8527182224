// SPDX-License-Identifier: MIT
// The entries of a command ring around CONS: where PROD and CONS are, and what becomes of each.

import type { EntryPicture } from '../protocol.ts';

/** Entries of a ring that are shown, and how many of them lie before CONS. */
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

/** A command as the page names it. */
export type CommandPicture = Pick<EntryPicture, 'name' | 'operands' | 'summary'>;

function stateOf(ahead: number, pending: number, ring: Ring): EntryPicture['state'] {
  const { size, consumed, written = 0 } = ring;
  if (ahead >= 0 && ahead < pending) return ahead === 0 ? 'next' : 'pending';
  if (ahead < 0) return consumed + ahead >= 0 ? 'done' : 'empty';
  if (ahead < pending + written) return 'written';
  return consumed + ahead >= size ? 'earlier' : 'written';
}

/** @param read words of a slot; undefined where they lie outside of the guest's memory. */
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

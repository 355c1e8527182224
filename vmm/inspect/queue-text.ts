// SPDX-License-Identifier: MIT
// A command queue as one line of text.

import type { QueueInspection } from './host-inspection.ts';

/** Index and wrap bit of PROD or CONS in a ring. */
function place(value: number, entries: number): string {
  return entries === 0
    ? `0x${value.toString(16)}`
    : `${value % entries}${value & entries ? ' wrapped' : ''}`;
}

/** The queue, PROD and CONS, and whether it has stopped. */
export function queueText(queue: QueueInspection): string {
  const { name, kind, entries, prod, cons, state, error } = queue;
  const ring = entries === 0 ? 'no ring' : `${entries} entries`;
  const stopped = error ? `, CERROR ${error}` : '';
  const where = `PROD ${place(prod, entries)}, CONS ${place(cons, entries)}`;
  return `${name} (${kind}): ${ring}, ${where}, ${state}${stopped}`;
}

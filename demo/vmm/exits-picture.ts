// SPDX-License-Identifier: MIT
// Exits of a machine by reason. Its rows, and the readings of the clock that this page
// causes, add up to all exits.

import type { Machine } from 'vsmmu';
import type { ExitRow, VmPicture } from '../protocol.ts';

/** Number of registers with their own row. */
const SHOWN = 6;

/** Name of the row of the system interface. */
export const WASI_ROW = 'WASI';

const KINDS = {
  wasi: [WASI_ROW, 'calls of the system interface: reading arguments and random numbers, writing'],
  wait: ['wait and start', 'waits for an interrupt or another vCPU, and starts of vCPUs'],
  clock: ['clock', 'looks at the clock'],
} as const;

const row = (name: string, count: number, explains: string): ExitRow => ({ name, count, explains });

/**
 * @param isToy the toy reads the clock for nothing but the figures of this page, on each
 *   of its vCPUs.
 */
export function exitsPicture(
  { statistics }: Pick<Machine, 'statistics'>,
  isToy: boolean,
): VmPicture['exits'] {
  const { exits } = statistics;
  const { total, byKind, duringDirect, duringInvalidation } = exits;
  const measuring = isToy ? byKind.clock : 0;
  const registers = Object.entries(exits.byRegister).sort(([, a], [, b]) => b - a);
  const shown = registers.slice(0, SHOWN);
  const others = byKind.mmio - shown.reduce((sum, [, count]) => sum + count, 0);
  const more = registers.length - shown.length;
  return {
    total,
    duringDirect,
    duringCmdq: duringInvalidation - duringDirect,
    measuring,
    rows: [
      ...shown.map(([name, count]) => row(name, count, 'accesses to this register')),
      row('other registers', others, `accesses to ${more} registers that have no row here`),
      ...Object.entries(KINDS).map(([kind, [name, explains]]) =>
        row(
          name,
          byKind[kind as keyof typeof KINDS] - (kind === 'clock' ? measuring : 0),
          explains,
        ),
      ),
    ],
  };
}

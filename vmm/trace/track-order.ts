// SPDX-License-Identifier: MIT
// Display order of processes and tracks: machines by name, the host last; in a machine
// first its vCPUs, then its queues, then the SMMU's work for its devices, then the
// devices.

import { HOST } from './trace-record.ts';

const ORDER = [
  /^missing$/,
  /^vCPU /,
  /^thread /,
  /CMDQ/,
  /queue/,
  /^smmu/,
  /^StreamID /,
  /^IOTLB/,
] as const;

const natural = new Intl.Collator('en', { numeric: true });

function rank(track: string): number {
  const found = ORDER.findIndex((pattern) => pattern.test(track));
  return found < 0 ? ORDER.length : found;
}

/** Compares two processes by name. */
export function compareProcesses(a: string, b: string): number {
  return Number(a === HOST) - Number(b === HOST) || natural.compare(a, b);
}

/** Compares two tracks of one process by name. */
export function compareTracks(a: string, b: string): number {
  return rank(a) - rank(b) || natural.compare(a, b);
}

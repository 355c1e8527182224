// SPDX-License-Identifier: MIT
// One thing that happened, as `Trace.read` gives it and `chromeTrace` takes it.

/** The process of what belongs to no machine. */
export const HOST = 'host';

/**
 * Something that happened, on a track of a process: a machine is a process, a vCPU, a
 * queue, a device a track of it.
 */
export interface TraceRecord {
  readonly process: string;
  readonly track: string;
  readonly name: string;
  /** Milliseconds on the host's clock. */
  readonly at: number;
  /** How long it took; absent for what has no length. */
  readonly ms?: number;
  readonly details: Readonly<Record<string, number | string | boolean>>;
}

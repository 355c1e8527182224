// SPDX-License-Identifier: MIT
// One event, as returned by `Trace.read` and accepted by `chromeTrace`.

/** The process of records that belong to no machine. */
export const HOST = 'host';

/**
 * An event on a track of a process: a machine is a process, and a vCPU, a queue or a
 * device is a track of it.
 */
export interface TraceRecord {
  readonly process: string;
  readonly track: string;
  readonly name: string;
  /** Milliseconds on the host's clock. */
  readonly at: number;
  /** Its duration; absent for an instant. */
  readonly ms?: number;
  readonly details: Readonly<Record<string, number | string | boolean>>;
}

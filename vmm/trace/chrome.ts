// Chrome's trace event format ("JSON Object Format"), which chrome://tracing, Perfetto and Speedscope open.

import type { HostInspection } from '../inspect/index.ts';
import type { TraceRecord } from './trace.ts';

/** Version of the trace file format: `otherData.formatVersion`. A file without one is of version 1. */
export const TRACE_FORMAT_VERSION = 1;

/** One event of the format. Times are in microseconds. */
export interface ChromeEvent {
  readonly name: string;
  /** X: with a length. i: an instant. M: metadata. */
  readonly ph: 'X' | 'i' | 'M';
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  /** Scope of an instant: its thread. */
  readonly s?: 't';
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A whole file. */
export interface ChromeTrace {
  readonly traceEvents: readonly ChromeEvent[];
  readonly displayTimeUnit: 'ns';
  readonly otherData: {
    readonly producer: string;
    /** TRACE_FORMAT_VERSION of its writer. */
    readonly formatVersion: number;
    readonly lost: number;
    /** The host's objects at the end: `vsmmu inspect`. */
    readonly host?: HostInspection;
  };
}

/**
 * Makes a file of a trace.
 * @param lost how many records are missing.
 * @param host what `Host.inspect` has shown.
 */
export function chromeTrace(
  records: readonly TraceRecord[],
  lost = 0,
  host?: HostInspection,
): ChromeTrace {
  const processes = new Map<string, number>();
  const tracks = new Map<string, number>();
  const names: ChromeEvent[] = [];
  // Numbers in the order in which names are met, each announced once.
  const numberOf = (
    numbers: Map<string, number>,
    key: string,
    announce: (number: number) => ChromeEvent,
  ) => {
    let number = numbers.get(key);
    if (number === undefined) {
      number = numbers.size + 1;
      numbers.set(key, number);
      names.push(announce(number));
    }
    return number;
  };
  const events = records.map(({ process, track, name, at, ms, details }): ChromeEvent => {
    const pid = numberOf(processes, process, (number) => ({
      name: 'process_name',
      ph: 'M',
      pid: number,
      tid: 0,
      args: { name: process },
    }));
    const tid = numberOf(tracks, `${process}\0${track}`, (number) => ({
      name: 'thread_name',
      ph: 'M',
      pid,
      tid: number,
      args: { name: track },
    }));
    const common = { name, pid, tid, ts: at * 1000, args: details };
    return ms === undefined
      ? { ...common, ph: 'i', s: 't' }
      : { ...common, ph: 'X', dur: ms * 1000 };
  });
  return {
    traceEvents: [...names, ...events],
    displayTimeUnit: 'ns',
    otherData: {
      producer: 'vsmmu',
      formatVersion: TRACE_FORMAT_VERSION,
      lost,
      ...(host && { host }),
    },
  };
}

// SPDX-License-Identifier: MIT
// Long tasks of a page's thread, as reported by the page's own PerformanceObserver, each
// with its processor time from the browser's trace. On a busy computer other programs
// prolong a task, but not its processor time.

import type { Page } from 'playwright-core';

export interface LongTask {
  /** Reported by the PerformanceObserver: 50 ms or more. */
  readonly durationMs: number;
  /** Of the thread, during the task. */
  readonly processorMs: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds; `tdur` is processor time. */
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
}

interface Entry {
  readonly startTime: number;
  readonly duration: number;
}

const ORIGIN = 'tests-origin';
const CATEGORIES = ['disabled-by-default-devtools.timeline', 'blink.user_timing'];
/** The two clocks are not read at the same instant. */
const APART_MS = 5;

/** Long tasks of the page during `work`. */
export async function longTasks(page: Page, work: () => Promise<void>): Promise<LongTask[]> {
  const browser = page.context().browser();
  if (!browser) throw new Error('the page has no browser');
  await browser.startTracing(page, { categories: CATEGORIES });
  const origin = await page.evaluate((name) => {
    const seen: Entry[] = [];
    const take = (entries: PerformanceEntryList) => {
      for (const { startTime, duration } of entries) seen.push({ startTime, duration });
    };
    const observer = new PerformanceObserver((list) => take(list.getEntries()));
    observer.observe({ type: 'longtask' });
    Object.assign(globalThis, {
      seenTasks: () => {
        take(observer.takeRecords());
        return seen;
      },
    });
    return performance.mark(name).startTime;
  }, ORIGIN);
  await work();
  const entries = await page.evaluate(() =>
    (globalThis as unknown as { seenTasks(): Entry[] }).seenTasks(),
  );
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    readonly traceEvents: readonly TraceEvent[];
  };
  const mark = traceEvents.find(({ name }) => name === ORIGIN);
  if (!mark) throw new Error('the trace has no mark of the page');
  const tasks = traceEvents.filter(
    ({ name, ph, pid, tid }) =>
      name === 'RunTask' && ph === 'X' && pid === mark.pid && tid === mark.tid,
  );
  return entries.map(({ startTime, duration }) => {
    const apart = ({ ts }: TraceEvent) => Math.abs((ts - mark.ts) / 1000 - (startTime - origin));
    const task = tasks.find(
      (one) => apart(one) < APART_MS && Math.abs((one.dur ?? 0) / 1000 - duration) < APART_MS,
    );
    // One that is missing in the trace counts in full.
    return { durationMs: duration, processorMs: (task?.tdur ?? duration * 1000) / 1000 };
  });
}

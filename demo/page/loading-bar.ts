// SPDX-License-Identifier: MIT
// The bar that is shown until the first picture: the loaded part of the page.

/** Set when the worker's program is loaded, which is most of it. */
export const WORKER_THERE = 'worker-there';

/**
 * Shares of all bytes until the first picture, roughly: the page's program, and with it
 * the worker's.
 */
const PAGE_PART = 0.25;
const WORKER_PART = 0.8;

/** Shows on the bar what is loaded, from now on. */
export function fillLoadingBar(): void {
  const bar = document.querySelector<HTMLProgressElement>('.loading progress');
  if (!bar) return;
  bar.value = PAGE_PART;
  const observer = new PerformanceObserver((list) => {
    if (list.getEntriesByName(WORKER_THERE).length === 0) return;
    bar.value = WORKER_PART;
    observer.disconnect();
  });
  observer.observe({ type: 'mark', buffered: true });
}

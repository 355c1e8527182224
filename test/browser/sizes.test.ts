// SPDX-License-Identifier: MIT
// The page in windows of different sizes, in both themes.

import { describe, expect, it } from 'vitest';
import { DESKTOP, LAPTOP, PHONE } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

/** What Chromium reports of each. */
interface LayoutShift extends PerformanceEntry {
  readonly value: number;
  readonly sources: readonly { readonly node?: Node }[];
}

const { open } = useDemo({ motion: true });

describe('the page', () => {
  it.each([
    ['laptop', LAPTOP, 'dark', 'light'],
    ['phone', PHONE, 'light', 'dark'],
    ['desktop', DESKTOP, 'dark', 'light'],
  ] as const)('fits a %s, and does not jump', async (name, viewport, first, second) => {
    const demo = await open('', { viewport, colorScheme: first });
    const { page } = demo;
    await demo.traced(3);
    await page.emulateMedia({ colorScheme: second });
    const shifts = await page.evaluate(
      () =>
        new Promise<string[]>((resolve) => {
          const found: string[] = [];
          // Since the page was opened.
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries() as LayoutShift[]) {
              // A number that is right-aligned and grows by a digit.
              if (entry.value < 0.003) continue;
              found.push(
                `${entry.value}: ${entry.sources.map(({ node }) => (node as Element | null)?.outerHTML?.slice(0, 120)).join('; ')}`,
              );
            }
          }).observe({ type: 'layout-shift', buffered: true });
          setTimeout(() => resolve(found), 1500);
        }),
    );
    expect(shifts).toEqual([]);
    await demo.shot(`${name}-${second}`);
    await page.emulateMedia({ colorScheme: first });
    await demo.shot(`${name}-${first}`);
  });
});

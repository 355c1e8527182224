// For each file of tests in the browser: a browser, servers of the demo, and the page of the test under way.

import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { startChromium } from '../support/browser.ts';
import { type Site, serve } from '../support/demo-site.ts';
import { DemoPage, type OpenOptions } from './demo-page.ts';

export interface DemoOptions extends OpenOptions {
  /** Where the page comes from, instead of a host that isolates it. */
  readonly url?: string;
}

export interface Demo {
  /** Opens the demo; what the page complains about fails the test when it ends. */
  readonly open: (query: string, options?: DemoOptions) => Promise<DemoPage>;
}

export function useDemo(): Demo {
  let browser: Browser | undefined;
  let isolating: Site | undefined;
  let open: DemoPage[] = [];

  beforeAll(async () => {
    [browser, isolating] = await Promise.all([startChromium(), serve(true)]);
  });
  afterAll(async () => {
    await browser?.close();
    await isolating?.close();
  });

  /** Whatever a test looks at: nothing went wrong, nothing came from elsewhere, nothing sticks out. */
  afterEach(async () => {
    const found = await Promise.all(
      open.map(async (page) => [page.complaints, await page.overflow()]),
    );
    await Promise.all(open.map((page) => page.close()));
    const count = open.length;
    open = [];
    expect(found).toEqual(Array.from({ length: count }, () => [[], 0]));
  });

  return {
    async open(query, options = {}) {
      if (!browser || !isolating) throw new Error('opened before the tests');
      const page = await DemoPage.open(browser, `${options.url ?? isolating.url}${query}`, options);
      open.push(page);
      return page;
    },
  };
}

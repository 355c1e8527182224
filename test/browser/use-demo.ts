// SPDX-License-Identifier: MIT
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
  /** Opens the demo once for a file's tests that ask for it: the next one finds it as the last one left it, unless that failed. */
  readonly openOnce: (query: string) => Promise<DemoPage>;
}

/** @param always options of every page that the file opens. */
export function useDemo(always: DemoOptions = {}): Demo {
  let browser: Browser | undefined;
  let isolating: Site | undefined;
  let open: DemoPage[] = [];
  let kept: { readonly query: string; readonly page: DemoPage } | undefined;

  beforeAll(async () => {
    [browser, isolating] = await Promise.all([startChromium(), serve(true)]);
  });
  afterAll(async () => {
    await browser?.close();
    await isolating?.close();
  });

  /** Whatever a test looks at: nothing went wrong, nothing came from elsewhere, nothing sticks out. */
  afterEach(async ({ task }) => {
    const all = kept ? [...open, kept.page] : open;
    const found = await Promise.all(
      all.map(async (page) => ({ complaints: page.complaints, overflow: await page.overflow() })),
    );
    const good = found.every(({ complaints, overflow }) => complaints.length + overflow === 0);
    if (kept && (task.result?.state === 'fail' || !good)) {
      open.push(kept.page);
      kept = undefined;
    }
    await Promise.all(open.map((page) => page.close()));
    open = [];
    expect(found).toEqual(found.map(() => ({ complaints: [], overflow: 0 })));
  });

  async function openPage(query: string, own: DemoOptions = {}): Promise<DemoPage> {
    if (!browser || !isolating) throw new Error('opened before the tests');
    const options = { ...always, ...own };
    return await DemoPage.open(browser, `${options.url ?? isolating.url}${query}`, options);
  }

  return {
    async open(query, options) {
      const page = await openPage(query, options);
      open.push(page);
      return page;
    },
    async openOnce(query) {
      if (kept?.query !== query) {
        await kept?.page.close();
        kept = { query, page: await openPage(query) };
      }
      return kept.page;
    },
  };
}

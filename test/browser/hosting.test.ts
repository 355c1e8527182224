// SPDX-License-Identifier: MIT
// The static site on hosts of different kinds.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSECURE_HOST } from '../support/browser.ts';
import { type Site, serve } from '../support/demo-site.ts';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

/** A host that sends no header of its own. */
let plain: Site;
beforeAll(async () => {
  plain = await serve(false);
});
afterAll(() => plain.close());

describe('without cross-origin isolation', () => {
  it.each(['', 'some/folder/'])('the service worker isolates the page, at /%s', async (folder) => {
    const demo = await open('?transport=mailbox&drain=thread', { url: `${plain.url}${folder}` });
    const { page } = demo;
    await demo.traced(3);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    // Its threads as well come through it.
    expect(await page.textContent('.where')).toBe('guests on workers of their own, drain: thread');
    expect(await page.textContent('#note')).toBe('');
    expect(new URL(page.url()).pathname).toBe(`/${folder}`);
    await page.reload();
    await demo.traced(3);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  });

  // An origin that is not secure has neither service workers nor isolation.
  it('and without one everything runs inline in one worker, and the page says so', async () => {
    const demo = await open('?transport=mailbox&drain=thread', {
      url: plain.url.replace('localhost', INSECURE_HOST),
    });
    const { page } = demo;
    await demo.traced(3);
    expect(await page.evaluate(() => [crossOriginIsolated, typeof SharedArrayBuffer])).toEqual([
      false,
      'undefined',
    ]);
    expect(await page.textContent('#note')).toMatch(
      /^The page is not cross-origin isolated: the whole machine runs inline in one worker/,
    );
    expect(await page.textContent('.where')).toContain('drain: doorbell');
    expect(await page.textContent('.lane.direct [data-value=exits]')).toBe('0');
    await demo.shot('not-isolated');
  });
});

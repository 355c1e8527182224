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
    // A hard reload goes past the service worker, once; so does the next one.
    const session = await page.context().newCDPSession(page);
    for (let reload = 0; reload < 2; reload++) {
      await session.send('Page.reload', { ignoreCache: true });
      await page.waitForLoadState();
      await expect
        .poll(() => page.evaluate(() => crossOriginIsolated).catch(() => false), {
          timeout: 60_000,
        })
        .toBe(true);
      const worker = await page.evaluate(() => navigator.serviceWorker.controller?.scriptURL);
      expect(worker).toMatch(/\?policy=document$/);
    }
    await demo.traced(3);
    expect(await page.textContent('.where')).toBe('guests on workers of their own, drain: thread');
  });

  it('a browser without Document-Isolation-Policy is isolated by the other headers', async () => {
    const demo = await open('?vms=1&run=no', { url: plain.url });
    const { page } = demo;
    await demo.state('paused');
    // As in Firefox: nothing says that it is a Chromium.
    const context = await page.context().browser()?.newContext();
    const other = await context?.newPage();
    if (!context || !other) return expect.unreachable();
    await other.addInitScript(() => {
      Object.defineProperty(navigator, 'userAgentData', { value: undefined });
    });
    const policies = async (one: typeof page) =>
      await one.evaluate(async () => {
        const { headers } = await fetch(location.href);
        const names = ['Cross-Origin-Opener-Policy', 'Document-Isolation-Policy'];
        return [crossOriginIsolated, ...names.map((name) => headers.get(name))];
      });
    await other.goto(`${plain.url}?vms=1&run=no`);
    await other.waitForSelector('#state:has-text("paused")');
    expect(await policies(other)).toEqual([true, 'same-origin', null]);
    expect(await policies(page)).toEqual([true, null, 'isolate-and-require-corp']);
    // One that only says that it has it comes round to them by itself.
    const third = await context.browser()?.newContext();
    const lying = await third?.newPage();
    if (!third || !lying) return expect.unreachable();
    await lying.addInitScript(() => {
      if (history.state === null) history.replaceState({ reloadedFor: 'document' }, '');
    });
    await lying.goto(`${plain.url}?vms=1&run=no`);
    await lying.waitForSelector('#state:has-text("paused")');
    expect(await policies(lying)).toEqual([true, 'same-origin', null]);
    await context.close();
    await third.close();
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

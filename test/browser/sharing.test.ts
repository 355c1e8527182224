// SPDX-License-Identifier: MIT
// What users share and take away: links to a step, Back, frames in other pages, traces
// and consoles.

import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serveAnswers } from '../support/answering-site.ts';
import { INSECURE_HOST } from '../support/browser.ts';
import { type Site, serve } from '../support/demo-site.ts';
import type { DemoPage, Handle } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open, openOnce } = useDemo();

let plain: Site;
/** A host with the headers that isolate documents, as in docs/demo.md. */
let documents: Site;
beforeAll(async () => {
  [plain, documents] = await Promise.all([
    serve(false),
    serve({ 'Document-Isolation-Policy': 'isolate-and-require-corp' }),
  ]);
});
afterAll(() => Promise.all([plain.close(), documents.close()]));

/** The text that a button copies. */
async function copied({ page }: DemoPage, button: string): Promise<string> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.click(button);
  await page.waitForSelector(`${button}:has-text("copied")`);
  return await page.evaluate(() => navigator.clipboard.readText());
}

/** The file that a button saves. */
async function saved({ page }: DemoPage, button: string): Promise<[name: string, bytes: Buffer]> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
  return [download.suggestedFilename(), await readFile(await download.path())];
}

it('a link leads to the experiment, its step, the event and the panel that is open', async () => {
  const demo = await open('?experiment=stale-dma&vms=1&events=yes&from=mail#here');
  await demo.state('paused');
  await demo.page.click('#step');
  await demo.steps(1);
  await demo.page.click('#step');
  await demo.steps(2);
  await demo.page.click('#event-back');
  await demo.page.waitForSelector('#event-number:has-text(" of ")');
  await demo.page.click('.tlb h2');
  await demo.drawn();
  const event = await demo.page.textContent('#event-number');
  const link = new URL(await copied(demo, '#copy-link'));
  const number = event?.split(' ')[0];
  expect(link.search + link.hash).toBe(
    `?vms=1&experiment=stale-dma&events=yes&step=2&event=${number}&panel=iotlb&from=mail#here`,
  );
  const other = await open(link.search + link.hash);
  await other.page.waitForFunction(
    (text) => document.querySelector('#event-number')?.textContent === text,
    event,
  );
  // The machines are at step 2; the event happened in it, after step 1.
  await other.page.waitForFunction(
    () => (globalThis as unknown as { vsmmu: Handle }).vsmmu.picture?.steps === 2,
  );
  await other.steps(1);
  await other.state('paused');
  await other.page.waitForFunction(() => document.activeElement?.closest('.tlb') !== null);
  // A change of settings removes the step from the URL, but no parameters of others.
  await other.page.click('#look-away');
  await other.page.waitForFunction(() => !location.search.includes('step='));
  expect(new URL(other.page.url()).search).toBe('?vms=1&experiment=stale-dma&from=mail');
});

it('Back leads to the experiment before', async () => {
  const demo = await openOnce('?vms=1');
  const { page } = demo;
  await demo.state('running');
  await page.click('[data-experiment=hyp-own]');
  await page.waitForSelector('[data-outcome=holds]');
  expect(new URL(page.url()).search).toBe('?vms=1&experiment=hyp-own');
  await page.goBack();
  await demo.state('running');
  expect(new URL(page.url()).search).toBe('?vms=1');
  await page.goForward();
  await page.waitForSelector('[data-experiment=hyp-own][aria-pressed=true]');
  await page.waitForSelector('[data-outcome=holds]');
});

it('lists the parts of a wrong place that it ignores', async () => {
  const demo = await openOnce('?vms=1&run=no&step=x&event=3&panel=roof');
  await demo.state('paused');
  expect((await demo.page.textContent('#note'))?.trim().split('\n')).toEqual([
    'step=x: must be a number from 0 to 20000; ignored.',
    'event=3: must be a number from 0 to 9999999, with events=yes; ignored.',
    expect.stringMatching(/^panel=roof: must be one of lesson, console, .*; ignored\.$/),
  ]);
});

it('saves a console and a trace, and reports why Perfetto cannot open it', async () => {
  const demo = await openOnce('?vms=1&run=no&step=x&event=3&panel=roof');
  const { page } = demo;
  await demo.state('paused');
  await page.click('#keep-trace');
  await page.waitForSelector('#save-trace');
  await demo.state('paused');
  for (const steps of [1, 2, 3, 4, 5, 6, 7]) {
    await page.click('#step');
    await demo.steps(steps);
  }
  await demo.console(0, 'UART up');
  const [consoleName, text] = await saved(demo, '#save-console');
  expect(consoleName).toBe('vsmmu-vm0.txt');
  expect(text.toString()).toContain('vsmmu toy guest: UART up');
  const [name, packed] = await saved(demo, '#save-trace');
  expect(name).toBe('vsmmu-trace.json.gz');
  const trace = JSON.parse(gunzipSync(packed).toString()) as {
    traceEvents: { name: string }[];
    otherData: { producer: string };
  };
  expect(trace.otherData.producer).toBe('vsmmu');
  expect(trace.traceEvents.map((event) => event.name)).toEqual(
    expect.arrayContaining(['CMD_SYNC', 'TLBI_NH_ASID', 'walk', 'exit mmio']),
  );
  await page.click('#open-trace');
  await page.waitForSelector('#note:has-text("Cross-Origin-Opener-Policy")');
});

it.each([
  ['is not isolated', () => plain.url.replace('localhost', INSECURE_HOST), false],
  [
    'is isolated by Document-Isolation-Policy, which the service worker adds',
    () => plain.url,
    true,
  ],
  ['is isolated by Document-Isolation-Policy of its host', () => documents.url, true],
])('opens a trace in Perfetto where the page %s', async (_, url, isolated) => {
  const demo = await open('?vms=1&run=no&trace=yes', { url: url() });
  const { page } = demo;
  await demo.state('paused');
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated);
  // Perfetto's side of its documented protocol, without the network.
  const answer = `<script>
    addEventListener('message', ({ data, source, origin }) => {
      if (data === 'PING') source.postMessage('PONG', origin);
      else if (data.perfetto) document.title = [...new Uint8Array(data.perfetto.buffer).slice(0, 2)];
    });
  </script>`;
  await page
    .context()
    .route('https://ui.perfetto.dev/**', (route) =>
      route.fulfill({ body: answer, contentType: 'text/html' }),
    );
  const [opened] = await Promise.all([page.waitForEvent('popup'), page.click('#open-trace')]);
  // The first bytes of gzip data.
  await opened.waitForFunction(() => document.title === '31,139');
});

it('in a frame of another page has one experiment, drawing and steps', async () => {
  const demo = await openOnce('?experiment=stale-dma&vms=1');
  await demo.page.waitForSelector('[data-outcome=holds]');
  const snippet = await copied(demo, '#copy-embed');
  expect(snippet).toMatch(/^<iframe src="[^"]*" title="vsmmu: Skip the TLBI"/);
  const query = /\?[^"]*/.exec(snippet)?.[0].replaceAll('&amp;', '&') ?? '';
  expect(query).toBe('?vms=1&experiment=stale-dma&run=no&embed=1');

  // A page of another site, which is not isolated.
  const context = await demo.page.context().browser()?.newContext();
  const page = await context?.newPage();
  if (!context || !page) return expect.unreachable();
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  const body = `<iframe src="${plain.url}${query}" width="860" height="620"></iframe>`;
  const outer = await serveAnswers({ '/': { headers: { 'Content-Type': 'text/html' }, body } });
  await page.goto(outer.url);
  const frame = page.frameLocator('iframe');
  await frame.locator('#state:has-text("paused")').waitFor();
  for (const place of ['.drawing', '#step', '#events', '.outcome', '#whole-page'])
    expect(await frame.locator(place).first().isVisible(), place).toBe(true);
  for (const place of [
    '.console',
    '.machines',
    '.side > *',
    '.charts',
    '[data-experiment=none]',
    // What it refers to is on the full page.
    '.look',
    '.bar label',
  ])
    expect(await frame.locator(place).first().isVisible(), place).toBe(false);
  // Keys belong to the surrounding page.
  await frame.locator('#step').focus();
  await frame.locator('#step').press('r');
  expect(await frame.locator('#confirm-reset').count()).toBe(0);
  await frame.locator('#run').click();
  await frame.locator('[data-outcome=holds]').waitFor();
  // Chromium gives a frame of another site neither storage nor service workers:
  // everything runs inline.
  const isolated = () => page.frames().map((one) => one.evaluate(() => crossOriginIsolated));
  expect(await Promise.all(isolated())).toEqual([false, false]);
  // Otherwise the service worker isolates the frame: Document-Isolation-Policy.
  await page.goto(outer.url.replace('127.0.0.1', 'localhost'));
  await frame.locator('#state:has-text("paused")').waitFor();
  await expect.poll(() => Promise.all(isolated())).toEqual([false, true]);
  await outer.close();
  // A host that sends it also isolates a frame of another site, whose guests can then
  // have threads.
  const threads = `${documents.url}${query}&transport=mailbox&drain=thread`;
  const other = await serveAnswers({
    '/': { headers: { 'Content-Type': 'text/html' }, body: `<iframe src="${threads}"></iframe>` },
  });
  await page.goto(other.url);
  await frame.locator('#state:has-text("paused")').waitFor();
  expect(await Promise.all(isolated())).toEqual([false, true]);
  expect(await frame.locator('.where').textContent()).toBe(
    'guests on workers of their own, drain: thread',
  );
  expect(errors).toEqual([]);
  await context.close();
  await other.close();
});

// SPDX-License-Identifier: MIT
// The demo in a frame of a hostile page on another site: what that page can and cannot do
// (SECURITY.md).

import type { Frame, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Answer, serveAnswers } from '../support/answering-site.ts';
import { type Site, serve } from '../support/demo-site.ts';
import { reactor } from '../support/wat.ts';
import { useDemo } from './use-demo.ts';

const { openOnce } = useDemo();

/** Yields forever, without output. */
const GUEST = reactor('(func $run (param i32) (result i32) (i32.const 1))');
const HTML = { 'Content-Type': 'text/html' };
const QUERY = '?vms=1&experiment=stale-dma&run=no&embed=1';

/**
 * The demo, which sends no header of its own, and the other site: `localhost` and
 * 127.0.0.1 are two sites to a browser.
 */
let demo: Site;
let outer: Site;
beforeAll(async () => {
  demo = await serve(false);
  const frame = (query: string) =>
    `<iframe src="${demo.url}${query}" width="860" height="620"></iframe>`;
  const guest = encodeURIComponent('/mine.wasm');
  const answers: Record<string, Answer> = {
    '/': { headers: HTML, body: frame(QUERY) },
    // The user sees a button, and clicks the invisible frame.
    '/covers': {
      headers: HTML,
      body: `<style>iframe { opacity: 0.0001; position: absolute; left: 0; top: 0 }</style>
        <button>Win a prize</button>${frame(QUERY)}`,
    },
    '/mine.wasm': { headers: { 'Access-Control-Allow-Origin': '*' }, body: GUEST },
    '/guest': {
      headers: HTML,
      body: `<script>
      const frame = document.createElement('iframe');
      frame.src = '${demo.url}?vms=1&guest=' + encodeURIComponent(location.origin) + '${guest}';
      document.body.append(frame);
    </script>`.replace('<script>', '<body><script>'),
    },
  };
  outer = await serveAnswers(answers);
});
afterAll(async () => {
  await outer.close();
  await demo.close();
});

let page: Page | undefined;
afterEach(async () => {
  await page?.context().close();
  page = undefined;
});

/** A page of the other site with the demo in its frame. */
async function visit(path: string): Promise<{ page: Page; frame: Frame }> {
  const { page: first } = await openOnce('?vms=1&run=no');
  const context = await first.context().browser()?.newContext();
  page = await context?.newPage();
  if (!page) return expect.unreachable();
  await page.goto(`${outer.url}${path}`);
  const [, frame] = page.frames();
  if (!frame) return expect.unreachable();
  return { page, frame };
}

const stateOf = (frame: Frame) => frame.textContent('#state');
const paused = (frame: Frame) => frame.waitForSelector('#state:has-text("paused")');

it('is out of its reach: nothing of the page can be read, and no message is received or answered', async () => {
  const { page: foreign, frame } = await visit('');
  await paused(frame);
  const refused = await foreign.evaluate(() => {
    const inner = window.frames[0] as Window & Record<string, unknown>;
    const tries: (() => unknown)[] = [
      () => inner.document,
      () => inner.location.href,
      () => inner.localStorage,
      () => inner.vsmmu,
      () => (inner as unknown as { eval(text: string): unknown }).eval('1'),
    ];
    return tries.map((attempt) => {
      try {
        return typeof attempt();
      } catch (error) {
        return (error as Error).name;
      }
    });
  });
  expect(refused).toEqual(refused.map(() => 'SecurityError'));
  const answers = await foreign.evaluate(async () => {
    let heard = 0;
    addEventListener('message', () => {
      heard++;
    });
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      heard++;
    };
    const inner = window.frames[0];
    // Names of its buttons, messages of comlink's protocol, and Perfetto's answer.
    for (const message of [
      'run',
      'step',
      'PONG',
      { type: 'run' },
      { action: 'reset' },
      { query: '?run=yes' },
      { id: '1', type: 'APPLY', path: ['run'], argumentList: [] },
      { id: '2', type: 'GET', path: [] },
      { perfetto: { buffer: new ArrayBuffer(8) } },
    ])
      inner?.postMessage(message, '*');
    inner?.postMessage({ port: port2 }, '*', [port2]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return heard;
  });
  const outcomes = await frame.locator('[data-outcome=holds]').count();
  expect([answers, await stateOf(frame), outcomes]).toEqual([0, 'paused', 0]);
  expect(frame.url()).toBe(`${demo.url}${QUERY}`);
});

it('can be navigated, as by a link, and then starts no guest by itself', async () => {
  const { page: foreign, frame } = await visit('guest');
  const offer = frame.locator('#start-offer');
  await offer.waitFor();
  expect((await offer.textContent())?.replace(/\s+/g, ' ')).toContain(
    `mine.wasm from ${outer.url.slice(0, -1)}`,
  );
  expect(await frame.inputValue('select[name=guest]')).toBe('toy');
  // It cannot click: an event that it sends to its frame goes to the frame's element.
  await foreign.evaluate(() => {
    const element = document.querySelector('iframe');
    for (const type of ['click', 'keydown'])
      element?.dispatchEvent(new KeyboardEvent(type, { key: 'Enter', bubbles: true }));
    window.frames[0]?.focus();
  });
  expect(await frame.inputValue('select[name=guest]')).toBe('toy');
  await foreign.evaluate((url) => {
    const element = document.querySelector('iframe');
    if (element) element.src = url;
  }, `${demo.url}${QUERY}`);
  await frame.waitForSelector('[data-experiment]', { state: 'attached' });
  await expect.poll(() => frame.url()).toBe(`${demo.url}${QUERY}`);
});

it('is clicked where its user sees something else: an experiment, in a machine without data of theirs', async () => {
  const { page: foreign, frame } = await visit('covers');
  await paused(frame);
  const button = await frame.locator('#run').boundingBox();
  if (!button) return expect.unreachable();
  expect(await frame.locator('[data-outcome=holds]').count()).toBe(0);
  await foreign.mouse.click(button.x + button.width / 2, button.y + button.height / 2);
  await frame.waitForSelector('[data-outcome=holds]');
  // Nothing leaves the frame: the surrounding page stays the same.
  expect(foreign.url()).toBe(`${outer.url}covers`);
});

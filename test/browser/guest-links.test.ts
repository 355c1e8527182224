// SPDX-License-Identifier: MIT
// Guests in a link: each starts after a click on a line that describes it, and keeps
// nothing of the previous guests.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, serveAnswers } from '../support/answering-site.ts';
import type { Site } from '../support/demo-site.ts';
import { reactor } from '../support/wat.ts';
import type { DemoPage } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open, openOnce } = useDemo();

/** Yields forever, without output. */
const GUEST = reactor('(func $run (param i32) (result i32) (i32.const 1))');
const SIZE = GUEST.length.toLocaleString('en');
const SHARED = { 'Access-Control-Allow-Origin': '*' };
const LARGE = 32 * 1024 * 1024 + 1;

const ANSWERS: Readonly<Record<string, Answer>> = {
  '/shared/mine.wasm': { headers: SHARED, body: GUEST },
  '/large.wasm': { headers: SHARED, body: new Uint8Array(LARGE) },
  '/text.wasm': { headers: SHARED, body: 'no guest' },
  '/only-corp.wasm': { headers: { 'Cross-Origin-Resource-Policy': 'cross-origin' }, body: GUEST },
  '/private.wasm': { body: GUEST },
};

/** Removes complaints that a test causes on purpose. */
function forgive({ complaints }: DemoPage, ...beginnings: readonly string[]): void {
  const rest = complaints.filter((one) => !beginnings.some((text) => one.startsWith(text)));
  complaints.splice(0, complaints.length, ...rest);
}

let other: Site;
beforeAll(async () => {
  other = await serveAnswers(ANSWERS);
});
afterAll(() => other.close());

it('from a server starts after a click, and keeps nothing of the guest before', async () => {
  const link = `?vms=1&guest=${encodeURIComponent(`${other.url}shared/mine.wasm`)}`;
  const demo = await open(link);
  const { page } = demo;
  await page.waitForSelector('#start-offer');
  expect((await page.textContent('#start-offer'))?.replace(/\s+/g, ' ')).toBe(
    `Start mine.wasm from ${other.url.slice(0, -1)}, ${SIZE} bytes`,
  );
  // The toy runs in the meantime.
  await demo.console(0, 'UART up');
  expect(await page.inputValue('select[name=guest]')).toBe('toy');
  await page.click('#start-offer');
  await page.waitForFunction(
    () => document.querySelector<HTMLSelectElement>('select[name=guest]')?.value === 'mine.wasm',
  );
  await demo.state('running');
  expect(await demo.consoleText(0)).not.toContain('UART');
  expect(await page.$('#start-offer')).toBeNull();
  expect(new URL(page.url()).searchParams.get('guest')).toBe(`${other.url}shared/mine.wasm`);
  // After a reload the page asks again; the toy's link is gone.
  await page.reload();
  await page.waitForSelector('#start-offer');
  expect(await page.textContent('#note')).toBe('');
  await page.click('[data-experiment=hyp-own]');
  await page.waitForSelector('[data-outcome=holds]');
  expect(await page.$('#start-offer')).toBeNull();
  expect(new URL(page.url()).search).toBe('?vms=1&experiment=hyp-own');
  // Back leads to the offer, also at the guest's address.
  await page.goBack();
  await page.waitForSelector('#start-offer');
  await page.click('#start-offer');
  await page.waitForFunction(
    () => document.querySelector<HTMLSelectElement>('select[name=guest]')?.value === 'mine.wasm',
  );
  await page.goBack();
  await page.waitForSelector('#start-offer');
  expect(await page.inputValue('select[name=guest]')).toBe('toy');
  expect(new URL(page.url()).searchParams.get('guest')).toBe(`${other.url}shared/mine.wasm`);
  forgive(demo, `request: ${other.url}`);
});

it('is at the step of its link, and the toy is not', async () => {
  const guest = encodeURIComponent(`${other.url}shared/mine.wasm`);
  const demo = await open(`?vms=1&step=3&guest=${guest}`);
  const { page } = demo;
  await page.waitForSelector('#start-offer');
  await demo.state('running');
  await page.click('#start-offer');
  await page.waitForFunction(
    () => document.querySelector<HTMLSelectElement>('select[name=guest]')?.value === 'mine.wasm',
  );
  await demo.steps(3);
  await demo.state('paused');
  forgive(demo, `request: ${other.url}`);
});

it('that is not a program is reported when it is started, and the toy continues', async () => {
  const demo = await open(`?vms=1&guest=${encodeURIComponent(`${other.url}text.wasm`)}`);
  const { page } = demo;
  await demo.state('running');
  await page.click('#start-offer');
  await page.waitForSelector('#note.bad:has-text("text.wasm: ")');
  await demo.state('running');
  expect(await page.inputValue('select[name=guest]')).toBe('toy');
  forgive(demo, `request: ${other.url}`);
});

it('that was picked is not restored by Back, which reports this', async () => {
  const demo = await open('?vms=1');
  const { page } = demo;
  await demo.state('running');
  await demo.pick('tiny.wasm', GUEST);
  await page.waitForFunction(
    () => document.querySelector<HTMLSelectElement>('select[name=guest]')?.value === 'tiny.wasm',
  );
  await demo.state('running');
  await page.click('[data-experiment=hyp-own]');
  await page.waitForSelector('[data-outcome=holds]');
  await page.goBack();
  await page.waitForSelector('#note:has-text("tiny.wasm has gone: open it again")');
  await demo.state('running');
});

it('that is small is stored in the link itself', async () => {
  const demo = await openOnce('?vms=1');
  const { page } = demo;
  await demo.state('running');
  await demo.pick('tiny.wasm', GUEST);
  await page.waitForFunction(
    () => document.querySelector<HTMLSelectElement>('select[name=guest]')?.value === 'tiny.wasm',
  );
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.click('#copy-link');
  await page.waitForSelector('#copy-link:has-text("copied")');
  const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
  // Machines that are being created, or are running, have no step.
  expect(link.search).toBe('?vms=1');
  expect(link.hash).toMatch(/^#guest=tiny\.wasm,[\w-]{40,}$/);
  await page.goto(link.href);
  await page.reload();
  await page.waitForSelector('#start-offer');
  expect((await page.textContent('#start-offer'))?.replace(/\s+/g, ' ')).toBe(
    `Start tiny.wasm from the link itself, ${SIZE} bytes`,
  );
  await page.click('#start-offer');
  await page.waitForFunction(
    () => document.querySelector<HTMLSelectElement>('select[name=guest]')?.value === 'tiny.wasm',
  );
  await demo.state('running');
  expect(new URL(page.url()).hash).toBe(link.hash);
  expect((await demo.consoleText(0)).trim()).toBe('');
  // Half of it, as truncated by mail programs.
  await page.goto(link.href.slice(0, -20));
  await page.waitForSelector('#note:has-text("part of the link may be missing")');
});

it.each([
  [
    'only-corp.wasm',
    'its server lets no page of another origin read it (Access-Control-Allow-Origin, CORS)',
  ],
  [
    'private.wasm',
    'nothing came: the server cannot be reached, or it sends neither Access-Control-Allow-Origin (CORS) nor Cross-Origin-Resource-Policy (CORP)',
  ],
  ['none.wasm', 'nothing came'],
  ['large.wasm', 'it is larger than 32 MiB, the most for a link'],
])('that cannot be had says why in a line: %s', async (file, line) => {
  const demo = await openOnce('?vms=1&run=no');
  const { page } = demo;
  await demo.state('paused');
  // Like a link within the page.
  await page.evaluate((guest) => {
    history.pushState(null, '', `?vms=1&run=no&guest=${guest}`);
    dispatchEvent(new PopStateEvent('popstate'));
  }, `${other.url}${file}`);
  await page.waitForFunction(
    ([name, text]) => {
      const note = document.querySelector('#note')?.textContent ?? '';
      return note.includes(`/${name}: `) && note.includes(text);
    },
    [file, line] as const,
  );
  expect((await page.textContent('#note'))?.trim().split('\n')).toHaveLength(1);
  expect(await page.$('#start-offer')).toBeNull();
  await demo.state('paused');
  // The browser prints the same in its console.
  forgive(
    demo,
    `request: ${other.url}${file}`,
    `console: Access to fetch at '${other.url}${file}'`,
    'console: Failed to load resource: ',
  );
});

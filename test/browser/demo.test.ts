// The demo in a browser: it boots the toy, shows what the machines are at, and every control does what it says.

import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EXPERIMENTS } from '../../vmm/boards/experiments.ts';
import { INSECURE_HOST, startChromium } from '../support/browser.ts';
import { buildSite, type Site, serve } from '../support/demo-site.ts';
import { reactor } from '../support/wat.ts';
import { DemoPage, LAPTOP, type OpenOptions, PHONE } from './demo-page.ts';

let browser: Browser;
let isolated: Site;
let plain: Site;
let demo: DemoPage;

beforeAll(async () => {
  await buildSite('demo/vite.config.ts');
  [browser, isolated, plain] = await Promise.all([startChromium(), serve(true), serve(false)]);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await isolated?.close();
  await plain?.close();
});

async function open(query: string, options?: OpenOptions, url = isolated.url): Promise<DemoPage> {
  demo = await DemoPage.open(browser, `${url}${query}`, options);
  return demo;
}

/** Whatever a test looks at: nothing went wrong, nothing came from elsewhere, nothing sticks out. */
afterEach(async () => {
  const { complaints } = demo;
  const overflow = await demo.overflow();
  await demo.close();
  expect([complaints, overflow]).toEqual([[], 0]);
});

describe('a live run', () => {
  it('boots the toy by itself, and its direct path takes no exit', async () => {
    const { page } = await open('');
    await demo.console(0, 'UART up, machine 0');
    await demo.console(1, 'work until switched off');
    await demo.traced(2);
    expect(await page.textContent('.lane.direct [data-value=exits]')).toBe('0');
    expect(Number(await page.textContent('.lane.trapped [data-value=exits]'))).toBeGreaterThanOrEqual(2);
    expect(await page.$$eval('[data-value=direct-exits]', (all) => all.map((one) => one.textContent))).toEqual(['0', '0']);
    expect(await page.textContent('#note')).toBe('');
    await demo.shot('live-dark');
  });

  it('shows PROD and CONS as they stand in memory at the instant of a pause, and steps from there', async () => {
    const { page } = await open('?speed=full');
    await demo.traced(2);
    await page.click('#run');
    await demo.state('paused');
    const raw = await demo.rawQueues();
    expect(raw.length).toBe(6);
    expect(raw.some(({ prod }) => prod !== 0)).toBe(true);
    await page.waitForFunction(() => document.querySelectorAll('[data-queue]').length === 6);
    expect(await demo.shownQueues()).toEqual(raw);
    const steps = Number(await page.textContent('#steps'));
    await page.waitForTimeout(300);
    expect(await demo.rawQueues()).toEqual(raw);
    for (let i = 1; i <= 8; i++) {
      await page.click('#step');
      await page.waitForFunction((wanted) => document.querySelector('#steps')?.textContent === wanted, String(steps + i));
    }
    const later = await demo.rawQueues();
    expect(later).not.toEqual(raw);
    expect(await demo.shownQueues()).toEqual(later);
  });

  it('decodes commands and event records', async () => {
    const { page } = await open('?vms=1');
    await page.waitForSelector('.events .command:has-text("F_TRANSLATION")');
    await page.waitForSelector('[data-queue="vm0 VCMDQ 0"] .command:has-text("TLBI_NH_VA")');
    await page.waitForSelector('[data-queue="vm0 CMDQ"] .command:has-text("CMD_SYNC")');
    expect(await page.textContent('.tlb')).toMatch(/vm0\s+ASID 1/);
  });

  it('takes input from the terminal', async () => {
    const { page } = await open('?vms=1');
    await demo.console(0, 'work until switched off');
    await page.click('#terminals .xterm-screen');
    await page.keyboard.type('s?');
    await demo.console(0, 'beats, 0 failures');
    await demo.console(0, 'd direct only, t direct and trapped');
    await page.keyboard.type('q');
    await demo.state('ended');
    await demo.console(0, 'checks, 0 failed');
  });

  it('runs vCPUs and drain on workers of their own', async () => {
    const { page } = await open('?transport=mailbox&drain=thread&vcpus=2&vms=1&path=direct');
    await demo.traced(1);
    expect(await page.textContent('.where')).toBe('guests on workers of their own, drain: thread');
    expect(await page.textContent('.node.on span')).toBe('0 rings');
    expect(await page.textContent('[data-value=direct-exits]')).toBe('0');
    await page.click('#run');
    await demo.state('paused');
    const raw = await demo.rawQueues();
    expect(raw.map(({ queue }) => queue)).toEqual(['VCMDQ 0', 'VCMDQ 1', 'CMDQ']);
    expect(await demo.shownQueues()).toEqual(raw);
  });
});

describe('settings', () => {
  it('come from the URL and go there', async () => {
    const { page } = await open('?vms=1&path=trapped&run=no&speed=full');
    await demo.state('paused');
    expect(await page.inputValue('select[name=path]')).toBe('trapped');
    expect(await page.inputValue('select[name=vms]')).toBe('1');
    await page.selectOption('select[name=vcpus]', '2');
    await demo.state('paused');
    expect(new URL(page.url()).search).toBe('?path=trapped&vcpus=2&vms=1&speed=full&run=no');
    await page.click('#run');
    await demo.console(0, 'work until switched off');
    await page.waitForSelector('.lane.trapped');
    expect(await page.$$('.lane.direct')).toEqual([]);
    // Reset is a new host: the console is empty again, and nothing runs.
    await page.click('#reset');
    await demo.state('paused');
    expect(await page.textContent('#steps')).toBe('0');
  });

  it('take a guest from a file, and say in one line what is wrong with one', async () => {
    const { page } = await open('?run=no');
    await demo.state('paused');
    const pick = (name: string, bytes: Uint8Array) =>
      page.setInputFiles('#guest-file', { name, mimeType: 'application/wasm', buffer: Buffer.from(bytes) });
    await pick('broken.wasm', new TextEncoder().encode('not a binary'));
    await demo.state('stopped');
    expect(await page.textContent('#note')).toMatch(/^not a WebAssembly binary/);
    await pick('mine.wasm', reactor('(func $run (param i32) (result i32) (i32.const 2))'));
    await demo.state('paused');
    expect(await page.textContent('#note')).toBe('');
    expect(await page.inputValue('select[name=guest]')).toBe('mine.wasm');
    await page.click('#run');
    await demo.state('ended');
  });
});

describe('things to try', () => {
  it.each(EXPERIMENTS.map((experiment) => [experiment.name, experiment] as const))('%s, by one click', async (name, experiment) => {
    const { page } = await open('');
    await page.click(`[data-experiment=${name}]`);
    await page.waitForSelector('[data-outcome=holds]');
    const text = await page.textContent('.outcome');
    expect(text).toContain(experiment.shows);
    for (const check of experiment.checks) expect(text).toContain(check);
    if (experiment.attacks) expect(text).toContain('isolation: IOTLB entries: vm1 lost nothing');
    if (experiment.measures)
      expect(await page.$$eval('.outcome tr.direct td:last-child', (all) => all.map((one) => one.textContent))).toEqual([
        '0.0',
        '0.0',
        '0.0',
      ]);
    expect(new URL(page.url()).search).toBe(`?experiment=${name}`);
    await demo.shot(`experiment-${name}`);
  });
});

describe('without cross-origin isolation', () => {
  it('the service worker isolates the page', async () => {
    const { page } = await open('', {}, plain.url);
    await demo.traced(2);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await page.textContent('#note')).toBe('');
  });

  // An origin that is not secure has neither service workers nor isolation.
  it('and without one everything runs inline in one worker, and the page says so', async () => {
    const { page } = await open('?transport=mailbox&drain=thread', {}, plain.url.replace('localhost', INSECURE_HOST));
    await demo.traced(2);
    expect(await page.evaluate(() => [crossOriginIsolated, typeof SharedArrayBuffer])).toEqual([false, 'undefined']);
    expect(await page.textContent('#note')).toMatch(/^The page is not cross-origin isolated: the whole machine runs inline in one worker/);
    expect(await page.textContent('.where')).toContain('drain: doorbell');
    expect(await page.textContent('.lane.direct [data-value=exits]')).toBe('0');
    await demo.shot('not-isolated');
  });
});

describe('the page', () => {
  it.each([
    ['laptop', 'dark', LAPTOP],
    ['laptop', 'light', LAPTOP],
    ['phone', 'dark', PHONE],
    ['phone', 'light', PHONE],
  ] as const)('fits a %s in %s, and does not jump', async (name, colorScheme, viewport) => {
    const { page } = await open('', { viewport, colorScheme });
    await demo.traced(2);
    const shift = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          let sum = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) sum += (entry as PerformanceEntry & { readonly value: number }).value;
          }).observe({ type: 'layout-shift' });
          setTimeout(() => resolve(sum), 4000);
        }),
    );
    expect(shift).toBeLessThan(0.01);
    await demo.shot(`${name}-${colorScheme}`);
  });
});

// SPDX-License-Identifier: MIT
// Never an empty page, and no false alarms, whatever browsers, links and users do.

import { expect, it } from 'vitest';
import { reactor } from '../support/wat.ts';
import { PHONE } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open, openOnce } = useDemo();

const QUIET = reactor('(func $run (param i32) (result i32) (i32.const 1))');

it('says of a wrong link what is not as it asks, a line each, and leaves the link alone', async () => {
  const demo = await open('?vms=9&path=diagonal&experiment=foreign-ids&check=no&from=mail#here');
  const { page } = demo;
  await demo.state('ended');
  const place = () => new URL(page.url()).search + new URL(page.url()).hash;
  expect(place()).toBe('?vms=9&path=diagonal&experiment=foreign-ids&check=no&from=mail#here');
  expect((await page.textContent('#note'))?.trim().split('\n')).toEqual([
    'path=diagonal: it is one of all, direct, trapped, overlay; path is all.',
    'vms=9: it is one of 1, 2, 3, 4; vms is 2.',
    'check=no: the experiment foreign-ids has check=yes.',
  ]);
  // A choice that does not go with the experiment does not snap back without a word.
  await page.selectOption('select[name=vms]', '1');
  await page.waitForFunction(() => !location.search.includes('diagonal'));
  await demo.drawn();
  expect(await page.textContent('#note')).toBe('vms=1: the experiment foreign-ids has vms=2.');
  expect(await page.inputValue('select[name=vms]')).toBe('2');
  expect(place()).toBe('?experiment=foreign-ids&from=mail#here');
});

it('does without storage', async () => {
  const demo = await openOnce('?vms=1');
  const { page } = demo;
  await page.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(globalThis, name, {
        get() {
          throw new DOMException('denied', 'SecurityError');
        },
      });
  });
  await page.reload();
  await demo.state('running');
  await page.click('#theme');
  expect(await page.getAttribute('html', 'data-theme')).toBe('light');
  expect(await page.textContent('#note')).toBe('');
});

it('says where the link is when the clipboard is not to be had', async () => {
  const demo = await open('?vms=1&run=no');
  const { page } = demo;
  await demo.state('paused');
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
  });
  await page.click('.tools button');
  await page.waitForSelector('#note:has-text("the link is in its address bar")');
  expect(await page.textContent('.tools button')).toBe('copy link');
});

it('says what it is without JavaScript', async () => {
  const demo = await open('?vms=1&run=no');
  const browser = demo.page.context().browser();
  const context = await browser?.newContext({ javaScriptEnabled: false });
  const page = await context?.newPage();
  if (!page) return expect.unreachable();
  await page.goto(demo.page.url());
  expect(await page.locator('.noscript').innerText()).toContain('takes JavaScript');
  expect(await page.locator('.loading').isVisible()).toBe(false);
  await context?.close();
});

it('executes the last instruction, however fast they come', async () => {
  const demo = await open('?vms=1&speed=full');
  const { page } = demo;
  await demo.state('running');
  const clicks = (times: number) =>
    page.evaluate((count) => {
      for (let i = 0; i < count; i++) document.querySelector<HTMLElement>('#run')?.click();
    }, times);
  await clicks(2);
  await demo.drawn();
  const steps = async () => Number(await page.textContent('#steps'));
  const before = await steps();
  await expect.poll(steps, { timeout: 20_000 }).toBeGreaterThan(before + 2);
  await demo.state('running');
  await clicks(3);
  await demo.state('paused');
  expect(await page.textContent('#run')).toBe('Run');
  const at = await demo.rawQueues();
  await page.waitForTimeout(300);
  expect(await demo.rawQueues()).toEqual(at);
});

it('stops while it is hidden, and continues when it is visible again', async () => {
  const demo = await open('?vms=1&speed=full');
  const { page } = demo;
  await demo.traced(3);
  const hide = (hidden: boolean) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await hide(true);
  await demo.state('paused');
  const at = await demo.rawQueues();
  await page.waitForTimeout(500);
  expect(await demo.rawQueues()).toEqual(at);
  await hide(false);
  await demo.state('running');
  await expect.poll(() => demo.rawQueues(), { timeout: 20_000 }).not.toEqual(at);
  expect(await page.textContent('#note')).toBe('');
  // One that was paused stays so.
  await page.click('#run');
  await demo.state('paused');
  await hide(true);
  await hide(false);
  await page.waitForTimeout(200);
  await demo.state('paused');
});

it('slows down after a minute without input, says so, and speeds up at the next input', async () => {
  const demo = await open('?vms=1&speed=full', { motion: true });
  const { page } = demo;
  await demo.traced(3);
  await page.clock.install();
  await page.mouse.move(200, 200);
  await page.clock.fastForward(61_000);
  await page.waitForSelector('#note:has-text("No input for 60 s")');
  const stepsPerSecond = async (ms: number) => {
    const begun = Date.now();
    const before = Number(await page.textContent('#steps'));
    await new Promise((later) => setTimeout(later, ms));
    const steps = Number(await page.textContent('#steps')) - before;
    return (steps * 1000) / (Date.now() - begun);
  };
  // The issue allows four; what was on its way is drawn first.
  await expect.poll(() => stepsPerSecond(3000), { timeout: 30_000 }).toBeLessThan(1.5);
  // No dot moves along the drawing: one that does has the whole page drawn sixty times a second.
  const dots = () =>
    page.evaluate(() => document.getAnimations().filter((one) => 'animationName' in one).length);
  expect(await dots()).toBe(0);
  await page.mouse.move(300, 300);
  await page.waitForFunction(() => document.querySelector('#note')?.textContent === '');
  await expect.poll(() => stepsPerSecond(1000), { timeout: 20_000 }).toBeGreaterThan(6);
  await expect.poll(dots).toBeGreaterThan(0);
});

it('has room for long file names, says what two guests at once are, and that a guest is gone', async () => {
  const demo = await open('?vms=1&run=no', { viewport: PHONE });
  const { page } = demo;
  await demo.state('paused');
  await page.evaluate(() => {
    const files = new DataTransfer();
    for (const name of ['one.wasm', 'two.wasm']) files.items.add(new File(['\0asm'], name));
    document.dispatchEvent(new DragEvent('drop', { dataTransfer: files, bubbles: true }));
  });
  await page.waitForSelector('#note.bad:has-text("one.wasm, two.wasm: give one guest")');
  await demo.state('paused');
  expect(await demo.overflow()).toBe(0);
  // It hides nothing that is said afterwards.
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
    document.querySelector<HTMLElement>('#copy-link')?.click();
  });
  await page.waitForSelector('#note.bad:has-text("the link is in its address bar")');

  await demo.pick(`${'long-'.repeat(60)}.wasm`, QUIET);
  await page.waitForFunction(() =>
    /^long-.*\u2026.*wasm$/.test(
      document.querySelector('select[name=guest] option:checked')?.textContent ?? '',
    ),
  );
  await demo.state('paused');
  expect(await demo.overflow()).toBe(0);
  await page.reload();
  await page.waitForSelector('#note:has-text("has gone with the reload: open it again")');
  await demo.state('paused');
  expect(await demo.overflow()).toBe(0);
  await page.reload();
  await demo.state('paused');
  expect(await page.textContent('#note')).toBe('');
});

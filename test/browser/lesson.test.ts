// SPDX-License-Identifier: MIT
// The first screen: the diagram, the tour, and everything else that must be clear at once.

import { describe, expect, it } from 'vitest';
import PACKAGE from '../../package.json' with { type: 'json' };
import { LAPTOP, PHONE } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open, openOnce } = useDemo();

/** Where a place of a path's line is in the drawing, as a part of its length. */
const HEIGHT_OF = (way: string) => {
  const line = document.querySelector<SVGPathElement>(`[data-way=${way}] path`);
  const vmm = document.querySelectorAll<SVGGraphicsElement>('.drawing .box')[1];
  const points = [0, 0.25, 0.5, 0.75, 1].map((part) =>
    line ? line.getPointAtLength(part * line.getTotalLength()) : { x: 0, y: 0 },
  );
  const box = vmm?.getBBox();
  const inVmm = points.some(
    ({ x, y }) => box && x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height,
  );
  return { inVmm, straight: new Set(points.map(({ y }) => Math.round(y))).size === 1 };
};

describe('the first screen', () => {
  it('draws the trapped TLBI up through the VMM, and the direct one across', async () => {
    const demo = await openOnce('?vms=1');
    const { page } = demo;
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    await demo.traced(3);
    expect(await page.evaluate(HEIGHT_OF, 'trapped')).toEqual({ inVmm: true, straight: false });
    expect(await page.evaluate(HEIGHT_OF, 'direct')).toEqual({ inVmm: false, straight: true });
    for (const way of ['trapped', 'direct', 'overlay'])
      await page.waitForSelector(`.drawing.goes-on [data-way=${way}].moving`);
    expect(await page.textContent('[data-way=direct] .label')).toMatch(/^direct: 0 exits/);
    expect(await page.textContent('[data-way=trapped] .label')).toMatch(/^trapped: [2-9].* exits/);
    const moves = () =>
      page.$eval('[data-way=direct] .dot', (dot) => getComputedStyle(dot).animationName);
    expect(await moves()).toMatch(/^travel/);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await moves()).toBe('none');
  });

  it('has why, caption, links, experiments and their outcome above the fold of a laptop', async () => {
    const demo = await open('?experiment=stale-dma&vms=1', { viewport: LAPTOP });
    const { page } = demo;
    await page.waitForSelector('[data-outcome=holds]');
    for (const place of [
      '.why',
      '.drawing',
      '.caption',
      '.links',
      '.tour',
      '[data-experiment=none]',
      '.outcome .good',
    ]) {
      const bottom = await page.$eval(place, (one) => one.getBoundingClientRect().bottom);
      expect(bottom, place).toBeLessThanOrEqual(LAPTOP.height);
    }
    for (const href of await page.$$eval('.links a', (all) =>
      all.map((one) => (one as HTMLAnchorElement).href),
    )) {
      const answer = await page.request.get(href);
      expect(answer.status(), href).toBe(200);
    }
    expect(await page.textContent('.links span')).toBe(PACKAGE.version);
    const licences = await page.request.get(new URL('licences.txt', page.url()).href);
    for (const name of ['vsmmu', 'lit-html', '@xterm/xterm', '@wasmer/wasi'])
      expect(await licences.text()).toContain(`\n${name}\n==`.trimStart());
  });

  it('explains a term next to it, on hover and on tap', async () => {
    const demo = await openOnce('?vms=1');
    const { page } = demo;
    const term = page.locator('dfn', { hasText: 'CMDQV' });
    await term.hover();
    await page.waitForSelector('#explain:has-text("hardware of NVIDIA")');
    const [around, tip] = await Promise.all([
      term.boundingBox(),
      page.locator('#explain').boundingBox(),
    ]);
    if (!around || !tip) return expect.unreachable();
    expect(Math.abs(tip.y - (around.y + around.height))).toBeLessThan(12);
    await page.keyboard.press('Escape');
    expect(await page.locator('#explain').isHidden()).toBe(true);

    const phone = await open('?vms=1&run=no', { viewport: PHONE });
    await phone.state('paused');
    await phone.page.locator('[data-way=trapped] .label').dispatchEvent('pointerover', {
      pointerType: 'touch',
      bubbles: true,
    });
    await phone.page.waitForSelector('#explain:has-text("Trapped: the store")');
    const box = await phone.page.locator('#explain').boundingBox();
    expect(box && box.x >= 0 && box.x + box.width <= PHONE.width).toBe(true);
  });
});

it('hides its controls behind one button on a phone, shows the drawing first, and has targets for fingers', async () => {
  const demo = await open('?vms=1&run=no', { viewport: PHONE });
  const { page } = demo;
  await demo.state('paused');
  const top = await page.$eval('.drawing', (one) => one.getBoundingClientRect().bottom);
  expect(top).toBeLessThanOrEqual(PHONE.height);
  expect(await page.isVisible('select[name=path]')).toBe(false);
  // Before there is a TLBI to tell of, its ways are told.
  const ways = await page.$$eval('#strip .ahead li', (all) =>
    all.map((one) => (one.checkVisibility() ? (one.textContent ?? '') : '')),
  );
  expect(ways.map((way) => way.split(' ')[0])).toEqual(['direct', 'overlay', 'trapped']);
  expect(ways[0]).toMatch(/guest writes . stores PROD . doorbell . drain . CONS moves$/);
  expect(ways[2]).toMatch(/CMDQ_PROD . VMM . drain . CMDQ_CONS$/);
  await demo.shot('phone-before');
  await page.click('#settings');
  expect(await page.isVisible('select[name=path]')).toBe(true);
  expect(await page.getAttribute('#settings', 'aria-expanded')).toBe('true');
  const small = () =>
    page.$$eval('button, select, a, summary, input:not([type=file])', (all) =>
      all
        .map((one) => ({ one, box: one.getBoundingClientRect() }))
        // To a fraction of a pixel that no finger notices.
        .filter(({ one, box }) => one.checkVisibility() && Math.min(box.width, box.height) < 43.9)
        .map(({ one }) => one.outerHTML),
    );
  expect(await small()).toEqual([]);
  await demo.shot('phone-settings');
  await page.click('#edit-lines');
  await page.click('#look-closer');
  await page.waitForSelector('#event-range');
  expect(await small()).toEqual([]);
});

describe('the tour', () => {
  it('starts at a link, paused, and continues step by step', async () => {
    const demo = await open('?tour=3#place');
    const { page } = demo;
    await demo.state('paused');
    await page.waitForSelector('[data-stop=before]');
    expect(await page.textContent('.why')).toContain('The trapped TLBI');
    expect(new URL(page.url()).search + new URL(page.url()).hash).toBe('?tour=3#place');
    expect(await page.$$('.lane')).toEqual([]);
    await page.click('#tour-step');
    await page.waitForSelector('[data-stop=after]');
    await page.waitForSelector('.lane.trapped');
    await page.click('#tour-next');
    await page.waitForSelector('[data-tour="4"][aria-current=step]');
    await page.waitForFunction(() => location.search === '?tour=4');
    await demo.state('paused');
    await page.click('#tour-step');
    await page.waitForSelector('.lane.direct');
    expect(await page.textContent('.lane.direct [data-value=exits]')).toBe('0');
    await demo.shot('tour-4');
    await page.click('#leave-tour');
    await demo.state('running');
    expect(new URL(page.url()).search).toBe('');
  });

  it('is left by an experiment, which starts', async () => {
    const demo = await open('?tour=1');
    await demo.state('paused');
    await demo.page.click('[data-experiment=hyp-own]');
    await demo.page.waitForSelector('[data-outcome=holds]');
    expect(new URL(demo.page.url()).search).toBe('?vms=1&experiment=hyp-own');
  });

  it('and everything else goes back to step 0, paused', async () => {
    const demo = await open('?vms=1');
    const { page } = demo;
    await demo.state('running');
    await page.click('#restart');
    await demo.state('paused');
    await demo.steps(0);
    await page.click('#step');
    await demo.steps(1);
    // The link is that of the running page.
    expect(new URL(page.url()).search).toBe('?vms=1');
    await page.click('#reset');
    await demo.state('running');
  });
});

// SPDX-License-Identifier: MIT
// The console's text at a device pixel ratio of 1: descenders are visible, and long lines
// fit.

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { DESKTOP, LAPTOP } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

/** Position of a text in the console, and the number of its characters in a row. */
function placeOf(page: Page, text: string, character: string) {
  return page.evaluate(
    ([wanted, one]) => {
      const rows = [...document.querySelectorAll('[data-console=vm0] .xterm-rows > div')];
      const row = rows.find((element) => element.textContent?.includes(wanted));
      const walker = row && document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
      for (let node = walker?.nextNode(); node; node = walker?.nextNode()) {
        const at = node.textContent?.indexOf(one) ?? -1;
        if (at < 0) continue;
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        const { x, width } = range.getBoundingClientRect();
        const { y, height } = (row as Element).getBoundingClientRect();
        const screen = document.querySelector('[data-console=vm0] .xterm-screen');
        const columns = Math.floor((screen?.clientWidth ?? 0) / width);
        return { x, y, width, height, columns };
      }
      return undefined;
    },
    [text, character] as const,
  );
}

/** Colours of a part of the page, as on the screen. */
async function coloursIn(
  page: Page,
  clip: { x: number; y: number; width: number; height: number },
) {
  const png = (await page.screenshot({ clip })).toString('base64');
  return await page.evaluate(async (data) => {
    const bitmap = await createImageBitmap(
      new Blob([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))]),
    );
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context?.drawImage(bitmap, 0, 0);
    const pixels = context?.getImageData(0, 0, bitmap.width, bitmap.height).data ?? [];
    const colours = new Set<number>();
    for (let at = 0; at < pixels.length; at += 4)
      colours.add(((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0));
    return colours.size;
  }, png);
}

describe('the console', () => {
  it.each([
    ['a laptop', LAPTOP],
    ['a large screen', DESKTOP],
  ])('of %s keeps underscores, and has 90 columns', async (_, viewport) => {
    const demo = await open('?experiment=stale-dma&vms=1', { viewport });
    const { page } = demo;
    await demo.console(0, 'TLBI_NH_VA and CMD_SYNC');
    await demo.state('ended');
    expect(await page.evaluate(() => devicePixelRatio)).toBe(1);
    await page.locator('#terminals').scrollIntoViewIfNeeded();
    const place = await placeOf(page, 'TLBI_NH', '_');
    if (!place) return expect.unreachable();
    expect(place.columns).toBeGreaterThanOrEqual(90);
    // Of the text's row: a blank has one colour, that of the terminal.
    expect(await coloursIn(page, place)).toBeGreaterThan(1);
    await demo.shot(`console-${viewport.width}`);
  });
});

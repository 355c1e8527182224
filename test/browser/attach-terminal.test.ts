// SPDX-License-Identifier: MIT
// A machine's console in a real xterm.js, in a page that loads the built package without
// a bundler.

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChromium } from '../support/browser.ts';
import { type Site, serve } from '../support/demo-site.ts';
import { PROJECT } from '../support/project.ts';
import { IMPORT_READ32, IMPORT_WRITE32, reactor } from '../support/wat.ts';

let browser: Browser;
let site: Site;
let page: Page;
const complaints: string[] = [];
beforeAll(async () => {
  [browser, site] = await Promise.all([startChromium(), serve(true, PROJECT)]);
  page = await browser.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => complaints.push(message.text()));
  await page.goto(`${site.url}test/browser/attach-terminal.html`);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

const UART = 0x0900_0000;
/**
 * Prints `ready` on two lines, then answers each typed character with the next one of
 * ASCII.
 */
const NEXT = reactor(
  `(func $say (param $c i32) (call $write32 (i32.const UART) (local.get $c)))
   (func $init)
   (global $greeted (mut i32) (i32.const 0))
   (func $run (param i32) (result i32)
     (if (i32.eqz (global.get $greeted)) (then
       (global.set $greeted (i32.const 1))
       ${[...'ready\nto go\n'].map((c) => `(call $say (i32.const ${c.charCodeAt(0)}))`).join(' ')}))
     (block $empty (loop $next
       (br_if $empty (i32.and (call $read32 (i32.const FR)) (i32.const 0x10)))
       (call $say (i32.add (call $read32 (i32.const UART)) (i32.const 1)))
       (br $next)))
     (i32.const 0))`
    .replaceAll('UART', String(UART))
    .replaceAll('const FR)', `const ${UART + 0x18})`),
  IMPORT_READ32 + IMPORT_WRITE32,
);

/** The terminal's lines, without empty ones. */
const shown = () =>
  page.$$eval('.xterm-rows > div', (rows) =>
    rows.map((row) => row.textContent?.replaceAll('\u00a0', ' ').trimEnd()).filter(Boolean),
  );
const showsSoon = (lines: readonly string[]) =>
  expect.poll(shown, { timeout: 30_000 }).toEqual(lines);

it("shows the guest's output, passes typed input to it, and neither once it is detached", async () => {
  await page.evaluate(
    (guest) => (globalThis as unknown as { start(guest: number[]): Promise<void> }).start(guest),
    [...NEXT],
  );
  // A line feed of the guest also returns the carriage.
  await showsSoon(['ready', 'to go']);
  await page.keyboard.type('HAL');
  await showsSoon(['ready', 'to go', 'IBM']);
  await page.evaluate(() => (globalThis as unknown as { detach(): void }).detach());
  await page.keyboard.type('no');
  // Other input still reaches the guest, but the terminal does not show it any more.
  const heard = await page.evaluate(
    () =>
      new Promise<string>((resolve) => {
        interface Console {
          on(event: 'output', listener: (bytes: Uint8Array) => void): void;
          write(text: string): void;
        }
        const { machine } = globalThis as unknown as { machine: Console };
        machine.on('output', (bytes) => resolve(new TextDecoder().decode(bytes)));
        machine.write('a');
      }),
  );
  expect([heard, await shown(), complaints]).toEqual(['b', ['ready', 'to go', 'IBM'], []]);
});

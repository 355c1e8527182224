#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Measures the cost of an open demo page: share of a core while it runs, while it is
// idle, and while it is hidden, and the time to the guest's first output. Needs demo/dist
// (npm run demo:build) and Chromium (CHROMIUM=/path/to/it). Shares are of processor time,
// which is larger on a busy computer; the load is printed with them, and what a page
// takes that does nothing.

import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { preview } from 'vite';

const IDLE_MS = 60_000;
const SETTLE_MS = 3000;
const WINDOW_MS = 15_000;
const PLACEMENTS = ['transport=inline', 'transport=mailbox', 'transport=mailbox&drain=thread'];

/** @param {number} ms */
const after = (ms) => new Promise((later) => setTimeout(later, ms));

/** @param {import('playwright-core').CDPSession} session of the browser */
async function processorTime(session) {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const sum = (/** @type {string} */ type) =>
    processInfo
      .filter((one) => one.type === type)
      .reduce((total, { cpuTime }) => total + cpuTime, 0);
  return { renderer: sum('renderer'), all: processInfo.reduce((all, one) => all + one.cpuTime, 0) };
}

/** @param {import('playwright-core').CDPSession} session */
async function share(session) {
  const before = await processorTime(session);
  const begun = performance.now();
  await after(WINDOW_MS);
  const now = await processorTime(session);
  const seconds = (performance.now() - begun) / 1000;
  const percent = (/** @type {'renderer' | 'all'} */ of) =>
    `${((100 * (now[of] - before[of])) / seconds).toFixed(1)} %`;
  return `${percent('renderer')} (all of the browser: ${percent('all')})`;
}

function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
}

/** @param {string} url of a page that does nothing. */
async function measureNothing(url) {
  const browser = await launch();
  try {
    const session = await browser.newBrowserCDPSession();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(url);
    await after(SETTLE_MS);
    return await share(session);
  } finally {
    await browser.close();
  }
}

/** @param {string} url */
async function measure(url) {
  const browser = await launch();
  try {
    const session = await browser.newBrowserCDPSession();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(url);
    const output = await page.waitForFunction(
      () => {
        // @ts-expect-error what the page offers to whoever drives it
        const text = globalThis.vsmmu?.console(0).trim() ?? '';
        return text === '' ? undefined : performance.now();
      },
      undefined,
      { polling: 5 },
    );
    const firstMs = Number(await output.jsonValue());
    const { renderer } = await processorTime(session);
    await page.mouse.move(100, 100);
    await after(SETTLE_MS);
    const running = await share(session);
    await page.waitForSelector('#note:has-text("No input")', { timeout: 2 * IDLE_MS });
    await after(SETTLE_MS);
    const idle = await share(session);
    // A headless browser has no other tab; a hidden page does not draw, either.
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: true, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await after(SETTLE_MS);
    const hidden = await share(session);
    return {
      'first output': `${firstMs.toFixed(0)} ms, ${renderer.toFixed(2)} s of the processor`,
      running,
      'no input for 60 s': idle,
      hidden,
    };
  } finally {
    await browser.close();
  }
}

const root = fileURLToPath(new URL('../demo', import.meta.url));
const server = await preview({ configFile: `${root}/vite.config.ts`, preview: { port: 0 } });
const url = server.resolvedUrls?.local[0] ?? '';
console.log(`a page that does nothing: ${await measureNothing(`${url}licences.txt`)}`);
for (const placement of PLACEMENTS) {
  const found = await measure(`${url}?${placement}`);
  console.log(
    `${placement}, load ${loadavg()
      .map((one) => one.toFixed(1))
      .join(' ')}`,
  );
  for (const [what, text] of Object.entries(found)) console.log(`  ${what}: ${text}`);
}
await server.close();

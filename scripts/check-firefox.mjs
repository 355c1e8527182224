#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Runs the demo in Firefox: the toy boots inline, and with vCPUs and drain on separate
// threads. Needs demo/dist (npm run demo:build) and Firefox (FIREFOX=/path/to/it, or
// Debian's location), which it controls by WebDriver BiDi; it installs the driver in an
// empty folder.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { preview } from 'vite';
import { install } from './try-out.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DRIVER = 'puppeteer-core@24.43.1';
const RUN_MS = 120_000;
/** Number of steps of the machines to wait for: each is a round of invalidations. */
const STEPS = 40;

/** Places of guests and drain, and the text that the page must show for them. */
const PLACEMENTS = [
  ['inline', 'transport=inline&drain=doorbell'],
  ['threads', 'transport=mailbox&drain=thread'],
];

function findFirefox() {
  const path = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
  if (!existsSync(path))
    throw new Error(`no Firefox at ${path}: apt-get install firefox-esr, or set FIREFOX`);
  return path;
}

/**
 * The used part of a page of the driver, which is not a dependency of this project.
 * @typedef {object} Page
 * @property {(event: string, listener: (what: { type(): string; text(): string }) =>
 *   void) => void} on
 * @property {(url: string) => Promise<unknown>} goto
 * @property {(is: (argument: number) => boolean, options: object, argument: number) =>
 *   Promise<unknown>} waitForFunction
 * @property {<Value>(look: () => Value) => Promise<Value>} evaluate
 * @property {() => Promise<void>} close
 */

/**
 * Boots the toy on a new page.
 * @param {{ newPage(): Promise<Page> }} browser
 * @param {string} url
 * @returns {Promise<string>} the page's text about it.
 */
async function boot(browser, url) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(url);
  await page.waitForFunction(
    (steps) => Number(document.querySelector('#steps')?.textContent) >= steps,
    { timeout: RUN_MS },
    STEPS,
  );
  const seen = await page.evaluate(() => ({
    isolated: globalThis.crossOriginIsolated,
    state: document.querySelector('#state')?.textContent,
    steps: document.querySelector('#steps')?.textContent,
    // @ts-expect-error what the page offers to whoever drives it
    console: globalThis.vsmmu.console(0),
  }));
  await page.close();
  if (errors.length > 0) throw new Error(errors.join('\n'));
  if (!seen.isolated) throw new Error('the page is not cross-origin isolated');
  if (!/ok/.test(seen.console)) throw new Error(`the guest says: ${seen.console}`);
  return `${seen.state} at step ${seen.steps}`;
}

const executablePath = findFirefox();
const folder = mkdtempSync(join(tmpdir(), 'vsmmu-firefox-'));
let failed = 0;
try {
  install(folder, [DRIVER]);
  const entry = createRequire(join(folder, 'package.json')).resolve('puppeteer-core');
  const { default: puppeteer } = await import(pathToFileURL(entry).href);
  const server = await preview({
    configFile: join(ROOT, 'demo/vite.config.ts'),
    preview: { port: 0 },
    logLevel: 'warn',
  });
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true });
  try {
    const [base] = server.resolvedUrls?.local ?? [];
    for (const [name, query] of PLACEMENTS) {
      try {
        const url = `${base}?vms=2&speed=full&${query}`;
        console.log(`ok   ${name}: ${await boot(browser, url)}`);
      } catch (error) {
        failed++;
        console.log(`FAIL ${name}: ${error instanceof Error ? error.message : error}`);
      }
    }
  } finally {
    await browser.close();
    await server.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${PLACEMENTS.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

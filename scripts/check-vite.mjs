#!/usr/bin/env node
// The package in a Vite application: packed, installed in an empty folder, served by Vite's development server and as a build, and run in a real
// browser, on the page's thread and on threads of its own. Takes Chromium (CHROMIUM=/path/to/it, or where Debian puts it).

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, createServer, preview } from 'vite';
import { install, pack, startChromium } from './try-out.mjs';

const RUN_MS = 120_000;
const EXPECTED = ['isolated', 'inline doorbell off 0', 'mailbox thread off 0', 'done'];

const PAGE =
  '<!doctype html><title>vsmmu</title><pre id="log"></pre><script type="module" src="/main.js"></script>';
const MAIN = `import { Host, probe } from 'vsmmu';
import { toyGuest } from 'vsmmu/guest';

const log = (text) => document.querySelector('#log').append(text + '\\n');
try {
  const { threads } = await probe();
  log(threads.available ? 'isolated' : threads.reason);
  const host = await Host.create();
  for (const [transport, drain] of [['inline', 'doorbell'], ['mailbox', 'thread']]) {
    const machine = await host.createMachine({ guest: toyGuest, transport, drain, args: ['vms=1', 'rounds=1'] });
    await machine.boot();
    const { status, exitCode, reason } = await machine.wait();
    log([transport, drain, status, exitCode, reason].join(' ').trim());
    await machine.destroy();
  }
  await host.destroy();
} catch (error) {
  log(String(error));
}
log('done');
`;

const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/**
 * @param {import('playwright-core').Browser} browser
 * @param {string} name
 * @param {string | undefined} url
 */
async function check(browser, name, url) {
  if (url === undefined) throw new Error(`${name}: no address`);
  const page = await browser.newPage();
  /** @type {string[]} */
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(url);
  await page.waitForFunction(
    "document.querySelector('#log').textContent.endsWith('done\\n')",
    undefined,
    { timeout: RUN_MS },
  );
  const lines = (await page.textContent('#log'))?.trim().split('\n') ?? [];
  if (errors.length > 0 || lines.join() !== EXPECTED.join())
    throw new Error(`${name}: ${[...lines, ...errors].join('; ')}`);
  console.log(`vite ${name}: ${lines.join(', ')}`);
  await page.close();
}

const browser = await startChromium();
const folder = mkdtempSync(join(tmpdir(), 'vsmmu-vite-'));
try {
  install(folder, [pack(folder)]);
  writeFileSync(join(folder, 'index.html'), PAGE);
  writeFileSync(join(folder, 'main.js'), MAIN);
  /** @type {import('vite').InlineConfig} */
  const config = {
    root: folder,
    configFile: false,
    logLevel: 'error',
    server: { headers, port: 0 },
    preview: { headers, port: 0 },
    worker: { format: 'es' },
    optimizeDeps: { exclude: ['vsmmu'] },
    build: { target: 'es2022', assetsInlineLimit: 0 },
  };
  const server = await createServer(config);
  await server.listen();
  await check(browser, 'dev server', server.resolvedUrls?.local[0]);
  await server.close();
  await build(config);
  const built = await preview(config);
  await check(browser, 'build', built.resolvedUrls?.local[0]);
  await built.close();
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

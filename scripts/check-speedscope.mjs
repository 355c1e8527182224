#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Imports a trace of the toy in Speedscope's own importer, in Chromium, which warns
// unless all slices nest. Installs Speedscope in an empty folder. Needs Chromium
// (CHROMIUM=/path/to/it, or Debian's location); `--picture FILE` also makes the picture
// of docs/trace.md.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { install, startChromium } from './try-out.mjs';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const SPEEDSCOPE = 'speedscope@1.25.0';
const RECORDS = '30000';
const IMPORT_MS = 120_000;
const MOST_SHOWN = 5;
/** Microseconds around the first run of the VCMDQ that are in the picture. */
const PICTURE_US = 40;

/**
 * @typedef {{ name: string, ph: string, ts?: number, dur?: number }} Slice
 * @typedef {Slice & { pid: number, tid: number, args?: { name?: string } }} Event
 */

/**
 * The part of the trace in the picture: the first run of commands on a VCMDQ.
 * @param {{ traceEvents: Event[] }} trace
 */
function closeUp(trace) {
  const track = trace.traceEvents.find(({ args }) => args?.name === 'LVCMDQ 0');
  const own = trace.traceEvents.filter(({ tid, pid }) => tid === track?.tid && pid === track.pid);
  const runs = own.filter(({ name }) => name === 'drain');
  const { ts = 0 } = runs.find(({ dur = 0 }) => dur > 1) ?? {};
  const isNear = (/** @type {Event} */ event) =>
    event.ph === 'M' || (event.ph === 'X' && Math.abs((event.ts ?? 0) - ts) < PICTURE_US);
  return { ...trace, traceEvents: own.filter(isNear) };
}

const browser = await startChromium();
const folder = mkdtempSync(join(tmpdir(), 'vsmmu-speedscope-'));

/**
 * Imports a trace.
 * @param {string} text
 */
async function imported(text) {
  const page = await browser.newPage({ viewport: { width: 900, height: 330 } });
  /** @type {string[]} */
  const said = [];
  page.on('console', (message) => {
    const isComplaint = message.type() === 'warning' || message.type() === 'error';
    // Excludes the graphics driver's messages about taking a picture.
    if (isComplaint && !message.text().startsWith('[.WebGL')) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(error.message));
  // The same way as `npx speedscope FILE`.
  const script = join(folder, 'profile.js');
  const base64 = Buffer.from(text).toString('base64');
  writeFileSync(script, `speedscope.loadFileFromBase64('run.json', '${base64}')`);
  const release = join(folder, 'node_modules/speedscope/dist/release/index.html');
  await page.goto(`${pathToFileURL(release).href}#localProfilePath=${script}`);
  await page.waitForFunction("document.title.endsWith(' - speedscope')", undefined, {
    timeout: IMPORT_MS,
  });
  return { page, said };
}

try {
  install(folder, ['--ignore-scripts', SPEEDSCOPE]);
  const file = join(folder, 'run.json.gz');
  execFileSync(process.execPath, [
    ...[MAIN, 'boot', 'toy', '--vms', '1', '--quiet'],
    ...['--trace', file, '--trace-limit', RECORDS],
  ]);
  const text = gunzipSync(readFileSync(file)).toString();
  const { said } = await imported(text);
  if (said.length > 0)
    throw new Error(
      `Speedscope says ${said.length} things: ${said.slice(0, MOST_SHOWN).join('; ')}`,
    );
  const trace = JSON.parse(text);
  console.log(`speedscope: ${trace.traceEvents.length} events, no warning`);
  const at = process.argv.indexOf('--picture');
  if (at > 0) {
    const { page } = await imported(JSON.stringify(closeUp(trace)));
    await page.screenshot({ path: process.argv[at + 1] });
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

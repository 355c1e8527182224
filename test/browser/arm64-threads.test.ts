// SPDX-License-Identifier: MIT
// arm64 vCPUs on workers of a page that is built by Vite: one worker for each vCPU, as in
// Node.js.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChromium } from '../support/browser.ts';
import { buildSite, type Site, serve } from '../support/demo-site.ts';

/** Hand-overs between two vCPUs. A million of them take minutes: HAND_OVERS=1000000. */
const HAND_OVERS = Number(process.env.HAND_OVERS ?? 1000);
const OUTCOMES = 20_000;

let folder: string;
let browser: Browser;
let site: Site;
let page: Page;
let workers: string[] = [];
const complaints: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vsmmu-arm64-threads-'));
  const config = 'test/browser/arm64-threads.config.ts';
  await buildSite(['--config', config, '--outDir', folder]);
  [browser, site] = await Promise.all([startChromium(), serve(true, folder)]);
  page = await browser.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('worker', (worker) => workers.push(worker.url()));
  await page.goto(`${site.url}arm64-threads.html`);
  await page.waitForFunction(() => 'tests' in globalThis);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await rm(folder, { recursive: true });
});

interface Found {
  readonly status: string;
  readonly error?: string;
  readonly output: string;
}

/**
 * The result of a function of the page, and how many vCPUs had workers of their own for
 * it.
 */
async function call<T>(
  name: string,
  ...args: readonly unknown[]
): Promise<Found & T & { vcpus: number }> {
  workers = [];
  const found = await page.evaluate(
    async ([what, given]) => {
      const { tests } = globalThis as unknown as {
        tests: Readonly<Record<string, (...given: readonly unknown[]) => Promise<unknown>>>;
      };
      return await tests[what]?.(...given);
    },
    [name, args] as const,
  );
  expect(complaints).toEqual([]);
  const vcpus = workers.filter((url) => url.includes('vcpu-worker')).length;
  return { ...(found as Found & T), vcpus };
}

it('a Blob is a disk in a worker', async () => {
  const bytes = Array.from({ length: 0x11000 }, (_, i) => (i * 7) & 0xff);
  const [offset, length] = [0xfff0, 0x20];
  const found = await call<Record<string, unknown>>('blobDisk', bytes, offset, length);
  const below = bytes.slice(offset, offset + length);
  const over = [0xee, ...below.slice(1)];
  expect(found).toMatchObject({ size: 0x11000, below, over });
});

const ENDED = { status: 'off', error: undefined };

describe('arm64 vCPUs on workers of a page', { timeout: 3_600_000 }, () => {
  it('boot the toy, whose checks all pass', async () => {
    const { results, ...found } = await call<{ results: [string, boolean, string][] }>('toy');
    expect(found).toMatchObject({ ...ENDED, vcpus: 2 });
    expect(found.output).toContain(`${results.length} checks, 0 failed`);
    expect(results.length).toBeGreaterThan(30);
    expect(results.filter(([, ok]) => !ok)).toEqual([]);
  });

  it('read a counter that advances from one to the other', async () => {
    const found = await call<{ handOvers: number; backward: number; latest: number }>(
      'handOvers',
      HAND_OVERS,
    );
    expect(found).toMatchObject({ ...ENDED, vcpus: 2, handOvers: HAND_OVERS, backward: 0 });
    expect(found.latest).toBeGreaterThan(0);
  });

  it.each([
    'message passing, STLR and LDAR',
    'store buffering, DMB',
    'two increments by LDXR and STXR',
  ])('see memory as the architecture defines it: %s', async (name) => {
    const found = await call<{ outcomes: number; forbidden: number }>('litmus', name, OUTCOMES);
    expect(found).toMatchObject({ ...ENDED, vcpus: 2, forbidden: 0 });
    expect(found.outcomes).toBeGreaterThanOrEqual(OUTCOMES);
  });
});

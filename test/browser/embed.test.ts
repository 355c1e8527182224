// SPDX-License-Identifier: MIT
// A machine in a user's own page: the two files of the README, in a folder with the
// package installed, built and opened.

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChromium } from '../support/browser.ts';
import { buildSite, type Site, serve } from '../support/demo-site.ts';
import { newFolder, readPage } from '../support/doc-page.ts';

let folder: string;
let site: Site;

beforeAll(async () => {
  folder = await newFolder();
  for (const { info, text } of await readPage('README.md'))
    if (info !== '') await writeFile(join(folder, info), text);
  await buildSite([], folder);
  site = await serve(true, join(folder, 'dist'));
});
afterAll(async () => {
  await site?.close();
  await rm(folder, { recursive: true });
});

it('the page of the README boots the toy on workers and shows its console', async () => {
  const blocks = await readPage('README.md');
  expect(blocks.filter(({ info }) => info !== '').map(({ info }) => info)).toEqual([
    'index.html',
    'vite.config.js',
  ]);
  const browser = await startChromium();
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    const workers: string[] = [];
    page.on('worker', (worker) => workers.push(worker.url()));
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('response', (response) => {
      // Browsers request this one from every host.
      if (!response.ok() && !response.url().endsWith('/favicon.ico'))
        errors.push(`${response.status()} ${response.url()}`);
    });
    await page.goto(site.url);
    await page.waitForFunction(
      () => document.querySelector('#console')?.textContent?.includes('direct invalidations'),
      undefined,
      {
        timeout: 60_000,
      },
    );
    const text = (await page.textContent('#console')) ?? '';
    expect(text).toMatch(/checks, 0 failed\s+off, 0 exits during direct invalidations$/);
    for (const name of ['drain-worker', 'vcpu-worker'])
      expect(workers.filter((url) => url.includes(name)).length).toBe(1);
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
  }
});

// SPDX-License-Identifier: MIT
// Network transfers until the page shows something.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Request } from 'playwright-core';
import { expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

/** Size of the site's file for a request, as compressed by a host. */
async function packed(request: Request): Promise<number> {
  const { pathname } = new URL(request.url());
  const file = pathname === '/' ? 'index.html' : pathname;
  return gzipSync(await readFile(join(PROJECT, 'demo/dist', file))).length;
}

it('has the licences of all that is in it', async () => {
  const text = await readFile(join(PROJECT, 'demo/dist/licences.txt'), 'utf8');
  for (const name of [
    'vsmmu',
    'comlink',
    'lit-html',
    'uplot',
    'valibot',
    '@xterm/xterm',
    '@wasmer/wasi',
  ])
    expect(text, name).toMatch(new RegExp(`^${name}\\b[^\\n]*\\n=+$`, 'm'));
  expect(
    text.match(/Permission is hereby granted|Redistribution and use|Apache License/g)?.length,
  ).toBeGreaterThan(6);
});

it('is less than 300 kB until the first picture, and 340 with the toy', async () => {
  const demo = await open('?vms=1&run=no');
  await demo.state('paused');
  const { page } = demo;
  const requests: Request[] = [];
  page.on('request', (request) => requests.push(request));
  await page.reload();
  await demo.state('paused');
  // Consoles are drawn later.
  await page.waitForSelector('.xterm-screen');
  // By the page's own clock: the browser's may differ by a millisecond. Requests of a
  // worker are not listed there, and count.
  const later = await page.evaluate(() => {
    const picture = performance.getEntriesByName('first-picture')[0]?.startTime ?? 0;
    return performance
      .getEntriesByType('resource')
      .filter(({ startTime }) => startTime >= picture)
      .map(({ name }) => name);
  });
  expect(later.length).toBeGreaterThan(0);
  const before = requests.filter((request) => !later.includes(request.url()));
  // A second request for the same file is served from the cache.
  const once = new Map(before.map((request) => [request.url(), request]));
  const sizes = await Promise.all(
    [...once].map(async ([url, request]) => ({ url, size: await packed(request) })),
  );
  const sum = (some: typeof sizes) => some.reduce((total, { size }) => total + size, 0);
  for (const name of ['session-worker', 'smmu-unit', 'toy-'])
    expect(
      sizes.some(({ url }) => url.includes(name)),
      name,
    ).toBe(true);
  expect(sum(sizes.filter(({ url }) => !/toy-/.test(url)))).toBeLessThan(300_000);
  expect(sum(sizes)).toBeLessThan(340_000);
});

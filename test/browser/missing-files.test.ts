// SPDX-License-Identifier: MIT
// A page whose server lacks some of the library's files, or has others instead.

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startChromium } from '../support/browser.ts';
import { buildSite, type Site, serve } from '../support/demo-site.ts';
import { newFolder, readPage } from '../support/doc-page.ts';

/** Creates machines with the test's options, and reports the result. */
const MAIN = `import { Host } from 'vsmmu';
import { toyGuest } from 'vsmmu/guest';

window.bootToy = async (hostOptions, machineOptions) => {
  try {
    const host = await Host.create(hostOptions);
    const machine = await host.createMachine({ guest: toyGuest, args: ['vms=1', 'rounds=1'], ...machineOptions });
    await machine.boot();
    const { status } = await machine.wait();
    await host.destroy();
    return { status };
  } catch ({ name, code, url, message }) {
    return { name, code, url, message };
  }
};
`;

let folder: string;
let site: Site;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = await newFolder();
  const config = (await readPage('docs/bundlers.md')).find(({ info }) => info === 'vite.config.js');
  await writeFile(join(folder, 'vite.config.js'), config?.text ?? '');
  await writeFile(join(folder, 'index.html'), '<script type="module" src="./main.js"></script>');
  await writeFile(join(folder, 'main.js'), MAIN);
  await buildSite([], folder);
  site = await serve(true, join(folder, 'dist'));
  browser = await startChromium();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  page = await browser.newPage();
});
afterEach(() => page.close());

async function bootToy(hostOptions: object, machineOptions: object): Promise<unknown> {
  await page.goto(site.url);
  await page.waitForFunction(() => 'bootToy' in window);
  const call = `window.bootToy(${JSON.stringify(hostOptions)}, ${JSON.stringify(machineOptions)})`;
  return await page.evaluate(call);
}

/** The response of a single-page app's server for a missing file. */
const A_PAGE = { status: 200, contentType: 'text/html', body: '<p>not found' };
const ON_THREADS = { transport: 'mailbox', drain: 'thread' };
const nameOf = (file: string) => expect.stringMatching(new RegExp(`^http://.*/${file}[^/]*$`));

describe('a page', () => {
  it.each([
    ['is not there', { status: 404 }, /404/],
    ['is a page', A_PAGE, /the server answers text\/html/],
    ['is cut off', { contentType: 'application/wasm', body: '\0asm' }, /cannot be loaded: /],
  ])('says which module it lacks when the file %s', async (_, answer, reason) => {
    await page.route(/smmu-unit.*\.wasm$/, (route) => route.fulfill(answer));
    expect(await bootToy({}, {})).toEqual({
      name: 'EnvironmentError',
      code: 'no-module',
      url: nameOf('smmu-unit'),
      message: expect.stringMatching(reason),
    });
  });

  it.each([
    ['vcpu-worker', { status: 404 }, '404'],
    ['vcpu-worker', A_PAGE, 'text/html'],
    ['drain-worker', { status: 404 }, '404'],
    ['drain-worker', A_PAGE, 'text/html'],
  ])(
    'reports that it lacks %s, under the name that the bundler gave it: %j',
    async (worker, answer, reason) => {
      await page.route(new RegExp(`${worker}.*\\.js$`), (route) => route.fulfill(answer));
      expect(await bootToy({}, ON_THREADS)).toMatchObject({
        name: 'EnvironmentError',
        code: 'no-worker',
        url: nameOf(worker),
        message: expect.stringMatching(`${worker}.*the server answers ${reason}`),
      });
    },
  );

  it.each([
    ['lies at another origin', 'http://127.0.0.1:1/vcpu-worker.js'],
    ['is a page', '/index.html'],
    ['is not there', '/nowhere.js'],
    ['is not there, beside the page', 'nowhere.js'],
  ])('says which worker of its own %s', async (_, vcpu) => {
    expect(await bootToy({ workerUrl: { vcpu } }, ON_THREADS)).toMatchObject({
      code: 'no-worker',
      url: new URL(vcpu, site.url).href,
    });
  });

  it('loads modules from a server that sends another type', async () => {
    await page.route(/\.wasm$/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, contentType: 'application/octet-stream' });
    });
    expect(await bootToy({}, ON_THREADS)).toEqual({ status: 'off' });
  });
});

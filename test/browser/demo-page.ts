// SPDX-License-Identifier: MIT
// The demo's page for its tests: what it shows, and the machines that it runs.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { Frame, Picture, RawQueue, VmPicture } from '../../demo/protocol.ts';
import { PROJECT } from '../support/project.ts';
import { THOROUGH } from '../support/thorough.ts';

/** What the page puts into its global scope (demo/start-page.ts). */
export interface Handle {
  readonly vmm: { rawQueues(): Promise<readonly RawQueue[]> };
  readonly picture: Picture | undefined;
  readonly frame: Frame | undefined;
  console(vm: number): string;
  drawn(): Promise<void>;
}

const SHOTS = join(PROJECT, 'demo/shots');
export const PHONE = { width: 390, height: 844 };
export const LAPTOP = { width: 1280, height: 800 };
export const DESKTOP = { width: 1920, height: 1080 };

export interface OpenOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: 'dark' | 'light';
  /** Whether dots move along the drawing. Default: no. They have the page drawn sixty times a second, which is up to a third of what a running page costs. */
  readonly motion?: boolean;
}

export class DemoPage {
  readonly page: Page;
  /** Errors and warnings of the page, and requests that leave its origin. */
  readonly complaints: string[] = [];

  static async open(browser: Browser, url: string, options: OpenOptions = {}): Promise<DemoPage> {
    const { viewport = LAPTOP, colorScheme = 'dark', motion = false } = options;
    const reducedMotion = motion ? 'no-preference' : 'reduce';
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion });
    const demo = new DemoPage(await context.newPage(), new URL(url).origin);
    await demo.page.goto(url);
    return demo;
  }

  private constructor(page: Page, origin: string) {
    this.page = page;
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => this.complaints.push(`error: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        this.complaints.push(`console: ${message.text()}`);
    });
    page.on('request', (request) => {
      const { protocol, origin: target } = new URL(request.url());
      if (protocol.startsWith('http') && target !== origin)
        this.complaints.push(`request: ${request.url()}`);
    });
  }

  /** Picks a file as the guest. */
  pick(name: string, bytes: Uint8Array): Promise<void> {
    return this.page.setInputFiles('#guest-file', {
      name,
      mimeType: 'application/wasm',
      buffer: Buffer.from(bytes),
    });
  }

  /** Chooses settings, none of them an initial value, and waits until there are machines that have them. */
  async choose(settings: Readonly<Record<string, string>>): Promise<void> {
    const wanted = Object.entries(settings);
    for (const [name, value] of wanted) await this.page.selectOption(`select[name=${name}]`, value);
    await this.page.waitForFunction((all) => {
      const query = new URLSearchParams(location.search);
      return all.every(([name = '', value]) => query.get(name) === value);
    }, wanted);
    await this.drawn();
  }

  close(): Promise<void> {
    return this.page.context().close();
  }

  /** Waits until the page shows what holds now. */
  async drawn(): Promise<void> {
    await this.page.waitForFunction(() => 'vsmmu' in globalThis);
    await this.page.evaluate(() => (globalThis as unknown as { vsmmu: Handle }).vsmmu.drawn());
  }

  /** Waits until the page is in a state: booting, running, paused, ended, stopped. */
  async state(wanted: string): Promise<void> {
    await this.drawn();
    await this.page.waitForFunction(
      (text) => document.querySelector('#state')?.textContent === text,
      wanted,
    );
  }

  /** Waits until the page shows that a number of steps have been made. */
  async steps(wanted: number): Promise<void> {
    await this.page.waitForFunction(
      (text) => document.querySelector('#steps')?.textContent === text,
      String(wanted),
    );
  }

  /** Waits until a VM's console has a text. */
  async console(vm: number, text: string): Promise<void> {
    await this.page.waitForFunction(
      ([index, wanted]) =>
        (globalThis as unknown as { vsmmu?: Handle }).vsmmu?.console(index).includes(wanted),
      [vm, text] as const,
    );
  }

  consoleText(vm: number): Promise<string> {
    return this.page.evaluate(
      (index) => (globalThis as unknown as { vsmmu: Handle }).vsmmu.console(index),
      vm,
    );
  }

  /** A machine as the page's last picture has it. */
  async vm(index: number): Promise<VmPicture> {
    await this.drawn();
    const found = await this.page.evaluate(
      (at) => (globalThis as unknown as { vsmmu: Handle }).vsmmu.picture?.vms[at],
      index,
    );
    if (!found) throw new Error(`there is no machine ${index}`);
    return found;
  }

  /** Waits until the guest has followed a TLBI on a number of paths. */
  async traced(paths: number): Promise<void> {
    await this.page.waitForFunction(
      (count) => document.querySelectorAll('.lane').length === count,
      paths,
    );
  }

  rawQueues(): Promise<readonly RawQueue[]> {
    return this.page.evaluate(() =>
      (globalThis as unknown as { vsmmu: Handle }).vsmmu.vmm.rawQueues(),
    );
  }

  /** PROD and CONS of every queue in the snapshot. */
  shownQueues(): Promise<RawQueue[]> {
    return this.page.$$eval('[data-queue]', (queues) =>
      queues.map((element) => {
        const [vm = '', ...name] = (element.getAttribute('data-queue') ?? '').split(' ');
        const number = (value: string) =>
          Number(element.querySelector(`[data-value=${value}]`)?.textContent);
        return { vm, queue: name.join(' '), prod: number('prod'), cons: number('cons') };
      }),
    );
  }

  /** Pixels by which the page is wider than its window. */
  overflow(): Promise<number> {
    return this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
  }

  /** A screenshot for people, of thorough runs; not committed. */
  async shot(name: string): Promise<void> {
    if (!THOROUGH) return;
    await mkdir(SHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
  }
}

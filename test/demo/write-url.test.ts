// SPDX-License-Identifier: MIT
// The browser's history: the entries that the demo creates, and which of them lead to
// other machines.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSettings } from '../../demo/demo-settings.ts';

const PAGE = 'https://host/demo/';
const GUEST = {
  kind: 'wasm',
  name: 'mine.wasm',
  bytes: new Uint8Array(1),
  link: '?guest=https%3A%2F%2Fother%2Fmine.wasm',
} as const;

/** A browser's history and its entries. */
class Entries {
  readonly all: { state: unknown; url: URL }[] = [{ state: null, url: new URL(PAGE) }];
  at = 0;
  listener = (): void => undefined;

  get now() {
    const entry = this.all[this.at];
    if (!entry) throw new Error('no entry');
    return entry;
  }

  get state(): unknown {
    return this.now.state;
  }

  pushState(state: unknown, _: string, url: string): void {
    this.all.splice(++this.at, Number.POSITIVE_INFINITY, {
      state: structuredClone(state),
      url: new URL(url, this.all[this.at - 1]?.url),
    });
  }

  replaceState(state: unknown, _: string, url = ''): void {
    this.now.state = structuredClone(state);
    if (url !== '') this.now.url = new URL(url, this.now.url);
  }

  go(by: number): void {
    this.at += by;
    this.listener();
  }

  /** Like a link within the page, or a user who edits the address. */
  follow(url: string): void {
    this.pushState(null, '', url);
    this.listener();
  }
}

let entries: Entries;
const opened: (readonly [string, string | undefined])[] = [];

/** Loads the page's part again, like a reload. */
async function load() {
  vi.resetModules();
  const address = await import('../../demo/page/write-url.ts');
  address.onAddressChange(({ search, hash }, picked) => opened.push([search + hash, picked]));
  return address;
}

beforeEach(() => {
  entries = new Entries();
  opened.length = 0;
  vi.stubGlobal('history', entries);
  vi.stubGlobal('location', {
    get href() {
      return entries.now.url.href;
    },
    get pathname() {
      return entries.now.url.pathname;
    },
  });
  vi.stubGlobal('addEventListener', (_: string, listener: () => void) => {
    entries.listener = listener;
  });
});
afterEach(() => vi.unstubAllGlobals());

const settings = (query: string, guest = 'toy') => ({
  ...readSettings(new URLSearchParams(query)),
  guest,
});

describe('the history', () => {
  it('leads back from a guest to its offer, though both have the same address', async () => {
    entries.replaceState(null, '', GUEST.link);
    const { writeUrl } = await load();
    writeUrl(settings('', GUEST.name), GUEST, settings(''));
    expect(entries.all.map(({ url }) => url.search)).toEqual([GUEST.link, GUEST.link]);
    entries.go(-1);
    entries.go(1);
    expect(opened).toEqual([
      [GUEST.link, undefined],
      [GUEST.link, undefined],
    ]);
  });

  it('remembers which guest was picked, also after a reload of the page', async () => {
    const { writeUrl } = await load();
    const picked = { ...GUEST, link: undefined };
    writeUrl(settings('', GUEST.name), picked, settings(''));
    writeUrl(settings('experiment=stale-dma'), undefined, settings('', GUEST.name));
    entries.go(-1);
    expect(opened).toEqual([['', 'mine.wasm']]);
    entries.go(1);
    await load();
    entries.go(-1);
    entries.go(-1);
    expect(opened.slice(1)).toEqual([
      ['?experiment=stale-dma', undefined],
      ['', 'mine.wasm'],
      ['', undefined],
    ]);
  });

  it('has one entry for settings that have no place of their own', async () => {
    const { writeUrl, showUrl } = await load();
    writeUrl(settings('vms=3'), undefined, settings(''));
    showUrl('?vms=3&step=2');
    expect(entries.all.map(({ url }) => url.search)).toEqual(['?vms=3&step=2']);
    writeUrl(settings('vms=3&experiment=stale-dma'), undefined, settings('vms=3'));
    entries.go(-1);
    expect(opened).toEqual([['?vms=3&step=2', undefined]]);
  });

  it('opens nothing for a link to a place in the page, and nothing on the way back', async () => {
    await load();
    entries.follow('#there');
    entries.go(-1);
    entries.go(1);
    expect(opened).toEqual([]);
    entries.follow('#guest=a,AAAA');
    entries.follow('?vms=1');
    entries.go(-2);
    expect(opened).toEqual([
      ['#guest=a,AAAA', undefined],
      ['?vms=1', undefined],
      ['#there', undefined],
    ]);
  });
});

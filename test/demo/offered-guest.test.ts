// SPDX-License-Identifier: MIT
// Guests that a server has for a link: where they come from, and that a fetch has an end.

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { bringsGuest, offeredGuest } from '../../demo/link/offered-guest.ts';
import { GuestOffer } from '../../demo/page/guest-offer.ts';

const PAGE = 'http://page.test/';
const GUEST = new Uint8Array([0, 0x61, 0x73, 0x6d]);

/** Answers forever, "/slow" with a byte now and then; what is asked for there, and closed since. */
let asked = 0;
let closed = 0;
let site: Server;
let other: Server;

const listen = async (answer: (path: string, response: ServerResponse) => unknown) => {
  const server = createServer((request, response) => answer(request.url ?? '', response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
};
const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeAll(async () => {
  other = await listen((_, response) => response.end(GUEST));
  site = await listen((path, response) => {
    if (path === '/moved.wasm')
      return response.writeHead(302, { Location: `${urlOf(other)}/x/real.wasm` }).end();
    if (path === '/cut') {
      response.writeHead(200, { 'Content-Length': 100 }).write('a', () => response.destroy());
      return undefined;
    }
    if (path !== '/slow') return response.writeHead(404).end('none');
    asked++;
    response.on('close', () => closed++);
    response.writeHead(200);
    return response.write('a');
  });
});
afterAll(() => {
  for (const server of [site, other]) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach(() => {
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('crossOriginIsolated', false);
  vi.stubGlobal('location', new URL(PAGE));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const address = (guest: string) => new URL(`?guest=${encodeURIComponent(guest)}`, PAGE);
const signal = () => new AbortController().signal;

describe('a guest of a server', () => {
  it('comes from where a redirect leads', async () => {
    const page = address(`${urlOf(site)}/moved.wasm`);
    const { guest, from, size } = await offeredGuest(page, signal());
    expect({ from, size, name: guest.name }).toEqual({
      from: urlOf(other),
      size: GUEST.length,
      name: 'moved.wasm',
    });
    expect(guest.link).toBe(page.search);
  });

  it('has a name without invisible characters', async () => {
    const page = address(`${urlOf(other)}/a%E2%80%AEb%0Ac`);
    expect((await offeredGuest(page, signal())).guest.name).toBe('abc');
  });

  it.each([
    ['http://', 'guest=http://: it is no URL'],
    ['javascript:1', 'guest=javascript:1: it is not a URL of http or https'],
    ['http://127.0.0.1:1/', 'guest=http://127.0.0.1:1/: the server cannot be reached'],
    [
      `data:${'a'.repeat(100)}`,
      `guest=data:${'a'.repeat(75)}\u2026: it is not a URL of http or https`,
    ],
  ])('%j is refused in one line', async (guest, line) => {
    await expect(offeredGuest(address(guest), signal())).rejects.toThrow(new Error(line));
  });

  it('that breaks off is said to, whatever the browser calls that', async () => {
    const page = address(`${urlOf(site)}/cut`);
    await expect(offeredGuest(page, signal())).rejects.toThrow(/: the transfer has broken off/);
  });

  it('that is not there is said by its status', async () => {
    const page = address(`${urlOf(site)}/none`);
    await expect(offeredGuest(page, signal())).rejects.toThrow(/: the server answers 404$/);
  });

  it('ends with its offer', async () => {
    const offer = new GuestOffer();
    const told = vi.fn();
    offer.look(address(`${urlOf(site)}/slow`), told);
    await expect.poll(() => asked).toBe(1);
    offer.clear();
    await expect.poll(() => closed).toBe(1);
    expect(told).not.toHaveBeenCalled();
    expect(offer.offered).toBeUndefined();
  });

  it('that does not come to an end is given up after two minutes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const offer = new GuestOffer();
    const problem = new Promise((told) => offer.look(address(`${urlOf(site)}/slow`), told));
    vi.advanceTimersByTime(119_000);
    expect(offer.offered).toBeUndefined();
    vi.advanceTimersByTime(1000);
    expect(await problem).toMatch(/: it has not come within 120 s$/);
  });
});

it.each([
  ['?guest=', false],
  ['?guest=toy', false],
  ['?guest=toy#guest=a,b', true],
  ['?guest=#guest=a,b', true],
  ['#guest=a,b', true],
  ['#here', false],
  ['?guest=mine.wasm', true],
])('the address %s brings a guest: %s', (link, brings) => {
  expect(bringsGuest(new URL(link, PAGE))).toBe(brings);
});

it('an address with the toy and a guest in its hash brings that guest', async () => {
  const page = new URL('?guest=toy#guest=a,AAAA', PAGE);
  await expect(offeredGuest(page, signal())).rejects.toThrow(/^the guest cannot be unpacked/);
});

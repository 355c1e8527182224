// SPDX-License-Identifier: MIT
// Guests in the hash of a link: small ones survive the round trip, wrong ones give one
// line.

import { deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainName } from '../../demo/link/guest-name.ts';
import {
  GUEST_HASH,
  guestOfText,
  guestText,
  MOST_GUEST_BYTES,
  MOST_TEXT,
} from '../../demo/link/guest-text.ts';

const noise = (length: number) => {
  let word = 1;
  return Uint8Array.from({ length }, () => {
    word = Math.imul(word, 1664525) + 1013904223;
    return word >>> 24;
  });
};
const packedText = (bytes: Uint8Array) => deflateRawSync(bytes).toString('base64url');

describe('a guest as text', () => {
  it('is restored unchanged, for any bytes and name', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 3000 }),
        fc.string({ unit: 'binary', maxLength: 80 }),
        async (all, name) => {
          const bytes = new Uint8Array(all);
          const text = await guestText(name, bytes);
          // As encoded in an address.
          const { hash } = new URL(text ?? '', 'https://host/');
          expect(await guestOfText(hash)).toEqual({ name: plainName(name), bytes });
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each(['50% off,1.wasm', 'a%2Cb', '\u{1f600}.wasm', 'a#b&c=d e'])(
    'keeps the name %j',
    async (name) => {
      const text = await guestText(name, new Uint8Array([1]));
      expect(text).toMatch(/^#guest=[\w%.!~*'()-]+,[\w-]+$/);
      expect((await guestOfText(text ?? '')).name).toBe(name);
    },
  );

  it('is not made when it is too long for a link', async () => {
    const fits = await guestText('a', noise(23_000));
    expect(fits?.length).toBeLessThanOrEqual(MOST_TEXT + 20);
    expect(fits?.length).toBeGreaterThan(23_000);
    expect(await guestText('a', noise(25_000))).toBeUndefined();
    expect(await guestText('a', new Uint8Array(100 * MOST_TEXT + 1))).toBeUndefined();
  });

  it('that unpacks to more than 32 MiB is refused', async () => {
    const bomb = packedText(new Uint8Array(MOST_GUEST_BYTES + 1));
    expect(bomb.length).toBeLessThan(2 * MOST_TEXT);
    await expect(guestOfText(`${GUEST_HASH}a,${bomb}`)).rejects.toThrow(
      /^it is larger than 32 MiB, the most for a link$/,
    );
  });

  const good = packedText(noise(1000));
  it.each([
    ['mine.wasm', /^the link has no guest: a name, a comma, and base64url$/],
    ['', /^the link has no guest: a name, a comma, and base64url$/],
    ['mine.wasm,', /^the guest is no base64url$/],
    ['mine.wasm,a+b/', /^the guest is no base64url$/],
    ['mine.wasm,AAAAA', /^the guest is no base64url; part of the link may be missing$/],
    ['100%,AAAA', /^the guest is no base64url; part of the link may be missing$/],
    [`a,${good.slice(0, -20)}`, /^the guest cannot be unpacked; part of the link may be missing$/],
    [
      `a,${gzipSync('no').toString('base64url')}`,
      /^the guest cannot be unpacked; part of the link may be missing$/,
    ],
    [`a,${'A'.repeat(2 * MOST_TEXT + 1)}`, /^the guest is too long for a link$/],
  ])('%j is refused in one line', async (text, line) => {
    await expect(guestOfText(`${GUEST_HASH}${text}`)).rejects.toThrow(line);
  });
});

describe('a name', () => {
  it.each([
    ['evil\u202Emsaw.exe', 'evilmsaw.exe'],
    ['a\u0000b\nc\u2028d\u200Be\u2067f', 'abcdef'],
    ['\u200F \u2069', 'guest.wasm'],
    ['\ud800', '\ufffd'],
    [`${'a'.repeat(59)}\u{1f600}`, `${'a'.repeat(59)}\ufffd`],
  ])('%j is shown as %j', (name, shown) => {
    expect(plainName(name)).toBe(shown);
  });
});

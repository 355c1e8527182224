// SPDX-License-Identifier: MIT
// Links to the demo, and the lines for embedding it in another page.

import { describe, expect, it } from 'vitest';
import { readSettings } from '../../demo/demo-settings.ts';
import { embedSnippet, linkOf } from '../../demo/link/page-link.ts';

const settings = (query: string) => readSettings(new URLSearchParams(query));
const PAGE = new URL('https://host/demo/?from=a%26b&step=9&guest=old&vms=4&from=c#here');

describe('a link', () => {
  it('has settings, place and guest, and keeps what is not the page\u2019s own', () => {
    const guest = `?guest=${encodeURIComponent('https://other/a?b=c&d=e%20f#g')}`;
    const link = linkOf(settings('experiment=stale-dma'), PAGE, {
      place: { step: 2, panel: 'iotlb' },
      guest,
    });
    const { searchParams, hash } = new URL(link, PAGE);
    expect([...searchParams]).toEqual([
      ['experiment', 'stale-dma'],
      ['step', '2'],
      ['panel', 'iotlb'],
      ['guest', 'https://other/a?b=c&d=e%20f#g'],
      ['from', 'a&b'],
      ['from', 'c'],
    ]);
    expect(hash).toBe('#here');
  });

  it('has the guest of a hash in the hash, and loses it with the guest', () => {
    const link = linkOf(settings(''), PAGE, { guest: '#guest=a%2C,AAAA' });
    expect(link).toBe('?from=a%26b&from=c#guest=a%2C,AAAA');
    expect(linkOf(settings(''), new URL('https://host/#guest=a,AAAA'))).toBe('');
  });

  it('can be converted back to lines of any characters', () => {
    const lines = 'sync # 100% & "more"\nsync; sync';
    const link = linkOf({ ...settings('lines=sync'), lines }, new URL('https://host/'));
    expect(settings(link.slice(1)).lines).toBe(lines);
  });
});

describe('the lines for another page', () => {
  it('are one frame, regardless of the characters in title and address', () => {
    const page = new URL('https://host/?a=%22%3E%3Cscript%3E&b=\'"><b>#x"y');
    const snippet = embedSnippet(settings('experiment=stale-dma'), page, 'A & "B" <i>\'s</i>');
    const attributes = [...snippet.matchAll(/ ?\b([a-z]+)="([^"]*)"/g)];
    // Without its attributes only the frame is left.
    const rest = attributes.reduce((text, [all = '']) => text.replace(all, ''), snippet);
    expect(rest.replace(/\s+/g, ' ')).toMatch(/^<iframe ?><\/iframe>$/);
    const values = Object.fromEntries(attributes.map(([, name = '', value = '']) => [name, value]));
    expect(values.title).toBe("vsmmu: A &#38; &#34;B&#34; &#60;i&#62;'s&#60;/i&#62;");
    const source = new URL((values.src ?? '').replaceAll('&amp;', '&'));
    expect(source.hash).toBe('');
    expect([...source.searchParams]).toEqual([
      ['experiment', 'stale-dma'],
      ['run', 'no'],
      ['embed', '1'],
    ]);
    expect(values.src).not.toMatch(/&(?!amp;)/);
  });
});

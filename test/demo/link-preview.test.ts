// SPDX-License-Identifier: MIT
// Previews of a link to the page in chats and mail programs: a title, a line, and a
// picture that exists.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { linkPreview } from '../../demo/link-preview.ts';

const demo = (path: string) => fileURLToPath(new URL(`../../demo/${path}`, import.meta.url));
const page = readFileSync(demo('index.html'), 'utf8');

/** Metadata of the page's head, by name or property. */
function metaOf(html: string): ReadonlyMap<string, string> {
  const found = html.matchAll(/<meta\s+(?:name|property)="([^"]+)"\s+content="([^"]*)"/g);
  return new Map([...found].map(([, name = '', content = '']) => [name, content]));
}

interface Transformed {
  readonly html: string;
  readonly tags: readonly { readonly attrs: Readonly<Record<string, string>> }[];
}

/** The page as the build writes it for a site. */
function built(site: string | undefined): string | Transformed {
  const { transformIndexHtml } = linkPreview(site);
  return (transformIndexHtml as unknown as (html: string) => string | Transformed)(page);
}

describe('the preview of a link', () => {
  it('has a title, a line and a picture of the stated size', () => {
    const meta = metaOf(page);
    const title = /<title>(.*)<\/title>/.exec(page)?.[1];
    expect(title).toContain('vsmmu');
    expect(meta.get('og:title')).toBe(title);
    expect(meta.get('og:type')).toBe('website');
    // Longer texts are truncated.
    for (const name of ['description', 'og:description'])
      expect(meta.get(name)?.length).toSatisfy((length: number) => length > 20 && length < 200);
    expect(meta.get('og:image:alt')).toMatch(/guest.*VMM.*SMMU/i);
    expect(meta.get('twitter:card')).toBe('summary_large_image');
    expect(meta.get('og:image')).toBe('./preview.png');
    // From the site itself: the build reads it here, and fetches nothing.
    const picture = readFileSync(demo('public/preview.png'));
    expect(picture.subarray(1, 4).toString('latin1')).toBe('PNG');
    expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual(
      ['og:image:width', 'og:image:height'].map((name) => Number(meta.get(name))),
    );
    expect(picture.length).toBeLessThan(300_000);
  });

  it.each(['https://host/folder', 'https://host/folder/'])(
    'of a site at %s has whole addresses',
    (site) => {
      const { html, tags } = built(site) as Transformed;
      expect(metaOf(html).get('og:image')).toBe('https://host/folder/preview.png');
      expect(tags.map(({ attrs }) => attrs)).toEqual([
        { property: 'og:url', content: 'https://host/folder/' },
      ]);
    },
  );

  it('of a site that may be anywhere has relative ones', () => {
    for (const site of [undefined, '']) expect(built(site)).toBe(page);
  });

  it.each(['host/folder', 'file:///home', 'javascript:1'])(
    'is refused for a site at %s',
    (site) => {
      expect(() => linkPreview(site)).toThrow(
        `VSMMU_SITE_URL must be an address like https://host/folder/, not ${site}`,
      );
    },
  );
});

// SPDX-License-Identifier: MIT
// The preview of links to the page. Services that show previews require absolute
// addresses, and only the site's operator knows them: VSMMU_SITE_URL=https://host/folder/
// npm run demo:build.

import type { Plugin } from 'vite';

/** @throws {Error} one line, when it is no address that a browser fetches a page from. */
function folderOf(site: string): URL {
  const base = URL.canParse(site) ? new URL(site) : undefined;
  if (base?.protocol !== 'https:' && base?.protocol !== 'http:')
    throw new Error(`VSMMU_SITE_URL must be an address like https://host/folder/, not ${site}`);
  return base.pathname.endsWith('/') ? base : new URL(`${base.origin}${base.pathname}/`);
}

/** @param site where the site will be; undefined: the addresses stay relative. */
export function linkPreview(site: string | undefined): Plugin {
  const base = site === undefined || site === '' ? undefined : folderOf(site);
  return {
    name: 'link-preview',
    transformIndexHtml(html) {
      if (!base) return html;
      const image = new URL('preview.png', base).href;
      return {
        html: html.replace('content="./preview.png"', `content="${image}"`),
        tags: [
          { tag: 'meta', attrs: { property: 'og:url', content: base.href }, injectTo: 'head' },
        ],
      };
    },
  };
}

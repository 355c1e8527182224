// SPDX-License-Identifier: MIT
// The preview of links to the page. Services that show previews require absolute
// addresses, and only the site's operator knows them: VSMMU_SITE_URL=https://host/folder/
// npm run demo:build.

import type { Plugin } from 'vite';

/** @param site URL of the site; undefined: the addresses stay relative. */
export function linkPreview(site: string | undefined): Plugin {
  return {
    name: 'link-preview',
    transformIndexHtml(html) {
      if (site === undefined || site === '') return html;
      const base = new URL(site.endsWith('/') ? site : `${site}/`);
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

// SPDX-License-Identifier: MIT
// The browser demo: `npm run demo` serves it, `npm run demo:build` builds a static site
// in demo/dist.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { linkPreview } from './link-preview.ts';
import { quietBuild } from './quiet-build.ts';
import { siteDocuments } from './site-documents.ts';

/**
 * The headers that make a page cross-origin isolated, so that it has SharedArrayBuffer;
 * the last one also in a frame of another site. On static hosts service-worker.js adds
 * them.
 */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Document-Isolation-Policy': 'isolate-and-require-corp',
};
/** VSMMU_DEBUG=1, for `npm run demo`: WebAssembly modules with names and source maps (npm run build:debug). */
const DIST = process.env.VSMMU_DEBUG === '1' ? 'dist-debug' : 'dist';
/** The time of plugins is not a problem of the site. */
const checks = { pluginTimings: false };
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  // Works in any folder of a host.
  base: './',
  plugins: [siteDocuments(), quietBuild(), linkPreview(process.env.VSMMU_SITE_URL)],
  resolve: {
    alias: {
      'vsmmu/guest': here(`../${DIST}/guest-driver/index.js`),
      vsmmu: here(`../${DIST}/vmm/api/index.js`),
    },
  },
  server: { headers, fs: { allow: [here('..')] } },
  preview: { headers },
  worker: { format: 'es', plugins: () => [quietBuild()], rolldownOptions: { checks } },
  optimizeDeps: {
    include: [
      '@wasmer/wasi',
      '@xterm/addon-fit',
      '@xterm/xterm',
      'comlink',
      'lit-html',
      'uplot',
      'valibot',
    ],
  },
  // Nothing inlined as data: the modules are compiled while they stream.
  build: {
    outDir: here('./dist'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    rolldownOptions: { checks },
  },
});

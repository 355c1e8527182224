// SPDX-License-Identifier: MIT
// A site with only the page arm64-threads.html. Workers do not support import maps, so it
// is bundled.

import { fileURLToPath } from 'node:url';
import type { UserConfig } from 'vite';

const config: UserConfig = {
  root: fileURLToPath(new URL('.', import.meta.url)),
  publicDir: false,
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    emptyOutDir: true,
    rollupOptions: { input: fileURLToPath(new URL('arm64-threads.html', import.meta.url)) },
  },
};

export default config;

// SPDX-License-Identifier: MIT
// VSMMU_DEBUG=1: tests load WebAssembly modules with names and source maps, from
// dist-debug/ (npm run build:debug).

import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

export const DEBUG = process.env.VSMMU_DEBUG === '1';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULE = /new URL\('\.\/([\w-]+\.wasm)', import\.meta\.url\)/g;
const DIST = /(['"`]\.\.\/\.\.\/)dist\//g;

/** Source text that loads its modules, and everything from dist/, from dist-debug/. */
export function withDebugModules(code: string, file: string): string {
  const [folder = ''] = /^.*(?=\/)/.exec(relative(ROOT, file).replaceAll('\\', '/')) ?? [];
  const debug = new URL(`../../dist-debug/${folder}/`, import.meta.url);
  return code
    .replace(MODULE, (_, name) => `new URL('${new URL(name, debug)}')`)
    .replace(DIST, '$1dist-debug/');
}

/** For each project that runs with the debug modules. */
export const debugModules: Plugin = {
  name: 'vsmmu-debug-modules',
  enforce: 'pre',
  transform: (code, id) => (DEBUG ? withDebugModules(code, id) : undefined),
};

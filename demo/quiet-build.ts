// SPDX-License-Identifier: MIT
// Known warnings of the build, which are suppressed so that the others are noticed.

import type { Plugin } from 'vite';

/** A file that @wasmer/wasi would fetch if it were not given its module, which it is. */
const UNUSED = 'new URL("wasmer_wasi_js_bg.wasm"';

export function quietBuild(): Plugin {
  return {
    name: 'quiet-build',
    enforce: 'pre',
    transform(code, id) {
      if (!id.includes('@wasmer/wasi') || !code.includes(UNUSED)) return null;
      return {
        code: code.replace(UNUSED, 'new URL(/* @vite-ignore */"wasmer_wasi_js_bg.wasm"'),
        map: null,
      };
    },
  };
}

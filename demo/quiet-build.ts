// SPDX-License-Identifier: MIT
// What the build would warn of, and what is meant: so that a warning is one to read.

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

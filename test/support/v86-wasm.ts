// SPDX-License-Identifier: MIT

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** v86's module, in the same folder as its package's main file. */
export const V86_WASM = join(dirname(createRequire(import.meta.url).resolve('v86')), 'v86.wasm');

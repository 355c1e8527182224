// SPDX-License-Identifier: MIT
// A module that stands in for a guest towards the WASI library, which finds a guest's
// memory through its instance and its WASI version through its imports. Its memory is its
// own: arguments are copied into it and results out of it, so that the library sees none
// of the guest's, and nothing that a guest changes meanwhile.

import { MODULE_WASI } from '../import-types.ts';

const text = (name: string): number[] => [name.length, ...new TextEncoder().encode(name)];
const section = (id: number, contents: readonly number[]): number[] => [
  id,
  contents.length,
  ...contents,
];
const FUNCTION_OF_TYPE_0 = [0x00, 0x00];

const WASM_PAGE = 0x10000;
const PAGES = 1;
/** Of its memory, in bytes: paths and results. */
export const STAND_IN_SIZE = PAGES * WASM_PAGE;

/**
 * (module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) (memory
 * PAGES PAGES) (export "memory" (memory 0)))
 */
const BYTES = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...section(1, [0x01, 0x60, 0x00, 0x01, 0x7f]),
  ...section(2, [0x01, ...text(MODULE_WASI), ...text('sched_yield'), ...FUNCTION_OF_TYPE_0]),
  ...section(5, [0x01, 0x01, PAGES, PAGES]),
  ...section(7, [0x01, ...text('memory'), 0x02, 0x00]),
]);

export function wasiStandIn(): WebAssembly.Module {
  return new WebAssembly.Module(BYTES);
}

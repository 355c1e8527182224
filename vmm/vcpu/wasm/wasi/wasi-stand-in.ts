// SPDX-License-Identifier: MIT
// A module that represents a guest to the WASI library, which finds a guest's memory
// through its instance and its WASI version through its imports. It has its own memory,
// to which arguments are copied and from which results are copied, so that the library
// sees neither the guest's memory nor its concurrent changes.

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
/** Size of its memory in bytes, for paths and results. */
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

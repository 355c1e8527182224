// A module that stands in for a guest towards the WASI library, which finds a guest's memory through its instance and its WASI version
// through its imports. So the library serves a guest whose instance lives on another thread, and sees no more of any guest than its memory.

import { MODULE_WASI } from './import-types.ts';

const text = (name: string): number[] => [name.length, ...new TextEncoder().encode(name)];
const section = (id: number, contents: readonly number[]): number[] => [
  id,
  contents.length,
  ...contents,
];
const MEMORY = text('memory');
/** A function and a shared memory of 0 to 65536 pages. */
const FUNCTION_OF_TYPE_0 = [0x00, 0x00];
const ANY_SHARED_MEMORY = [0x02, 0x03, 0x00, 0x80, 0x80, 0x04];

/**
 * (module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) (import "env" "memory" (memory 0 65536 shared))
 *   (export "memory" (memory 0)))
 */
const BYTES = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...section(1, [0x01, 0x60, 0x00, 0x01, 0x7f]),
  ...section(2, [
    0x02,
    ...text(MODULE_WASI),
    ...text('sched_yield'),
    ...FUNCTION_OF_TYPE_0,
    ...text('env'),
    ...MEMORY,
    ...ANY_SHARED_MEMORY,
  ]),
  ...section(7, [0x01, ...MEMORY, 0x02, 0x00]),
]);

export function wasiStandIn(): WebAssembly.Module {
  return new WebAssembly.Module(BYTES);
}

// SPDX-License-Identifier: MIT
// Stack headroom. Inline devices run on their guest's stack: a guest that has used it up
// must overflow before a device has begun to change its state, not in the middle of it.
//
// The probe is a Wasm function with a frame of FRAME_BYTES. Engines check the whole frame
// against the stack limit on entry and touch none of it, so the probe costs one call
// (some 5 ns). The frame is that large because a branch that is never taken keeps that
// many results of calls alive at once.

/**
 * Stack that inline devices may use, in bytes. V8 alone needs 40 KiB to compile a
 * function at its first call.
 */
const FRAME_BYTES = 128 * 1024;
const VALUES = FRAME_BYTES / 8;

function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

function section(id: number, contents: readonly number[]): number[] {
  return [id, ...leb(contents.length), ...contents];
}

/**
 * (func $probe (param i32) (result f64) (if (result f64) (local.get 0) (then VALUES calls
 * of itself, added up) (else (f64.const 0))))
 */
function probeModule(): Uint8Array<ArrayBuffer> {
  const [i32, f64] = [0x7f, 0x7c];
  const callSelf = [0x41, 0x00, 0x10, 0x00];
  const body = [0x00, 0x20, 0x00, 0x04, f64];
  for (let i = 0; i < VALUES; i++) body.push(...callSelf);
  for (let i = 1; i < VALUES; i++) body.push(0xa0);
  body.push(0x05, 0x44, ...new Array<number>(8).fill(0), 0x0b, 0x0b);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [0x01, 0x60, 0x01, i32, 0x01, f64]),
    ...section(3, [0x01, 0x00]),
    ...section(7, [0x01, 0x01, 0x70, 0x00, 0x00]),
    ...section(10, [0x01, ...leb(body.length), ...body]),
  ]);
}

let probe: ((taken: number) => number) | undefined;

/** Throws a RangeError when there is less stack left than the devices may need. */
export function probeStack(): void {
  probe ??= new WebAssembly.Instance(new WebAssembly.Module(probeModule())).exports.p as (
    taken: number,
  ) => number;
  probe(0);
}

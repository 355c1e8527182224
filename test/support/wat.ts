// SPDX-License-Identifier: MIT
// Small guests written as WebAssembly text.

import binaryen from 'assemblyscript/binaryen';

/** Assembles a module in WebAssembly text. */
export function assemble(text: string): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  if (!module.validate()) throw new Error('the module is not valid');
  const binary = new Uint8Array(module.emitBinary());
  module.dispose();
  return binary;
}

/** Pages of 64 KiB: the ABI area and one MiB of RAM. */
export const GUEST_PAGES = 32;

/**
 * A reactor with some functions; `body` defines `$run (param i32) (result i32)` and may
 * define `$init`.
 */
export function reactor(body: string, imports = '', pages = GUEST_PAGES): Uint8Array<ArrayBuffer> {
  const init = body.includes('(func $init') ? '' : '(func $init)';
  return assemble(`(module
    (import "env" "memory" (memory ${pages} ${pages} shared))
    ${imports}
    (global $abi i32 (i32.const 1))
    ${init}
    ${body}
    (export "memory" (memory 0)) (export "vsmmu_abi" (global $abi))
    (export "_initialize" (func $init)) (export "vsmmu_run" (func $run)))`);
}

export const IMPORT_READ32 =
  '(import "vsmmu" "mmio_read32" (func $read32 (param i32) (result i32)))';
export const IMPORT_WRITE32 = '(import "vsmmu" "mmio_write32" (func $write32 (param i32 i32)))';

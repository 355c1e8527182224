// SPDX-License-Identifier: MIT
// A guest that makes calls: it reads them from its memory, each an import and its
// arguments, with any values. Its functions are generated from the list of all imports
// that a guest may have.

import { IMPORT_TYPES } from '../../vmm/vcpu/wasm/import-types.ts';
import { reactor } from '../support/wat.ts';

/** Address of the calls: their count, the result of the last one, then the calls. */
export const CALLS = 0x180000;
export const CALL_RESULT = CALLS + 8;
const FIRST_CALL = CALLS + 16;
/** Bytes of a call: its number, then its arguments as 64-bit words. */
const CALL_SIZE = 80;
/** As many as fit below the guest's rings. */
export const MOST_CALLS = 800;

/** A function that the guest imports. */
export interface GuestFunction {
  readonly module: string;
  readonly name: string;
  /** i32 or i64, by argument. */
  readonly params: readonly string[];
}

/** The functions of an import module. */
export function functionsOf(module: string): readonly GuestFunction[] {
  return [...(IMPORT_TYPES.get(module) ?? [])].map(([name, { params }]) => ({
    module,
    name,
    params,
  }));
}

/**
 * Calls that are not imports: a store and a load of guest memory, as the guest's runtime
 * makes them for mapped registers.
 */
export const STORE32: GuestFunction = { module: '', name: 'store32', params: ['i32', 'i32'] };
export const COPY32: GuestFunction = { module: '', name: 'copy32', params: ['i32', 'i32'] };
/**
 * Writes the value of the first register to the second, as a driver acknowledges an
 * error.
 */
export const ACKNOWLEDGE: GuestFunction = {
  module: '',
  name: 'acknowledge',
  params: ['i32', 'i32'],
};
const OWN = [STORE32, COPY32, ACKNOWLEDGE];

const argument = (type: string, i: number) => `(${type}.load offset=${8 + 8 * i} (local.get $at))`;
/** Offset of a word that is in memory, whatever the address: 32 MiB at most. */
const inMemory = (address: string, bytes: number) =>
  `(i32.and ${address} (i32.const ${(bytes - 1) & ~3}))`;

function bodyOf({ module, name, params }: GuestFunction, i: number, bytes: number): string {
  const [first = '', second = ''] = params.map(argument);
  if (module === '') {
    switch (name) {
      case 'store32':
        return `(i32.atomic.store ${inMemory(first, bytes)} ${second})`;
      case 'copy32':
        return `(i32.atomic.store ${inMemory(second, bytes)} (i32.atomic.load ${inMemory(first, bytes)}))`;
      default:
        return `(call $mmio_write32 ${second} (call $mmio_read32 ${first}))`;
    }
  }
  const call = `(call $import${i} ${params.map(argument).join(' ')})`;
  const result = IMPORT_TYPES.get(module)?.get(name)?.results[0];
  return result ? `(${result}.store (i32.const ${CALL_RESULT}) ${call})` : call;
}

/**
 * The guest's binary.
 * @param functions its imports, in addition to the two functions that `ACKNOWLEDGE`
 *   needs.
 * @param pages of memory, a power of two, 64 KiB each.
 */
export function callGuest(
  functions: readonly GuestFunction[],
  pages: number,
): { readonly binary: Uint8Array<ArrayBuffer>; readonly numbers: ReadonlyMap<string, number> } {
  const all = [...OWN, ...functions];
  const imports = functions.map(({ module, name, params }, i) => {
    const results = IMPORT_TYPES.get(module)?.get(name)?.results ?? [];
    const type = [
      ...params.map((type) => `(param ${type})`),
      ...results.map((type) => `(result ${type})`),
    ];
    return `(import "${module}" "${name}" (func $import${i + OWN.length} ${type.join(' ')}))`;
  });
  const bodies = all.map(
    (one, i) => `(func $call${i} (param $at i32) ${bodyOf(one, i, pages * 0x10000)})`,
  );
  const binary = reactor(
    `
    (type $call (func (param i32)))
    (table ${all.length} ${all.length} funcref)
    (elem (i32.const 0) ${all.map((_, i) => `$call${i}`).join(' ')})
    ${bodies.join('\n')}
    (func $run (param i32) (result i32) (local $at i32) (local $left i32)
      (local.set $at (i32.const ${FIRST_CALL}))
      (local.set $left (i32.load (i32.const ${CALLS})))
      (if (i32.gt_u (local.get $left) (i32.const ${MOST_CALLS}))
        (then (local.set $left (i32.const ${MOST_CALLS}))))
      (block $done (loop $next
        (br_if $done (i32.eqz (local.get $left)))
        (call_indirect (type $call) (local.get $at)
          (i32.rem_u (i32.load (local.get $at)) (i32.const ${all.length})))
        (local.set $at (i32.add (local.get $at) (i32.const ${CALL_SIZE})))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
      (i32.const 1))`,
    `(import "vsmmu" "mmio_read32" (func $mmio_read32 (param i32) (result i32)))
     (import "vsmmu" "mmio_write32" (func $mmio_write32 (param i32 i32)))
     ${imports.join('\n')}`,
    pages,
  );
  return { binary, numbers: new Map(all.map(({ name }, i) => [name, i])) };
}

/** The calls of a guest in its memory, in order. */
export class CallList {
  readonly #view: DataView;
  readonly #numbers: ReadonlyMap<string, number>;
  #count = 0;

  constructor(memory: WebAssembly.Memory, numbers: ReadonlyMap<string, number>) {
    this.#view = new DataView(memory.buffer);
    this.#numbers = numbers;
  }

  get full(): boolean {
    return this.#count >= MOST_CALLS;
  }

  get count(): number {
    return this.#count;
  }

  add(name: string, ...args: readonly (number | bigint)[]): void {
    if (this.full) return;
    const at = FIRST_CALL + CALL_SIZE * this.#count++;
    this.#view.setUint32(at, this.#numbers.get(name) ?? 0, true);
    args.forEach((value, i) => {
      if (typeof value === 'bigint') this.#view.setBigUint64(at + 8 + 8 * i, value, true);
      else this.#view.setUint32(at + 8 + 8 * i, value, true);
    });
    this.#view.setUint32(CALLS, this.#count, true);
  }

  clear(): void {
    this.#count = 0;
    this.#view.setUint32(CALLS, 0, true);
  }
}

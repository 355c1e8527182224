// SPDX-License-Identifier: MIT
// The WASI of a guest without the guest: its functions, and their memory.

import { IMPORT_TYPES, MODULE_WASI } from '../../vmm/vcpu/wasm/import-types.ts';
import { createWasi, type WasiOptions } from '../../vmm/vcpu/wasm/index.ts';
import { assemble } from './wat.ts';

export type WasiCall = (...args: (number | bigint)[]) => number;

/** A module that imports functions of WASI, and nothing else. */
function importing(names: readonly string[]): Promise<WebAssembly.Module> {
  const imports = names.map((name) => {
    const type = IMPORT_TYPES.get(MODULE_WASI)?.get(name);
    if (!type) throw new Error(`WASI has no ${name}`);
    const [params, results] = [type.params.join(' '), type.results.join(' ')];
    return `(import "${MODULE_WASI}" "${name}" (func (param ${params}) (result ${results})))`;
  });
  return WebAssembly.compile(assemble(`(module ${imports.join('\n')})`));
}

export async function wasiOf(
  names: readonly string[],
  {
    pages = 1,
    maximum = pages,
    ...options
  }: Partial<WasiOptions> & { pages?: number; maximum?: number } = {},
) {
  const memory = new WebAssembly.Memory({ initial: pages, maximum, shared: true });
  const output: [string, string][] = [];
  const host = await createWasi(await importing(names), memory, {
    args: [],
    env: {},
    onOutput: (stream, bytes) => output.push([stream, new TextDecoder().decode(bytes)]),
    readInput: () => new Uint8Array(),
    random: (target) => crypto.getRandomValues(target),
    nowNs: () => 5_000_000_000.75,
    ...options,
  });
  const view = new DataView(memory.buffer);
  return {
    /** Each requested function. */
    functions: host.functions as unknown as Record<string, WasiCall>,
    dispose: () => host.dispose(),
    memory,
    view,
    output,
    put: (at: number, text: string) =>
      new Uint8Array(memory.buffer).set(new TextEncoder().encode(text), at),
    iovec(at: number, start: number, length: number) {
      view.setUint32(at, start, true);
      view.setUint32(at + 4, length, true);
    },
    text: (at: number, length: number) =>
      new TextDecoder().decode(new Uint8Array(memory.buffer).slice(at, at + length)),
  };
}

// SPDX-License-Identifier: MIT
// One call of @wasmer/wasi: loaded when a guest first needs it, given copies only, and
// never used again by a machine for which it has trapped. It has one heap for all
// machines; the share of a machine is counted elsewhere (file-quota.ts), and the amount
// that can never be freed is counted here.

import { EnvironmentError } from '../../../../devices/plugin/index.ts';
import { MODULE_WASI, type WasiFunction } from '../import-types.ts';
import { EIO } from './wasi-errno.ts';
import { STAND_IN_SIZE, wasiStandIn } from './wasi-stand-in.ts';

type LibraryCall = (...args: (number | bigint)[]) => number;

/**
 * Maximum number of file systems left in the heap after traps: beyond it every new
 * machine gets EIO. One takes some MiB: it has names, but no contents.
 */
const MAX_ABANDONED = 256;

let ready: Promise<typeof import('@wasmer/wasi')> | undefined;
let abandoned = 0;

/**
 * The library decodes its embedded module with Node.js' Buffer, and uses nothing else of
 * it: browsers get this part while it starts.
 */
async function startLibrary(): Promise<typeof import('@wasmer/wasi')> {
  const library = await import('@wasmer/wasi').catch((cause: Error) => {
    const message = `the package @wasmer/wasi cannot be loaded: ${cause.message}`;
    throw new EnvironmentError('no-module', message, { cause });
  });
  if ('Buffer' in globalThis) {
    await library.init();
    return library;
  }
  const decoder = {
    from: (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)),
  };
  Object.defineProperty(globalThis, 'Buffer', { value: decoder, configurable: true });
  try {
    await library.init();
  } finally {
    Reflect.deleteProperty(globalThis, 'Buffer');
  }
  return library;
}

/** An instance of the library: a file system, and the file descriptors of one program. */
export class WasiLibrary {
  readonly #functions: Readonly<Partial<Record<WasiFunction, LibraryCall>>> | undefined;
  readonly #free: () => void;
  /** The memory for addresses in its functions' arguments. */
  readonly memory: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  #trapped = false;
  #disposed = false;

  static async create(): Promise<WasiLibrary> {
    ready ??= startLibrary().catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    const { WASI } = await ready;
    if (abandoned >= MAX_ABANDONED)
      return new WasiLibrary(undefined, new ArrayBuffer(STAND_IN_SIZE), () => undefined);
    const wasi = new WASI({ preopens: { '/': '/' } });
    const standIn = wasiStandIn();
    const imports = wasi.getImports(standIn) as Record<string, Record<string, LibraryCall>>;
    const instance = new WebAssembly.Instance(standIn, imports);
    wasi.instantiate(instance, {});
    const { buffer } = instance.exports.memory as WebAssembly.Memory;
    return new WasiLibrary(imports[MODULE_WASI] ?? {}, buffer as ArrayBuffer, () => wasi.free());
  }

  private constructor(
    functions: Readonly<Record<string, LibraryCall>> | undefined,
    buffer: ArrayBuffer,
    free: () => void,
  ) {
    this.#functions = functions;
    this.#free = free;
    this.memory = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** True when every call returns EIO: it has trapped, or there was no space for it. */
  get isLost(): boolean {
    return this.#trapped || this.#functions === undefined;
  }

  /**
   * Calls one of its functions.
   * @returns an errno: EIO when it has trapped, now or before.
   */
  call(name: WasiFunction, ...args: readonly (number | bigint)[]): number {
    if (this.#trapped) return EIO;
    try {
      return this.#functions?.[name]?.(...args) ?? EIO;
    } catch {
      // Its internal borrows are not released: its next call would trap too.
      this.#trapped = true;
      return EIO;
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    try {
      // Not after a trap: its state may be inconsistent.
      if (!this.#trapped) this.#free();
    } catch {
      this.#trapped = true;
    }
    if (this.#trapped) abandoned++;
    this.#trapped = true;
  }
}

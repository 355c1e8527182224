// SPDX-License-Identifier: MIT
// @wasmer/wasi behind one call: loaded when a guest first needs it, given copies only,
// and left alone for good by a machine that it has trapped for. It has one heap for all
// machines; what a machine may have of it is counted elsewhere (file-quota.ts), and how much
// may lie there that nobody can free, here.

import { EnvironmentError } from '../../../../devices/plugin/index.ts';
import { MODULE_WASI, type WasiFunction } from '../import-types.ts';
import { EIO } from './wasi-errno.ts';
import { STAND_IN_SIZE, wasiStandIn } from './wasi-stand-in.ts';

type LibraryCall = (...args: (number | bigint)[]) => number;

/**
 * File systems that may lie in the heap after traps: beyond them every machine that comes
 * has EIO. One takes some MiB: it has names, and no contents.
 */
const MAX_ABANDONED = 256;

let ready: Promise<typeof import('@wasmer/wasi')> | undefined;
let abandoned = 0;

/**
 * The library decodes the module that it carries with Node.js' Buffer, and with nothing
 * else of it: browsers get that much while it starts.
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

/** An instance of the library's: a file system, and the file descriptors of one program. */
export class WasiLibrary {
  readonly #functions: Readonly<Partial<Record<WasiFunction, LibraryCall>>> | undefined;
  readonly #free: () => void;
  /** The memory that its functions are given addresses of. */
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

  /** Every call is EIO: it has trapped, or there was no room for it. */
  get isLost(): boolean {
    return this.#trapped || this.#functions === undefined;
  }

  /** Calls one of its functions. @returns an errno: EIO when it has trapped, now or before. */
  call(name: WasiFunction, ...args: readonly (number | bigint)[]): number {
    if (this.#trapped) return EIO;
    try {
      return this.#functions?.[name]?.(...args) ?? EIO;
    } catch {
      // What it has borrowed it will not give back: its next call would trap as well.
      this.#trapped = true;
      return EIO;
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    try {
      // Not after a trap: what it was in the middle of is not fit to be freed.
      if (!this.#trapped) this.#free();
    } catch {
      this.#trapped = true;
    }
    if (this.#trapped) abandoned++;
    this.#trapped = true;
  }
}

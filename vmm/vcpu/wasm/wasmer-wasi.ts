// WASI by @wasmer/wasi: arguments, environment and an in-memory file system; the console is the machine's own (wasi-console.ts).

import { init, WASI } from '@wasmer/wasi';
import { MODULE_WASI } from './import-types.ts';
import { consoleFunctions } from './wasi-console.ts';
import type { WasiFactory, WasiHost } from './wasi-host.ts';
import { wasiStandIn } from './wasi-stand-in.ts';

type WasiFunction = (...args: number[]) => number;

let ready: Promise<void> | undefined;

/** The library decodes the module that it carries with Node.js' Buffer, and with nothing else of it: browsers get that much while it starts. */
async function startLibrary(): Promise<void> {
  if ('Buffer' in globalThis) return init();
  const decoder = {
    from: (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)),
  };
  Object.defineProperty(globalThis, 'Buffer', { value: decoder, configurable: true });
  try {
    await init();
  } finally {
    Reflect.deleteProperty(globalThis, 'Buffer');
  }
}

/** For a guest without WASI: the library would fail to find out which version it uses. */
const NO_WASI: WasiHost = { functions: {}, dispose: () => undefined };

export const createWasmerWasi: WasiFactory = async (module, memory, options): Promise<WasiHost> => {
  if (!WebAssembly.Module.imports(module).some((imported) => imported.module === MODULE_WASI))
    return NO_WASI;
  ready ??= startLibrary();
  await ready;
  const wasi = new WASI({ args: [...options.args], env: { ...options.env } });
  const standIn = wasiStandIn();
  const imports = wasi.getImports(standIn) as Record<string, Record<string, WasiFunction>>;
  const library = imports[MODULE_WASI] ?? {};
  wasi.instantiate(new WebAssembly.Instance(standIn, { ...imports, env: { memory } }), {});
  const unserved: WasiFunction = () => 8; // EBADF
  const fallback = { fd_write: library.fd_write ?? unserved, fd_read: library.fd_read ?? unserved };
  return {
    functions: { ...library, ...consoleFunctions(memory, options, fallback) },
    dispose: () => wasi.free(),
  };
};

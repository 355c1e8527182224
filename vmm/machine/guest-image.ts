// A guest binary, checked: what a machine can be made of. docs/guest-abi.md has the rules that this file enforces.

import { ABI_AREA_SIZE, ABI_VERSION } from '../../assembly/layout/guest-abi.ts';
import { GuestImageError } from './errors.ts';
import { importedMemory, looksLikeWasm, type MemoryImport } from './wasm-binary.ts';

/** A reactor is entered again and again and keeps its state in guest memory; a command runs from `_start` to its end. */
export type GuestShape = 'reactor' | 'command';

export interface GuestImage {
  readonly module: WebAssembly.Module;
  readonly shape: GuestShape;
  /** Pages of 64 KiB that the guest asks for at least and at most; equal for a reactor. */
  readonly initialPages: number;
  readonly maximumPages: number;
}

const WASM_PAGE = 0x10000;
/** Import modules that a machine provides; `env` has the memory only. */
export const MODULE_VSMMU = 'vsmmu';
export const MODULE_WASI = 'wasi_snapshot_preview1';

function checkMemory(memory: MemoryImport | undefined, shape: GuestShape): MemoryImport & { readonly maximum: number } {
  if (!memory) throw new GuestImageError('no-memory-import', 'the guest imports no memory (it must import env.memory)');
  const { module, name, initial, maximum, shared, wide } = memory;
  if (module !== 'env' || name !== 'memory') {
    throw new GuestImageError('no-memory-import', `the guest imports its memory as ${module}.${name}, not as env.memory`);
  }
  if (wide) throw new GuestImageError('memory-size', 'the guest has 64-bit addresses; a Wasm guest has 32-bit ones');
  if (!shared || maximum === undefined) throw new GuestImageError('memory-not-shared', "the guest's memory is not shared");
  if (initial * WASM_PAGE <= ABI_AREA_SIZE) {
    const kib = (initial * WASM_PAGE) / 1024;
    throw new GuestImageError(
      'memory-too-small',
      `too little memory: the guest has ${kib} KiB, the ABI area alone takes ${ABI_AREA_SIZE / 1024} KiB`,
    );
  }
  if (shape === 'reactor' && maximum !== initial) {
    throw new GuestImageError('memory-not-fixed', `the guest's memory may grow (${initial} to ${maximum} pages); a reactor's is fixed`);
  }
  return { ...memory, maximum };
}

function shapeOf(module: WebAssembly.Module): GuestShape {
  const kinds = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
  const shape = kinds.get('_start') === 'function' ? 'command' : 'reactor';
  const wanted: [string, WebAssembly.ImportExportKind][] = [['memory', 'memory']];
  if (shape === 'reactor') wanted.push(['_initialize', 'function'], ['vsmmu_run', 'function'], ['vsmmu_abi', 'global']);
  for (const [name, kind] of wanted) {
    if (kinds.get(name) !== kind) throw new GuestImageError('missing-export', `not a guest: it exports no ${kind} named "${name}"`);
  }
  return shape;
}

function checkImports(module: WebAssembly.Module): void {
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const known = kind === 'memory' || (kind === 'function' && (from === MODULE_VSMMU || from === MODULE_WASI));
    if (!known) throw new GuestImageError('unknown-import', `the guest imports ${from}.${name}, which no machine provides`);
  }
}

/**
 * Compiles and checks a guest binary.
 * @throws {GuestImageError} when it is not a guest.
 */
export async function loadGuestImage(bytes: Uint8Array<ArrayBuffer>): Promise<GuestImage> {
  if (!looksLikeWasm(bytes)) throw new GuestImageError('not-wasm', 'not a WebAssembly binary');
  let module: WebAssembly.Module;
  let memory: MemoryImport | undefined;
  try {
    module = await WebAssembly.compile(bytes);
    memory = importedMemory(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GuestImageError('invalid-wasm', `not a valid WebAssembly binary: ${reason}`, { cause });
  }
  const shape = shapeOf(module);
  const { initial, maximum } = checkMemory(memory, shape);
  checkImports(module);
  return { module, shape, initialPages: initial, maximumPages: maximum };
}

/**
 * The memory that the guest's import asks for. Its pages cost nothing until they are touched.
 * @param pages how much the machine has, in pages of 64 KiB; a guest never gets more than it takes.
 * @throws {GuestImageError} when that is less than the guest needs.
 */
export function createGuestMemory(image: GuestImage, pages = image.initialPages): WebAssembly.Memory {
  if (pages < image.initialPages) {
    const [needed, given] = [image.initialPages, pages].map((count) => `${(count * WASM_PAGE) / 2 ** 20} MiB`);
    throw new GuestImageError('memory-too-small', `too little memory: the guest needs ${needed}, the machine has ${given}`);
  }
  return new WebAssembly.Memory({ initial: Math.min(pages, image.maximumPages), maximum: image.maximumPages, shared: true });
}

/** What only an instance shows: the version of the ABI that it was built for, undefined when it does not say. */
export function abiOf(instance: WebAssembly.Instance): number | undefined {
  const abi = instance.exports.vsmmu_abi;
  return abi instanceof WebAssembly.Global ? Number(abi.value) : undefined;
}

/**
 * Checks the version of the ABI that a reactor was built for.
 * @throws {GuestImageError}
 */
export function checkAbiVersion(image: GuestImage, value: number | undefined): void {
  if (image.shape === 'command' && value === undefined) return;
  if (value !== ABI_VERSION)
    throw new GuestImageError('abi-version', `the guest was built for ABI version ${value}, this is version ${ABI_VERSION}`);
}

// A guest binary, checked: what a machine can be made of. docs/guest-abi.md has the rules that this file enforces.

import { ABI_AREA_SIZE, ABI_VERSION } from '../../../assembly/layout/guest-abi.ts';
import { GuestImageError } from './guest-errors.ts';
import { importedMemory, looksLikeWasm, lowestData, type MemoryImport } from './wasm-binary.ts';

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

/** Functions that a guest may import from the module `vsmmu`. */
export const VSMMU_FUNCTIONS = [
  ...['mmio_read32', 'mmio_write32', 'mmio_read64', 'mmio_write64'],
  ...['doorbell', 'tlbi', 'dsb', 'wait', 'vcpu_start', 'clock_ns'],
] as const;

function checkMemory(
  memory: MemoryImport | undefined,
  shape: GuestShape,
): MemoryImport & { readonly maximum: number } {
  if (!memory) {
    const how = 'let it import env.memory (wasm-ld --import-memory, asc --importMemory)';
    throw new GuestImageError('no-memory-import', `the guest imports no memory: ${how}`);
  }
  const { module, name, initial, maximum, shared, wide } = memory;
  if (module !== 'env' || name !== 'memory') {
    throw new GuestImageError(
      'no-memory-import',
      `the guest imports its memory as ${module}.${name}: it has to be env.memory`,
    );
  }
  if (wide)
    throw new GuestImageError(
      'memory-size',
      'the guest has 64-bit addresses: build it for 32-bit ones (wasm32)',
    );
  if (!shared || maximum === undefined) {
    const how =
      'link it with --shared-memory and --max-memory (asc --sharedMemory --maximumMemory)';
    throw new GuestImageError('memory-not-shared', `the guest's memory is not shared: ${how}`);
  }
  if (initial * WASM_PAGE <= ABI_AREA_SIZE) {
    const kib = (initial * WASM_PAGE) / 1024;
    throw new GuestImageError(
      'memory-too-small',
      `too little memory: the guest asks for ${kib} KiB, of which the ABI area takes the first ${ABI_AREA_SIZE / 1024}: raise --initial-memory`,
    );
  }
  if (shape === 'reactor' && maximum !== initial) {
    throw new GuestImageError(
      'memory-not-fixed',
      `the guest's memory may grow (${initial} to ${maximum} pages): a reactor's maximum must be its initial size`,
    );
  }
  return { ...memory, maximum };
}

function shapeOf(module: WebAssembly.Module): GuestShape {
  const kinds = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
  if (kinds.get('_start') === 'function') return 'command';
  for (const name of ['_initialize', 'vsmmu_run']) {
    if (kinds.get(name) === 'function') continue;
    const shapes = 'a reactor exports _initialize, vsmmu_run and vsmmu_abi, a command _start';
    throw new GuestImageError(
      'missing-export',
      `not a guest: it exports no function "${name}" (${shapes})`,
    );
  }
  const abi = kinds.get('vsmmu_abi');
  if (abi !== 'global' && abi !== 'function') {
    throw new GuestImageError(
      'missing-export',
      `the guest exports no "vsmmu_abi": export it with the value ${ABI_VERSION}`,
    );
  }
  return 'reactor';
}

function checkImports(module: WebAssembly.Module): void {
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind === 'memory') continue;
    if (kind === 'function' && from === MODULE_WASI) continue;
    if (
      kind === 'function' &&
      from === MODULE_VSMMU &&
      VSMMU_FUNCTIONS.some((known) => known === name)
    )
      continue;
    const there =
      from === MODULE_VSMMU
        ? `${MODULE_VSMMU} has ${VSMMU_FUNCTIONS.join(', ')}`
        : `there are ${MODULE_VSMMU}.* and ${MODULE_WASI}.*`;
    throw new GuestImageError(
      'unknown-import',
      `the guest imports ${from}.${name}, which no machine provides: ${there}`,
    );
  }
}

function checkData(lowest: number | undefined): void {
  if (lowest === undefined || lowest >= ABI_AREA_SIZE) return;
  const how = `link it above (wasm-ld --global-base=${ABI_AREA_SIZE}, asc --memoryBase ${ABI_AREA_SIZE})`;
  throw new GuestImageError(
    'data-in-abi-area',
    `the guest has data at 0x${lowest.toString(16)}, in the ABI's first MiB: ${how}`,
  );
}

/**
 * Compiles and checks a guest binary.
 * @throws {GuestImageError} when it is not a guest.
 */
export async function loadGuestImage(bytes: Uint8Array<ArrayBuffer>): Promise<GuestImage> {
  if (!looksLikeWasm(bytes)) throw new GuestImageError('not-wasm', 'not a WebAssembly binary');
  let module: WebAssembly.Module;
  let memory: MemoryImport | undefined;
  let data: number | undefined;
  try {
    module = await WebAssembly.compile(bytes);
    memory = importedMemory(bytes);
    data = lowestData(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GuestImageError('invalid-wasm', `not a valid WebAssembly binary: ${reason}`, {
      cause,
    });
  }
  const shape = shapeOf(module);
  const { initial, maximum } = checkMemory(memory, shape);
  checkImports(module);
  checkData(data);
  return { module, shape, initialPages: initial, maximumPages: maximum };
}

/**
 * The memory that the guest's import asks for. Its pages cost nothing until they are touched.
 * @param pages how much the machine has, in pages of 64 KiB; a guest never gets more than it takes.
 * @throws {GuestImageError} when that is less than the guest needs.
 */
export function createGuestMemory(
  image: GuestImage,
  pages = image.initialPages,
): WebAssembly.Memory {
  if (pages < image.initialPages) {
    const [needed, given] = [image.initialPages, pages].map(
      (count) => `${(count * WASM_PAGE) / 2 ** 20} MiB`,
    );
    throw new GuestImageError(
      'memory-too-small',
      `too little memory: the guest needs ${needed}, the machine has ${given}`,
    );
  }
  return new WebAssembly.Memory({
    initial: Math.min(pages, image.maximumPages),
    maximum: image.maximumPages,
    shared: true,
  });
}

/** What only an instance shows: the version of the ABI that it was built for, undefined when it does not say. */
export function abiOf(instance: WebAssembly.Instance): number | undefined {
  const abi = instance.exports.vsmmu_abi;
  if (abi instanceof WebAssembly.Global) return Number(abi.value);
  if (typeof abi !== 'function') return undefined;
  try {
    return Number(abi());
  } catch {
    return undefined;
  }
}

/**
 * Checks the version of the ABI that a reactor was built for.
 * @throws {GuestImageError}
 */
export function checkAbiVersion(image: GuestImage, value: number | undefined): void {
  if (value === ABI_VERSION || (image.shape === 'command' && value === undefined)) return;
  const built =
    value === undefined
      ? 'the guest does not say which ABI version it was built for'
      : `the guest was built for ABI version ${value}`;
  throw new GuestImageError(
    'abi-version',
    `${built}, this is version ${ABI_VERSION}: build it again with this one`,
  );
}

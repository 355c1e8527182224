// SPDX-License-Identifier: MIT
// A checked guest binary, from which a machine can be created. docs/guest-abi.md has the
// rules that this file enforces.

import { ABI_AREA_SIZE, ABI_VERSION } from '../../../assembly/layout/guest-abi.ts';
import { printable } from '../../../devices/plugin/index.ts';
import { GuestImageError, reasonOf, SECONDARY_PROGRAM } from './guest-errors.ts';
import {
  functionTypeText,
  IMPORT_TYPES,
  MODULE_VSMMU,
  MODULE_WASI,
  sameFunctionType,
  VSMMU_FUNCTIONS,
} from './import-types.ts';
import {
  looksLikeWasm,
  type MemoryImport,
  outlineOf,
  type WasmImport,
  type WasmOutline,
} from './wasm-binary.ts';
import type { FunctionType } from './wasm-types.ts';

/**
 * A reactor is entered repeatedly and keeps its state in guest memory; a command runs
 * from `_start` to its end.
 */
export type GuestShape = 'reactor' | 'command';

export interface GuestImage {
  readonly module: WebAssembly.Module;
  readonly shape: GuestShape;
  /**
   * Minimum and maximum number of 64 KiB pages that the guest requests; equal for a
   * reactor.
   */
  readonly initialPages: number;
  readonly maximumPages: number;
}

/** Permissions that most binaries do not have. */
export interface ImageOptions {
  /**
   * It may use garbage-collected objects: for guests that are trusted not to fill the
   * heap of their thread. Default false.
   */
  readonly allowGc?: boolean | undefined;
}

/** A binary that has passed the checks before compilation. */
interface CheckedModule {
  readonly module: WebAssembly.Module;
  readonly memory: MemoryImport & { readonly limits: { readonly maximum: number } };
  readonly lowestData: number | undefined;
}

const WASM_PAGE = 0x10000;
/**
 * Compilation takes time per byte, which no limit of the machine bounds: some seconds.
 */
const MAX_GUEST_MIB = 64;
/** Entry point of the secondary vCPUs. */
export const SECONDARY_ENTRY = 'vsmmu_secondary';
/**
 * Maximum number of entries of all tables and element segments: an engine allocates them
 * even if they are not used.
 */
const MAX_TABLE_ENTRIES = 65_536;

const nameOf = ({ module, name }: WasmImport) => printable(`${module}.${name}`);

function checkFunction(imported: WasmImport, type: FunctionType): void {
  const { module, name } = imported;
  const expected = IMPORT_TYPES.get(module)?.get(name);
  if (!expected) refuseImport(imported);
  if (sameFunctionType(type, expected)) return;
  throw new GuestImageError(
    'import-type',
    `the guest imports ${nameOf(imported)} as ${functionTypeText(type)}: it is ` +
      `${functionTypeText(expected)}`,
  );
}

function refuseImport(imported: WasmImport): never {
  const there =
    imported.module === MODULE_VSMMU
      ? `${MODULE_VSMMU} has ${VSMMU_FUNCTIONS.join(', ')}`
      : `there are ${MODULE_VSMMU}.* and ${MODULE_WASI}.*`;
  throw new GuestImageError(
    'unknown-import',
    `the guest imports ${nameOf(imported)}, which no machine provides: ${there}`,
  );
}

/** The one memory that a guest imports. */
function checkImports(imports: readonly WasmImport[]): MemoryImport {
  const [memory, second] = imports.filter((one): one is MemoryImport => one.kind === 'memory');
  if (!memory) {
    const how = 'let it import env.memory (wasm-ld --import-memory, asc --importMemory)';
    throw new GuestImageError('no-memory-import', `the guest imports no memory: ${how}`);
  }
  if (memory.module !== 'env' || memory.name !== 'memory') {
    throw new GuestImageError(
      'no-memory-import',
      `the guest imports its memory as ${nameOf(memory)}: it has to be env.memory`,
    );
  }
  if (second) {
    throw new GuestImageError(
      'unknown-import',
      `the guest imports a second memory, ${nameOf(second)}: it has one, env.memory`,
    );
  }
  for (const imported of imports) {
    if (imported.kind === 'function') checkFunction(imported, imported.type);
    else if (imported !== memory) refuseImport(imported);
  }
  return memory;
}

function checkMemory(memory: MemoryImport): CheckedModule['memory'] {
  const { initial, maximum, shared, wide } = memory.limits;
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
      `too little memory: the guest asks for ${kib} KiB, of which the ABI area takes the ` +
        `first ${ABI_AREA_SIZE / 1024}: raise --initial-memory`,
    );
  }
  return { ...memory, limits: { ...memory.limits, maximum } };
}

/**
 * Checks what an engine would allocate for it from the memory that all machines of the
 * process share.
 */
function checkAllocations(outline: WasmOutline, allowGc: boolean): void {
  const { memories, tables, elements, collected } = outline;
  if (memories > 0)
    throw new GuestImageError(
      'own-memory',
      'the guest has a memory in addition to env.memory, which must be the only one',
    );
  if (collected !== undefined && !allowGc) {
    throw new GuestImageError(
      'gc-types',
      `the guest has ${collected}, and could fill the heap of its process: only a trusted one ` +
        'may, on a thread of its own (allowGc)',
    );
  }
  let entries = elements;
  for (const { initial, maximum, wide } of tables) {
    if (wide || maximum === undefined) {
      throw new GuestImageError(
        'table-limits',
        `the guest has a table ${wide ? 'with 64-bit indices' : 'without a maximum'}: its ` +
          'tables need 32-bit indices and a maximum',
      );
    }
    entries += Math.max(initial, maximum);
  }
  if (entries > MAX_TABLE_ENTRIES) {
    throw new GuestImageError(
      'table-limits',
      `the guest's tables and element segments may have ${entries} entries: there are at most ` +
        `${MAX_TABLE_ENTRIES}`,
    );
  }
}

/** Checks a binary, and compiles it after that: a refused one costs only the reading. */
async function compileChecked(
  bytes: Uint8Array<ArrayBuffer>,
  { allowGc = false }: ImageOptions,
): Promise<CheckedModule> {
  if (!looksLikeWasm(bytes)) throw new GuestImageError('not-wasm', 'not a WebAssembly binary');
  if (bytes.length > MAX_GUEST_MIB * 2 ** 20)
    throw new GuestImageError('too-large', `the guest is larger than ${MAX_GUEST_MIB} MiB`);
  const invalid = (cause: unknown) =>
    new GuestImageError('invalid-wasm', `not a valid WebAssembly binary: ${reasonOf(cause)}`, {
      cause,
    });
  let outline: WasmOutline;
  try {
    outline = outlineOf(bytes);
  } catch (cause) {
    throw invalid(cause);
  }
  const imported = checkImports(outline.imports);
  checkAllocations(outline, allowGc);
  const memory = checkMemory(imported);
  try {
    const module = await WebAssembly.compile(bytes);
    return { module, memory, lowestData: outline.lowestData };
  } catch (cause) {
    throw invalid(cause);
  }
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

function checkData(lowest: number | undefined): void {
  if (lowest === undefined || lowest >= ABI_AREA_SIZE) return;
  const how =
    `link it above (wasm-ld --global-base=${ABI_AREA_SIZE}, asc --memoryBase ` +
    `${ABI_AREA_SIZE})`;
  throw new GuestImageError(
    'data-in-abi-area',
    `the guest has data at 0x${lowest.toString(16)}, in the ABI's first MiB: ${how}`,
  );
}

/**
 * Checks and compiles a guest binary.
 * @throws {GuestImageError} when it is not a guest.
 */
export async function loadGuestImage(
  bytes: Uint8Array<ArrayBuffer>,
  options: ImageOptions = {},
): Promise<GuestImage> {
  const { module, memory, lowestData } = await compileChecked(bytes, options);
  const shape = shapeOf(module);
  const { initial, maximum } = memory.limits;
  if (shape === 'reactor' && maximum !== initial) {
    throw new GuestImageError(
      'memory-not-fixed',
      `the guest's memory may grow (${initial} to ${maximum} pages): a reactor's maximum must ` +
        'be its initial size',
    );
  }
  checkData(lowestData);
  return { module, shape, initialPages: initial, maximumPages: maximum };
}

/**
 * Checks and compiles a program of secondary vCPUs.
 * @throws {GuestImageError} when it is not one.
 */
export async function loadSecondaryProgram(
  bytes: Uint8Array<ArrayBuffer>,
  options: ImageOptions = {},
): Promise<WebAssembly.Module> {
  try {
    const { module, lowestData } = await compileChecked(bytes, options);
    checkData(lowestData);
    const imported = WebAssembly.Module.imports(module).find((one) => one.module === MODULE_WASI);
    if (imported)
      throw new GuestImageError(
        'unknown-import',
        `it imports ${imported.module}.${imported.name}: only vCPU 0 has WASI`,
      );
    const entry = WebAssembly.Module.exports(module).find(({ name }) => name === SECONDARY_ENTRY);
    if (entry?.kind === 'function') return module;
    throw new GuestImageError('missing-export', `it exports no function "${SECONDARY_ENTRY}"`);
  } catch (error) {
    if (!(error instanceof GuestImageError)) throw error;
    const { code, message, cause } = error;
    const binary = 'secondary';
    throw new GuestImageError(code, `${SECONDARY_PROGRAM}: ${message}`, { cause, binary });
  }
}

/**
 * The memory that the guest's import requests. Its pages cost nothing until they are
 * touched.
 * @param pages size of the machine's memory in pages of 64 KiB: the memory cannot grow
 *   beyond it, and a guest never gets more than its maximum. Default: the guest starts
 *   with its minimum, and may grow up to the maximum of its import.
 * @throws {GuestImageError} when that is less than the guest needs.
 */
export function createGuestMemory(image: GuestImage, pages?: number): WebAssembly.Memory {
  const { initialPages, maximumPages } = image;
  if (pages === undefined)
    return new WebAssembly.Memory({ initial: initialPages, maximum: maximumPages, shared: true });
  if (pages < initialPages) {
    const [needed, given] = [initialPages, pages].map(
      (count) => `${(count * WASM_PAGE) / 2 ** 20} MiB`,
    );
    throw new GuestImageError(
      'memory-too-small',
      `too little memory: the guest needs ${needed}, the machine has ${given}`,
    );
  }
  const limit = Math.min(pages, maximumPages);
  return new WebAssembly.Memory({ initial: limit, maximum: limit, shared: true });
}

/**
 * The version of the ABI for which an instance was built, which only the instance knows;
 * undefined when it does not export it.
 */
export function abiOf(instance: WebAssembly.Instance): number | undefined {
  const abi = instance.exports.vsmmu_abi;
  // A vector has no JavaScript value, so reading it throws.
  try {
    if (abi instanceof WebAssembly.Global) return Number(abi.value);
    return typeof abi === 'function' ? Number(abi()) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Checks the version of the ABI for which a reactor was built.
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

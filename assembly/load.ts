// SPDX-License-Identifier: MIT
// Compiles the hot modules, which a unit links with the memories that it may access
// (docs/internals/architecture.md, "Units").

import { compileModule } from './module-file.ts';

export type { WasmImports, WasmMemory } from './webassembly-types.ts';

/**
 * Exports of the GIC. `gic` is the byte offset of its block
 * (assembly/layout/gic-memory.ts) in the memory that it was instantiated on; `vcpu` and
 * `intid` have to exist. Any thread may call the functions for lines, distributor and
 * redistributors; only the thread that runs the vCPU may call `irqAsserted` and `icc*`.
 */
export interface Gicv3Exports {
  /** Resets everything, while nothing else uses the GIC. */
  reset(gic: number, vcpus: number, intids: number): void;
  /**
   * Sets the byte offsets of a vCPU's pending and limit words in the same memory; 0: in
   * the GIC's block.
   */
  connect(gic: number, vcpu: number, pendingAt: number, limitAt: number): void;
  /**
   * Adds LPIs to the GIC, from its next reset on; `lpis` and `ram` are byte offsets in
   * the same memory.
   */
  addLpis(gic: number, lpis: number, ramGpa: number, ram: number, ramSize: number): void;
  /**
   * Derives the targets of SPIs from restored routes. GICD_CTLR is 0, and writing it
   * completes the restore.
   */
  applyRoutes(gic: number): void;
  setLine(gic: number, vcpu: number, intid: number, high: number): void;
  pulseLine(gic: number, vcpu: number, intid: number): void;
  /**
   * 32-bit accesses to GICD or the vCPU's GICR frames, at offsets that are multiples of
   * 4.
   */
  readDistributor(gic: number, offset: number): number;
  writeDistributor(gic: number, offset: number, value: number): void;
  writeDistributor8(gic: number, offset: number, value: number): void;
  readRedistributor(gic: number, vcpu: number, offset: number): number;
  writeRedistributor(gic: number, vcpu: number, offset: number, value: number): void;
  writeRedistributor8(gic: number, vcpu: number, offset: number, value: number): void;
  /** Not 0 while the vCPU's IRQ input is asserted. */
  irqAsserted(gic: number, vcpu: number): number;
  /** MRS; -1n when UNDEFINED. */
  iccRead(gic: number, vcpu: number, register: number): bigint;
  /** MSR; 0 when UNDEFINED. */
  iccWrite(gic: number, vcpu: number, register: number, value: bigint): number;
  /** Resets the ITS of a GIC with LPIs. */
  resetIts(gic: number): void;
  /** 32-bit accesses to the ITS's control frame, at offsets that are multiples of 4. */
  readIts(gic: number, offset: number): number;
  writeIts(gic: number, offset: number, value: number): void;
  /** Executes commands of the ITS's queue; not 0 when more remain. */
  serveIts(gic: number): number;
  /** A write to GITS_TRANSLATER. */
  translate(gic: number, deviceId: number, eventId: number): void;
}

/**
 * Exports of the arm64 CPU. `cpu` is the byte offset of a vCPU block
 * (assembly/layout/arm64-state.ts), `pool` that of the record pages
 * (assembly/layout/arm64-records.ts). Its imports are those of assembly/imports/board.ts,
 * and `env.table`, which has the regions at the indices in their entries.
 */
export interface Arm64Exports {
  /** Resets a vCPU; fields set by the host are kept. */
  reset(cpu: number): void;
  /**
   * Empties the record pages, `size` bytes, while no vCPU runs. Call `flushFetch` for
   * each vCPU as well.
   */
  resetPool(pool: number, size: number, ramSize: number): void;
  /** Runs a vCPU for about that many instructions. Returns ARM64_EXIT_*. */
  run(cpu: number, instructions: number): number;
  step(cpu: number): number;
  /**
   * Runs a vCPU until it has executed exactly `due` instructions since its reset. Returns
   * ARM64_EXIT_*.
   */
  runTo(cpu: number, due: bigint): number;
  /** Has the instructions of a page of RAM, or of all RAM, decoded again. */
  invalidatePage(cpu: number, page: number): void;
  invalidateAll(cpu: number): void;
  /** Empties the TLBs: all, or those of instructions. */
  flushAll(cpu: number): void;
  flushFetch(cpu: number): void;
  /**
   * The entry of the region that a record enters (assembly/layout/arm64-regions.ts), or
   * 0.
   */
  entryOf(record: number): number;
  /**
   * Makes the record of the instruction `at` bytes after the start of its page enter a
   * region. All words of the entry but its records have to be filled. `base` is the
   * page's first record.
   */
  placeEntry(base: number, at: number, entry: number): void;
  /**
   * Offset in the memory of the byte at a virtual address that EL1 can read; 0 when it is
   * not RAM.
   */
  hostAddress(cpu: number, va: bigint): number;
  /**
   * Reads a system register into ARM64_MMIO_VALUE, or writes it, by its encoding and as
   * EL1 does. For a debugger, while the vCPU does not run. 0 when there is no such
   * register.
   */
  readRegister(cpu: number, encoding: number): number;
  writeRegister(cpu: number, encoding: number, value: bigint): number;
  /**
   * Reads or sets PSTATE in the format of SPSR; `setStatus` returns 0 when this CPU does
   * not have the mode.
   */
  statusOf(cpu: number): number;
  setStatus(cpu: number, status: number): number;
  /** Consumes the event that ends a WFE; 0 when there is none. */
  takeEvent(cpu: number): number;
  /** Takes a synchronous exception whose return address is the PC. */
  takeException(cpu: number, ec: number, iss: number): void;
}

/**
 * The guest port, for a memory that threads share, and for one that they do not, which
 * another VMM may have.
 */
export interface GuestPortModules {
  readonly guestPort: WebAssembly.Module;
  readonly privateGuestPort: WebAssembly.Module;
}

/** The parts of an SMMU's unit as separate modules, linked by direct imports. */
export interface SeparateModules extends GuestPortModules {
  readonly smmuCore: WebAssembly.Module;
  readonly vcmdqDrain: WebAssembly.Module;
}

/**
 * The parts merged into one module with two memories, for a shared guest memory and for a
 * private one.
 */
export interface MergedModules {
  readonly smmuUnit: WebAssembly.Module;
  readonly privateSmmuUnit: WebAssembly.Module;
}

/** The compiled hot modules of an SMMU. They can be posted to other threads. */
export type HotModules = SeparateModules | MergedModules;

export interface SeparateAmdModules extends GuestPortModules {
  readonly amdIommu: WebAssembly.Module;
}

export interface MergedAmdModules {
  readonly amdUnit: WebAssembly.Module;
  readonly privateAmdUnit: WebAssembly.Module;
}

/** The compiled hot modules of an AMD IOMMU, in either form. */
export type AmdModules = SeparateAmdModules | MergedAmdModules;

/** A range of guest physical addresses that is RAM. Multiples of 4 KiB. */
export interface MemoryRegion {
  readonly gpa: number;
  /** Byte offset in guest memory. */
  readonly offset: number;
  readonly size: number;
}

/** The most regions of a guest port. */
export const MAX_REGIONS = 4;

/** (module (memory 0) (memory 0)) */
const TWO_MEMORIES = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0);
let multiMemory: boolean | undefined;

/** Whether the engine supports modules with several memories. */
export function hasMultiMemory(): boolean {
  multiMemory ??= WebAssembly.validate(TWO_MEMORIES);
  return multiMemory;
}

/**
 * Locations of the hot modules, for pages and bundlers that do not keep them in this
 * file's folder: URLs, or paths, which are relative to the working directory (Node.js) or
 * to the document (pages). Naming separate modules and no unit selects the separate ones.
 */
export interface HotModuleUrls {
  readonly guestPort?: string | URL | undefined;
  readonly privateGuestPort?: string | URL | undefined;
  readonly smmuCore?: string | URL | undefined;
  readonly checkedSmmuCore?: string | URL | undefined;
  readonly vcmdqDrain?: string | URL | undefined;
  readonly smmuUnit?: string | URL | undefined;
  readonly privateSmmuUnit?: string | URL | undefined;
  readonly checkedSmmuUnit?: string | URL | undefined;
  readonly privateCheckedSmmuUnit?: string | URL | undefined;
}

/**
 * Locations of the hot modules of an AMD IOMMU, likewise. The guest port is the one of
 * `HotModuleUrls`.
 */
export interface AmdModuleUrls {
  readonly amdIommu?: string | URL | undefined;
  readonly amdUnit?: string | URL | undefined;
  readonly privateAmdUnit?: string | URL | undefined;
}

/** Locations of modules that some boards need. */
export type BoardModuleUrls = {
  readonly [module in 'arm64' | 'gicv3']?: string | URL | undefined;
};

/**
 * Locations of the modules of hosts and of boards, when they are not in this file's
 * folder.
 */
export type ModuleUrls = HotModuleUrls & AmdModuleUrls & BoardModuleUrls;

/** Selects among the hot modules. */
export interface HotModuleOptions {
  /** Use the SMMU core with the sanitizer (docs/sanitizer.md). Default false. */
  readonly checked?: boolean;
}

/** Whether a module is, or includes, an SMMU core with the sanitizer. */
export function hasSanitizer(module: WebAssembly.Module): boolean {
  return WebAssembly.Module.exports(module).some(({ name }) => name === 'checked');
}

/** Whether the modules' SMMU core has the sanitizer. */
export function isChecked(modules: HotModules): boolean {
  if (typeof modules !== 'object' || modules === null)
    throw new TypeError('isChecked: modules must be what loadHotModules has loaded');
  return hasSanitizer('smmuUnit' in modules ? modules.smmuUnit : modules.smmuCore);
}

const named = (urls: readonly (string | URL | undefined)[]) =>
  urls.some((url) => url !== undefined);

/**
 * Compiles the hot modules: from this file's folder, unless `urls` names another
 * location. A unit is one module if the engine has multi-memory, otherwise separate ones.
 * @throws {EnvironmentError} when a module cannot be loaded.
 */
export async function loadHotModules(
  urls: HotModuleUrls = {},
  options: HotModuleOptions = {},
): Promise<HotModules> {
  const { guestPort, privateGuestPort, smmuCore, checkedSmmuCore, vcmdqDrain } = urls;
  const { smmuUnit, privateSmmuUnit, checkedSmmuUnit, privateCheckedSmmuUnit } = urls;
  const units = [smmuUnit, privateSmmuUnit, checkedSmmuUnit, privateCheckedSmmuUnit];
  const separate = [guestPort, privateGuestPort, smmuCore, checkedSmmuCore, vcmdqDrain];
  return hasMultiMemory() && (named(units) || !named(separate))
    ? await loadMergedModules(urls, options)
    : await loadSeparateModules(urls, options);
}

async function loadMergedModules(
  urls: HotModuleUrls,
  { checked = false }: HotModuleOptions,
): Promise<MergedModules> {
  const [smmuUnit, privateSmmuUnit] = await Promise.all(
    checked
      ? [
          compileModule(
            urls.checkedSmmuUnit ?? new URL('./smmu-unit-checked.wasm', import.meta.url),
            'smmu-unit-checked',
          ),
          compileModule(
            urls.privateCheckedSmmuUnit ??
              new URL('./smmu-unit-checked-private.wasm', import.meta.url),
            'smmu-unit-checked-private',
          ),
        ]
      : [
          compileModule(urls.smmuUnit ?? new URL('./smmu-unit.wasm', import.meta.url), 'smmu-unit'),
          compileModule(
            urls.privateSmmuUnit ?? new URL('./smmu-unit-private.wasm', import.meta.url),
            'smmu-unit-private',
          ),
        ],
  );
  return { smmuUnit, privateSmmuUnit };
}

async function loadGuestPort(urls: HotModuleUrls): Promise<GuestPortModules> {
  const [guestPort, privateGuestPort] = await Promise.all([
    compileModule(urls.guestPort ?? new URL('./guest-port.wasm', import.meta.url), 'guest-port'),
    compileModule(
      urls.privateGuestPort ?? new URL('./guest-port-private.wasm', import.meta.url),
      'guest-port-private',
    ),
  ]);
  return { guestPort, privateGuestPort };
}

/**
 * `loadHotModules` for engines without multi-memory, and for callers that replace a part
 * of a unit.
 */
export async function loadSeparateModules(
  urls: HotModuleUrls = {},
  { checked = false }: HotModuleOptions = {},
): Promise<SeparateModules> {
  const [port, smmuCore, vcmdqDrain] = await Promise.all([
    loadGuestPort(urls),
    checked
      ? compileModule(
          urls.checkedSmmuCore ?? new URL('./smmu-core-checked.wasm', import.meta.url),
          'smmu-core-checked',
        )
      : compileModule(urls.smmuCore ?? new URL('./smmu-core.wasm', import.meta.url), 'smmu-core'),
    compileModule(urls.vcmdqDrain ?? new URL('./vcmdq-drain.wasm', import.meta.url), 'vcmdq-drain'),
  ]);
  return { ...port, smmuCore, vcmdqDrain };
}

/**
 * Compiles the hot modules of an AMD IOMMU; see `loadHotModules`.
 * @throws {EnvironmentError} when a module cannot be loaded.
 */
export async function loadAmdModules(urls: ModuleUrls = {}): Promise<AmdModules> {
  const units = [urls.amdUnit, urls.privateAmdUnit];
  const separate = [urls.guestPort, urls.privateGuestPort, urls.amdIommu];
  if (!hasMultiMemory() || (named(separate) && !named(units)))
    return await loadSeparateAmdModules(urls);
  const [amdUnit, privateAmdUnit] = await Promise.all([
    compileModule(urls.amdUnit ?? new URL('./amd-unit.wasm', import.meta.url), 'amd-unit'),
    compileModule(
      urls.privateAmdUnit ?? new URL('./amd-unit-private.wasm', import.meta.url),
      'amd-unit-private',
    ),
  ]);
  return { amdUnit, privateAmdUnit };
}

/** `loadSeparateModules` for an AMD IOMMU. */
export async function loadSeparateAmdModules(urls: ModuleUrls = {}): Promise<SeparateAmdModules> {
  const [port, amdIommu] = await Promise.all([
    loadGuestPort(urls),
    compileModule(urls.amdIommu ?? new URL('./amd-iommu.wasm', import.meta.url), 'amd-iommu'),
  ]);
  return { ...port, amdIommu };
}

/**
 * Compiles the GIC, for boards that have one.
 * @throws {EnvironmentError} when it cannot be loaded.
 */
export async function loadGicv3(url?: string | URL): Promise<WebAssembly.Module> {
  return await compileModule(url ?? new URL('./gicv3.wasm', import.meta.url), 'gicv3');
}

/**
 * Compiles the arm64 CPU, for boards that have one.
 * @throws {EnvironmentError} when it cannot be loaded.
 */
export async function loadArm64(url?: string | URL): Promise<WebAssembly.Module> {
  return await compileModule(url ?? new URL('./arm64.wasm', import.meta.url), 'arm64');
}

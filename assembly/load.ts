// SPDX-License-Identifier: MIT
// Compiles the hot modules, which a unit joins to the memories that it may touch
// (docs/internals/architecture.md, "Units").

import { compileModule } from './module-file.ts';

export type { WasmImports, WasmMemory } from './webassembly-types.ts';

/**
 * Exports of the GIC. `gic` is the byte offset of its block (assembly/layout/gic-memory.ts) in the
 * memory that it was instantiated on; `vcpu` and `intid` exist. Any thread may call the functions of
 * lines and of distributor and redistributors; `irqAsserted` and `icc*` are for the one that runs the vCPU.
 */
export interface Gicv3Exports {
  /** Everything out of reset; nothing else runs meanwhile. */
  reset(gic: number, vcpus: number, intids: number): void;
  /** Where a vCPU has its pending and limit words in the same memory; 0: in the GIC's block. */
  connect(gic: number, vcpu: number, pendingAt: number, limitAt: number): void;
  /** Has the GIC have LPIs, from its next reset on: where their area and RAM begin in the same memory. */
  addLpis(gic: number, lpis: number, ramGpa: number, ram: number, ramSize: number): void;
  /** Derives the targets of SPIs from stored routes; GICD_CTLR is 0, and its write does the rest. */
  applyRoutes(gic: number): void;
  setLine(gic: number, vcpu: number, intid: number, high: number): void;
  pulseLine(gic: number, vcpu: number, intid: number): void;
  /** 32-bit accesses, at offsets that are multiples of 4, of GICD or of the vCPU's GICR frames. */
  readDistributor(gic: number, offset: number): number;
  writeDistributor(gic: number, offset: number, value: number): void;
  writeDistributor8(gic: number, offset: number, value: number): void;
  readRedistributor(gic: number, vcpu: number, offset: number): number;
  writeRedistributor(gic: number, vcpu: number, offset: number, value: number): void;
  writeRedistributor8(gic: number, vcpu: number, offset: number, value: number): void;
  /** Not 0 while the vCPU's IRQ input is asserted. */
  irqAsserted(gic: number, vcpu: number): number;
  /** MRS; -1n: UNDEFINED. */
  iccRead(gic: number, vcpu: number, register: number): bigint;
  /** MSR; 0: UNDEFINED. */
  iccWrite(gic: number, vcpu: number, register: number, value: bigint): number;
  /** The ITS of a GIC with LPIs out of reset. */
  resetIts(gic: number): void;
  /** 32-bit accesses, at offsets that are multiples of 4, of its control frame. */
  readIts(gic: number, offset: number): number;
  writeIts(gic: number, offset: number, value: number): void;
  /** Executes commands of its queue; not 0: there are more. */
  serveIts(gic: number): number;
  /** A write to GITS_TRANSLATER. */
  translate(gic: number, deviceId: number, eventId: number): void;
}

/**
 * Exports of the arm64 CPU. `cpu` is the byte offset of a vCPU block (assembly/layout/arm64-state.ts),
 * `pool` that of the record pages (assembly/layout/arm64-records.ts). Its imports are those of
 * assembly/imports/board.ts, and `env.table`: the regions, by the index that their entries have.
 */
export interface Arm64Exports {
  /** A block becomes a vCPU out of reset; what the host has set stays. */
  reset(cpu: number): void;
  /** Empties the record pages, `size` bytes; no vCPU runs, and each has its `flushFetch` called. */
  resetPool(pool: number, size: number, ramSize: number): void;
  /** Runs a vCPU for about so many instructions. Returns ARM64_EXIT_*. */
  run(cpu: number, instructions: number): number;
  step(cpu: number): number;
  /** Runs a vCPU until it has executed exactly `due` instructions since its reset. Returns ARM64_EXIT_*. */
  runTo(cpu: number, due: bigint): number;
  /** Instructions of a page of RAM, or of all, are decoded anew. */
  invalidatePage(cpu: number, page: number): void;
  invalidateAll(cpu: number): void;
  /** Empties TLBs: all, or those of instructions. */
  flushAll(cpu: number): void;
  flushFetch(cpu: number): void;
  /** The entry of the region that a record leads to (assembly/layout/arm64-regions.ts), or 0. */
  entryOf(record: number): number;
  /**
   * Lets the record of the instruction `at` bytes behind the start of its page lead to an entry, of
   * which everything but the records is there. `base` is the page's first record.
   */
  placeEntry(base: number, at: number, entry: number): void;
  /** Where in the memory the byte at a virtual address is that EL1 can read; 0 where it is no RAM. */
  hostAddress(cpu: number, va: bigint): number;
  /**
   * A system register, by its encoding: read into ARM64_MMIO_VALUE or written as EL1 does, by a debugger
   * while the vCPU does not run. 0 where there is none.
   */
  readRegister(cpu: number, encoding: number): number;
  writeRegister(cpu: number, encoding: number, value: bigint): number;
  /** PSTATE as SPSR has it; 0 where its mode is none of this CPU's. */
  statusOf(cpu: number): number;
  setStatus(cpu: number, status: number): number;
  /** Takes what ends a WFE; 0 when there is nothing. */
  takeEvent(cpu: number): number;
  /** Takes a synchronous exception whose return address is the PC. */
  takeException(cpu: number, ec: number, iss: number): void;
}

/**
 * The guest port, for a memory that threads share, and for one that they do not, as another VMM may
 * have it.
 */
export interface GuestPortModules {
  readonly guestPort: WebAssembly.Module;
  readonly privateGuestPort: WebAssembly.Module;
}

/** The parts of an SMMU's unit as modules of their own, which direct imports join. */
export interface SeparateModules extends GuestPortModules {
  readonly smmuCore: WebAssembly.Module;
  readonly vcmdqDrain: WebAssembly.Module;
}

/** The same as one module with two memories, for a shared guest memory and for a private one. */
export interface MergedModules {
  readonly smmuUnit: WebAssembly.Module;
  readonly privateSmmuUnit: WebAssembly.Module;
}

/** The hot modules of an SMMU, compiled. Can be posted to other threads. */
export type HotModules = SeparateModules | MergedModules;

export interface SeparateAmdModules extends GuestPortModules {
  readonly amdIommu: WebAssembly.Module;
}

export interface MergedAmdModules {
  readonly amdUnit: WebAssembly.Module;
  readonly privateAmdUnit: WebAssembly.Module;
}

/** The hot modules of an AMD IOMMU, compiled, in either form. */
export type AmdModules = SeparateAmdModules | MergedAmdModules;

/** A stretch of guest physical address space that is RAM. Multiples of 4 KiB. */
export interface MemoryRegion {
  readonly gpa: number;
  /** Byte offset in guest memory. */
  readonly offset: number;
  readonly size: number;
}

/** Regions that a guest port has room for. */
export const MAX_REGIONS = 4;

/** (module (memory 0) (memory 0)) */
const TWO_MEMORIES = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0);
let multiMemory: boolean | undefined;

/** Whether the engine takes modules with several memories. */
export function hasMultiMemory(): boolean {
  multiMemory ??= WebAssembly.validate(TWO_MEMORIES);
  return multiMemory;
}

/**
 * Where the hot modules lie, for pages and bundlers that want them elsewhere than beside this file: URLs,
 * or paths, which are relative to the working directory (Node.js) or to the document (pages).
 * Who names separate modules and no unit gets the separate ones.
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
 * Where the hot modules of an AMD IOMMU lie, likewise. The guest port is the one of `HotModuleUrls`.
 */
export interface AmdModuleUrls {
  readonly amdIommu?: string | URL | undefined;
  readonly amdUnit?: string | URL | undefined;
  readonly privateAmdUnit?: string | URL | undefined;
}

/** Where modules lie that some boards need. */
export type BoardModuleUrls = {
  readonly [module in 'arm64' | 'gicv3']?: string | URL | undefined;
};

/** Where the modules of hosts and of boards lie, when not beside this file. */
export type ModuleUrls = HotModuleUrls & AmdModuleUrls & BoardModuleUrls;

/** Which of the hot modules are taken. */
export interface HotModuleOptions {
  /** Take the SMMU core with the sanitizer in it (docs/sanitizer.md). Default false. */
  readonly checked?: boolean;
}

/** Whether a module is, or has in it, an SMMU core with the sanitizer. */
export function hasSanitizer(module: WebAssembly.Module): boolean {
  return WebAssembly.Module.exports(module).some(({ name }) => name === 'checked');
}

/** Whether the modules' SMMU core has the sanitizer in it. */
export function isChecked(modules: HotModules): boolean {
  if (typeof modules !== 'object' || modules === null)
    throw new TypeError('isChecked: modules must be what loadHotModules has loaded');
  return hasSanitizer('smmuUnit' in modules ? modules.smmuUnit : modules.smmuCore);
}

const named = (urls: readonly (string | URL | undefined)[]) =>
  urls.some((url) => url !== undefined);

/**
 * Compiles the hot modules, those that lie beside this file where `urls` says nothing else: a unit
 * that is one module where the engine has multi-memory, else separate ones.
 * @throws {EnvironmentError} when one cannot be loaded.
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

/** `loadHotModules` for engines without multi-memory, and for who replaces a part of a unit. */
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
 * Compiles the hot modules of an AMD IOMMU, those that lie beside this file where `urls` says nothing
 * else; as `loadHotModules`.
 * @throws {EnvironmentError} when one cannot be loaded.
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

/** The same as `loadSeparateModules`. */
export async function loadSeparateAmdModules(urls: ModuleUrls = {}): Promise<SeparateAmdModules> {
  const [port, amdIommu] = await Promise.all([
    loadGuestPort(urls),
    compileModule(urls.amdIommu ?? new URL('./amd-iommu.wasm', import.meta.url), 'amd-iommu'),
  ]);
  return { ...port, amdIommu };
}

/**
 * The GIC, compiled, for boards that have one.
 * @throws {EnvironmentError} when it cannot be loaded.
 */
export async function loadGicv3(url?: string | URL): Promise<WebAssembly.Module> {
  return await compileModule(url ?? new URL('./gicv3.wasm', import.meta.url), 'gicv3');
}

/**
 * The arm64 CPU, compiled, for boards that have one.
 * @throws {EnvironmentError} when it cannot be loaded.
 */
export async function loadArm64(url?: string | URL): Promise<WebAssembly.Module> {
  return await compileModule(url ?? new URL('./arm64.wasm', import.meta.url), 'arm64');
}

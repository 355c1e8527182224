// SPDX-License-Identifier: MIT
// A unit: the hot modules of one (thread, machine) pair, with access to the memories that
// they may use and no others.

import { NO_OFFSET } from '../../assembly/layout/guest-port-results.ts';
import {
  HOST_AT_EPOCH,
  HOST_AT_RAM_BASE,
  HOST_AT_RAM_SIZE,
  HOST_AT_SMMU_COUNT,
  HOST_AT_THREADS,
  HOST_SMMUS,
  MAX_THREADS,
  SMMU_STRIDE,
} from '../../assembly/layout/host-memory.ts';
import {
  type AmdModules,
  type GuestPortModules,
  type HotModules,
  hasSanitizer,
  MAX_REGIONS,
  type MemoryRegion,
  type WasmImports,
} from '../../assembly/load.ts';
import type {
  AtcResult,
  GuestPortExports,
  SmmuCoreExports,
  TranslateResult,
  VcmdqDrainExports,
} from '../../assembly/unit-exports.ts';
import { checkInteger } from '../plugin/known-values.ts';
import {
  checkedLater,
  checkOptions,
  flag,
  having,
  instanceOf,
  integerFrom,
  listOf,
  type OptionKinds,
  objectOf,
  uint32,
} from '../plugin/option-kinds.ts';
import { type ExitRequestWords, NO_EXIT_REQUEST } from './exit-request-words.ts';
import { checkHostMemory, MAX_SMMUS } from './host-memory-check.ts';
import { SegmentBlock } from './segment-block.ts';
import { ThreadBlock } from './thread-block.ts';

/** What a unit is built from; all of it can be posted to another thread. */
export interface PortUnitOptions {
  /** The compiled hot modules: `loadHotModules`. */
  readonly modules: HotModules | AmdModules;
  /** The host memory: `createHostMemory`. */
  readonly hostMemory: WebAssembly.Memory;
  /**
   * The guest's memory, for the unit of a machine. Default: none, as for the host's own
   * unit.
   */
  readonly guest?: {
    readonly memory: WebAssembly.Memory;
    readonly regions: readonly MemoryRegion[];
    /** Window of the physical address map that this memory is, from 1. */
    readonly window: number;
    /** How its vCPUs are requested to exit. Default: not at all. */
    readonly exitRequest?: ExitRequestWords | undefined;
    /**
     * The guest drives the SMMUs itself: physical addresses are those of its memory, and
     * this unit has no host RAM. Default false.
     */
    readonly isPhysical?: boolean | undefined;
  };
  /** Index of the thread block, unique among running threads: 0 to 63. */
  readonly thread: number;
}

/** The same, for an SMMU's unit. */
export interface UnitOptions extends PortUnitOptions {
  /** The compiled hot modules of an SMMU: `loadHotModules`. */
  readonly modules: HotModules;
}

const GUEST: OptionKinds<NonNullable<PortUnitOptions['guest']>> = {
  memory: instanceOf(WebAssembly.Memory, 'a WebAssembly.Memory'),
  regions: listOf(having()),
  window: uint32,
  exitRequest: having(),
  isPhysical: flag,
};
const OPTIONS: OptionKinds<PortUnitOptions> = {
  modules: checkedLater,
  hostMemory: checkedLater,
  guest: objectOf<NonNullable<PortUnitOptions['guest']>>(GUEST, ['memory', 'regions', 'window']),
  thread: integerFrom(0, MAX_THREADS - 1),
};

/**
 * Byte offset of an SMMU block in host memory.
 * @throws {TypeError|RangeError} unless it is an integer from 0 to 15.
 */
export function smmuBase(index: number): number {
  checkInteger(index, 0, MAX_SMMUS - 1, 'smmuBase: index');
  return HOST_SMMUS + index * SMMU_STRIDE;
}

/**
 * Byte offset of an SMMU block that a caller chose.
 * @param what the caller's name in messages: "SmmuEndpoint".
 * @throws {TypeError} when the unit is not a unit, or the index not a number.
 * @throws {RangeError} when its host memory has no such SMMU.
 */
export function smmuBlockOf(unit: TranslatingUnit, index: number, what: string): number {
  if (!(unit?.hostMemory instanceof WebAssembly.Memory))
    throw new TypeError(`${what}: unit must be a Unit`);
  const smmus = new Int32Array(unit.hostMemory.buffer)[HOST_AT_SMMU_COUNT >> 2] ?? 0;
  checkInteger(index, 0, smmus - 1, `${what}: smmuIndex`);
  return smmuBase(index);
}

function regionGlobals(regions: readonly MemoryRegion[]): Record<string, WebAssembly.Global> {
  if (regions.length > MAX_REGIONS)
    throw new RangeError(
      `regions of a guest must be at most ${MAX_REGIONS}, not ${regions.length}`,
    );
  const globals: Record<string, WebAssembly.Global> = {};
  for (let i = 0; i < MAX_REGIONS; i++) {
    const region = regions[i] ?? { gpa: 0, offset: 0, size: 0 };
    if (region.gpa % 0x1000 || region.offset % 0x1000 || region.size % 0x1000) {
      throw new RangeError(`regions[${i}] of a guest must be whole pages of 4 KiB`);
    }
    globals[`GPA${i}`] = new WebAssembly.Global({ value: 'i64' }, BigInt(region.gpa));
    globals[`OFFSET${i}`] = new WebAssembly.Global({ value: 'i32' }, region.offset);
    globals[`SIZE${i}`] = new WebAssembly.Global({ value: 'i32' }, region.size);
  }
  return globals;
}

const i32 = (value: number) => new WebAssembly.Global({ value: 'i32' }, value);

/** The memory at a physical address. */
export interface ResolvedPa {
  /** 0 for host memory, otherwise the window of a guest's memory. */
  readonly window: number;
  /** Byte offset in that memory. */
  readonly offset: number;
}

/**
 * Common parts of units for any IOMMU: a guest port, and a thread block in host memory.
 */
export abstract class PortUnit {
  abstract readonly port: GuestPortExports;
  readonly hostMemory: WebAssembly.Memory;
  readonly guestMemory: WebAssembly.Memory | undefined;
  /** Window of the guest's memory; 0 for the host's own unit. */
  readonly window: number;
  /** The guest drives the SMMUs itself: its memory is the physical one. */
  readonly isPhysical: boolean;
  /** Index of this unit's thread block. */
  readonly thread: number;
  /** This unit's thread block, with the results of its last translation. */
  readonly threadBlock: ThreadBlock;
  /** This unit's segment block, with the segments of the last access of several pages. */
  readonly segments: SegmentBlock;
  readonly #portMemory: WebAssembly.Memory;
  /** Host RAM in host memory; empty when the guest's memory is the physical one. */
  readonly #ram: { readonly base: number; readonly size: number };
  /** Imports of a guest port besides its memory, and those of modules that use it. */
  readonly #imports: { readonly regions: WasmImports[string]; readonly unit: WasmImports[string] };

  /**
   * The host memory comes from `createHostMemory`.
   * @throws {TypeError} when an option is unknown or missing.
   */
  constructor(options: PortUnitOptions) {
    checkOptions(options, OPTIONS, 'Unit', ['modules', 'hostMemory', 'thread']);
    const { hostMemory, guest, thread } = options;
    checkHostMemory(hostMemory, 'Unit: hostMemory');
    const { modules } = options;
    const all = typeof modules === 'object' ? Object.values(modules ?? {}) : [];
    if (all.length === 0 || !all.every((module) => module instanceof WebAssembly.Module))
      throw new TypeError('Unit: modules must be what loadHotModules has loaded');
    const host = new Int32Array(hostMemory.buffer);
    this.hostMemory = hostMemory;
    this.guestMemory = guest?.memory;
    this.window = guest?.window ?? 0;
    this.thread = thread;
    this.threadBlock = new ThreadBlock(hostMemory, thread);
    this.segments = new SegmentBlock(hostMemory, thread);

    this.#portMemory =
      guest?.memory ?? new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const exitRequest = guest?.exitRequest ?? NO_EXIT_REQUEST;
    const isPhysical = guest?.isPhysical ?? false;
    this.#ram = {
      base: host[HOST_AT_RAM_BASE >> 2] ?? 0,
      size: isPhysical ? 0 : (host[HOST_AT_RAM_SIZE >> 2] ?? 0) >>> 0,
    };
    this.isPhysical = isPhysical;
    const unit = {
      WINDOW: i32(this.window),
      THREAD: i32(this.threadBlock.address),
      THREAD_ID: i32(thread + 1),
      PA_WINDOW: i32(isPhysical ? 0 : this.window),
      RAM_BASE: i32(this.#ram.base),
      RAM_SIZE: i32(this.#ram.size),
      EXIT_COUNT: i32(exitRequest.count),
      EXIT_OFFSET: i32(exitRequest.offset),
      EXIT_STRIDE: i32(exitRequest.stride),
      EXIT_VALUE: i32(exitRequest.value),
      CHECKED: i32(Number(all.some(hasSanitizer))),
    };
    const regions = {
      ...regionGlobals(guest?.regions ?? []),
      MEMORY_SIZE: i32(this.#portMemory.buffer.byteLength),
    };
    this.#imports = { regions, unit };

    // CMD_SYNC checks the blocks below this count, which never decreases.
    const count = HOST_AT_THREADS >> 2;
    for (let seen = Atomics.load(host, count); seen <= thread; seen = Atomics.load(host, count)) {
      Atomics.compareExchange(host, count, seen, thread + 1);
    }
  }

  /**
   * Finds the memory at a physical address, (window << 32) | address, like the SMMU's own
   * accesses; undefined when these bytes are not contiguous in one memory that this unit
   * reaches.
   */
  resolvePa(pa: number, length: number): ResolvedPa | undefined {
    const window = Math.floor(pa / 2 ** 32);
    const address = pa % 2 ** 32;
    const { base, size } = this.#ram;
    if (window === 0 && address + length <= size) return { window, offset: base + address };
    if (window !== (this.isPhysical ? 0 : this.window)) return undefined;
    const offset = this.port.resolveGpa(address | 0, 0, length) >>> 0;
    return offset === NO_OFFSET ? undefined : { window: this.window, offset };
  }

  /**
   * Exports of a module that contains the whole unit: the guest port, and what uses it.
   */
  protected instantiateMerged(
    shared: WebAssembly.Module,
    unshared: WebAssembly.Module,
    own: WasmImports = {},
  ): WasmImports[string] {
    return instantiate(this.#variant(shared, unshared), {
      guest: { memory: this.#portMemory },
      env: { memory: this.hostMemory },
      ...this.#imports,
      ...own,
    });
  }

  /** Exports of the guest port as a separate module. */
  protected instantiatePort({
    guestPort,
    privateGuestPort,
  }: GuestPortModules): WasmImports[string] {
    return instantiate(this.#variant(guestPort, privateGuestPort), {
      env: { memory: this.#portMemory },
      regions: this.#imports.regions,
    });
  }

  /** Exports of a module that imports the guest port, besides its own imports. */
  protected instantiate(module: WebAssembly.Module, own: WasmImports): WasmImports[string] {
    return instantiate(module, {
      env: { memory: this.hostMemory },
      unit: this.#imports.unit,
      ...own,
    });
  }

  #variant(shared: WebAssembly.Module, unshared: WebAssembly.Module): WebAssembly.Module {
    // Pages that are not cross-origin isolated have shared memories too, but no global
    // `SharedArrayBuffer`.
    return this.#portMemory.buffer instanceof ArrayBuffer ? unshared : shared;
  }
}

function instantiate(module: WebAssembly.Module, imports: WasmImports): WasmImports[string] {
  const { exports } = new WebAssembly.Instance(module, imports as WebAssembly.Imports);
  return exports;
}

/** A unit that translates, for any IOMMU. */
export abstract class TranslatingUnit extends PortUnit {
  abstract readonly core: Pick<SmmuCoreExports, 'accessBegin' | 'accessEnd' | 'translate'>;

  /**
   * Translates the address of one byte, inside a registered access (`core.accessBegin`)
   * that stays within its page. Until this unit's next translation, `threadBlock` has the
   * results: on TRANSLATE_OK the PA and the size of the surrounding block, on
   * TRANSLATE_STALLED the STAG, on any fault the event. Allocates nothing.
   * @param iommu byte offset of the IOMMU's block in host memory.
   * @param streamId as numbered by the physical IOMMU.
   * @param substreamId ACCESS_NO_SSID for none.
   * @param iovaLo iova: lower and upper 32 bits.
   * @param attributes a sum of ACCESS_*.
   */
  translate(
    iommu: number,
    streamId: number,
    substreamId: number,
    iovaLo: number,
    iovaHi: number,
    attributes: number,
  ): TranslateResult {
    return this.core.translate(iommu, streamId, substreamId, iovaLo, iovaHi, attributes);
  }
}

/** The hot modules of an SMMU, instantiated; see `UnitOptions`. */
export class Unit extends TranslatingUnit {
  readonly port: GuestPortExports;
  readonly core: SmmuCoreExports;
  readonly drain: VcmdqDrainExports;

  constructor(options: UnitOptions) {
    super(options);
    const { modules, hostMemory } = options;
    // Called only for tracing and for timeouts. Clocks of threads have different origins.
    const origin =
      performance.timeOrigin - (new Float64Array(hostMemory.buffer)[HOST_AT_EPOCH >> 3] ?? 0);
    const clock = { now: () => origin + performance.now() };
    if ('smmuUnit' in modules) {
      const { smmuUnit, privateSmmuUnit } = modules;
      const unit = this.instantiateMerged(smmuUnit, privateSmmuUnit, { clock });
      this.port = unit as unknown as GuestPortExports;
      this.core = unit as unknown as SmmuCoreExports;
      this.drain = unit as unknown as VcmdqDrainExports;
      return;
    }
    const port = this.instantiatePort(modules);
    const core = this.instantiate(modules.smmuCore, { port, clock });
    const drain = this.instantiate(modules.vcmdqDrain, { port, core });
    this.port = port as unknown as GuestPortExports;
    this.core = core as unknown as SmmuCoreExports;
    this.drain = drain as unknown as VcmdqDrainExports;
  }

  /**
   * The same for an access of the endpoint at a port (`core.atcSetMode`), through its
   * ATC: on ATS_SUCCESS `threadBlock` has the PA and the size of the block. Not
   * thread-safe.
   */
  atcAccess(
    iommu: number,
    port: number,
    streamId: number,
    ssid: number,
    iovaLo: number,
    iovaHi: number,
    attributes: number,
  ): AtcResult {
    return this.core.atcAccess(iommu, port, streamId, ssid, iovaLo, iovaHi, attributes);
  }
}

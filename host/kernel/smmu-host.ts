// SPDX-License-Identifier: MIT
// Entry "vsmmu/iommufd/smmu": an SMMU with its CMDQV as an IOMMU of the host object
// model, for users who drive an iommufd themselves.

import { IDR0_S2P } from '../../assembly/layout/smmu-registers.ts';
import { type HotModules, loadHotModules, type MemoryRegion } from '../../assembly/load.ts';
import { checkRegions, offsetOfGpa, SYSTEM_CLOCK } from '../../devices/bus/index.ts';
import { bitsOf, type DmaPort } from '../../devices/plugin/index.ts';
import { checkInteger } from '../../devices/plugin/known-values.ts';
import {
  checkOptions,
  having,
  integerFrom,
  nonEmpty,
  type OptionKinds,
  powerOfTwo,
  uint,
  uint32,
} from '../../devices/plugin/option-kinds.ts';
import { idRegistersKind } from '../../devices/smmuv3/id-register-values.ts';
import type { SmmuIdRegisters } from '../../devices/smmuv3/index.ts';
import {
  createHostMemory,
  type PhysicalMemory,
  SmmuEndpoint,
  type Translation,
  Unit,
} from '../../devices/unit/index.ts';
import { HostError, HostRam, sufficientRam } from '../hardware/index.ts';
import { type IommuDevice, OPEN_GATE, type UserMemory, type VmHandle } from '../iommufd/index.ts';
import { ArmDevice } from './arm/index.ts';
import { IdAllocator } from './id-allocator.ts';
import { PhysicalIommu } from './physical-iommu.ts';
import { Vm, windowOf } from './vm.ts';
import { VmVmids } from './vm-vmids.ts';

/** Options of a `SmmuHost`. */
export interface SmmuHostOptions {
  /**
   * Bytes of RAM, a multiple of 64 KiB. Default 16 MiB, and more for an SMMU with large
   * queues.
   */
  readonly ramSize?: number | undefined;
  /** VINTFs of the CMDQV, a power of two from 1 to 64. Default 1. */
  readonly vintfs?: number | undefined;
  /**
   * VCMDQs of the CMDQV, a power of two from `vintfs` to 128. Default twice the VINTFs.
   */
  readonly vcmdqs?: number | undefined;
  /** ID registers of the SMMU. Default PHYSICAL_ID_REGISTERS. */
  readonly idRegisters?: SmmuIdRegisters | undefined;
  /** The compiled hot modules. Default: they are loaded. */
  readonly modules?: HotModules | undefined;
}

/**
 * A VM as its host's kernel sees it: the `vm` of `viommuAlloc`, and, as `memory` of
 * `ioasMap`, the RAM of the VM by gpa.
 */
export interface SmmuVm extends VmHandle, UserMemory {
  readonly memory: WebAssembly.Memory;
  readonly regions: readonly MemoryRegion[];
}

/** Most VMs: each has a window of the physical address map, and a thread block. */
const MAX_VMS = 63;

const OPTIONS: OptionKinds<SmmuHostOptions> = {
  ramSize: integerFrom(1, 2 ** 32),
  vintfs: powerOfTwo(64),
  vcmdqs: powerOfTwo(128),
  idRegisters: idRegistersKind,
  modules: having(),
};

/**
 * A computer of RAM and an SMMUv3, whose kernel has booted. Devices of the SMMU are bound
 * to an `Iommufd`, and their DMA is translated by their HWPT. A VM (`createVm`) can have
 * vIOMMUs with hardware queues, whose tables and commands are in its own memory. Machines
 * that run guests belong to a `Host`.
 *
 * @example
 * ```js
 * import { Iommufd } from 'vsmmu/iommufd';
 * import { SmmuHost } from 'vsmmu/iommufd/smmu';
 *
 * const host = await SmmuHost.create();
 * const fd = new Iommufd();
 * const device = fd.bind(host.addDevice('nic', 5));
 * const ioas = fd.ioasAlloc();
 * fd.attach(device, fd.hwptAlloc({ device, parent: ioas }));
 * fd.ioasMap(ioas, { iova: 0x1000n, length: 0x1000n, memory: host.memory, address: host.allocate(0x1000) });
 * console.log(host.dmaPort(5).write(0x1000, Uint8Array.of(1, 2, 3)).ok);
 * fd.close();
 * ```
 */
export class SmmuHost {
  /** The RAM for mappings of an IOAS: an address of this memory is a PA. */
  readonly memory: UserMemory;
  readonly #ram: HostRam;
  readonly #modules: HotModules;
  readonly #hostMemory: WebAssembly.Memory;
  readonly #iommu: PhysicalIommu;
  readonly #vmids: VmVmids;
  readonly #windows: IdAllocator;
  readonly #vms = new Map<number, Vm>();
  /**
   * The memory that devices reach by physical address: RAM, and that of each VM in its
   * window.
   */
  readonly #physical: PhysicalMemory;
  readonly #endpoint: SmmuEndpoint;
  /** Devices of VMs, by StreamID: their CDs and stage 1 tables are in the VM's memory. */
  readonly #guestDevices = new Map<number, { readonly vm: Vm; readonly endpoint: SmmuEndpoint }>();

  /**
   * @throws {TypeError} for an unknown option.
   * @throws {EnvironmentError} when a WebAssembly module cannot be loaded.
   * @throws {RangeError | HostError} when a number is out of its range, or the RAM too
   *   small.
   */
  static async create(options: SmmuHostOptions = {}): Promise<SmmuHost> {
    checkOptions(options, OPTIONS, 'SmmuHost');
    return new SmmuHost(options, options.modules ?? (await loadHotModules()));
  }

  private constructor(options: SmmuHostOptions, modules: HotModules) {
    const { vintfs = 1, vcmdqs = 2 * vintfs, idRegisters } = options;
    if (vcmdqs < vintfs)
      throw new RangeError(
        `SmmuHost: vcmdqs must be vintfs, which is ${vintfs}, at least, not ${vcmdqs}`,
      );
    const { ramSize = sufficientRam([{ idRegisters, vintfs, vcmdqs }]) } = options;
    const hostMemory = createHostMemory({ ramSize });
    const ram = new HostRam(hostMemory);
    const unit = new Unit({ modules, hostMemory, thread: 0 });
    this.#modules = modules;
    this.#hostMemory = hostMemory;
    this.#ram = ram;
    this.#iommu = new PhysicalIommu({
      unit,
      smmuIndex: 0,
      idRegisters,
      vintfs,
      vcmdqs,
      ram,
      clock: SYSTEM_CLOCK,
      unitOf: (window) => (window === 0 ? unit : this.#vms.get(window)?.unit),
      pinVmid: (vm) => this.#vmids.pin(vm),
      // No policy decides first: a VM's errors reach its vEVENTQ.
      reportErrors: 'all',
    });
    const { vmidBits: bits } = this.#iommu;
    const flush = () => this.#iommu.invalidateAll();
    this.#vmids = new VmVmids(hostMemory, { bits, cpus: 1, flush }, OPEN_GATE);
    // A paging HWPT is stage 2, with or without nesting.
    if (!bitsOf(this.#iommu.model.smmu.idr0, IDR0_S2P))
      throw new RangeError('SmmuHost: idRegisters lack stage 2 (IDR0.S2P), which HWPTs need');
    const most = Math.min(MAX_VMS, this.#iommu.windows);
    const room = most > 0 ? `at most ${most} VMs` : 'no VMs: IDR5.OAS leaves their memory no room';
    this.#windows = new IdAllocator(1, most + 1, 'no-window', `a host has ${room}`);
    this.#physical = { bytes: (pa, length) => this.#bytesAt(pa, length) };
    this.#endpoint = new SmmuEndpoint({ unit, memory: this.#physical });
    this.memory = {
      physical: (address, length) => (ram.bytes(address, length) ? address : undefined),
    };
  }

  /**
   * Allocates zeroed RAM, aligned to its size.
   * @param size bytes, a power of two.
   * @returns its PA.
   * @throws {TypeError | RangeError} when the size is not a power of two.
   * @throws {HostError} when none is left.
   */
  allocate(size: number): number {
    powerOfTwo(2 ** 32)(size, 'allocate', 'size');
    return this.#ram.allocate(size, size);
  }

  /**
   * The bytes at a PA, not a copy; undefined unless all of them are RAM.
   * @throws {TypeError | RangeError} when a number is not a non-negative integer.
   */
  bytes(pa: number, length: number): Uint8Array | undefined {
    uint(pa, 'bytes', 'pa');
    uint(length, 'bytes', 'length');
    return this.#ram.bytes(pa, length);
  }

  /**
   * Adds a VM.
   * @param memory of the guest. It must not grow later.
   * @param regions its RAM: ranges of guest physical addresses, and their location in
   *   `memory`.
   * @throws {TypeError | RangeError} when `memory` is not a memory, or a region does not
   *   consist of 4 KiB pages or is not in the memory.
   * @throws {HostError} when the host has its maximum number of VMs.
   */
  createVm(name: string, memory: WebAssembly.Memory, regions: readonly MemoryRegion[]): SmmuVm {
    nonEmpty(name, 'createVm', 'name');
    checkRegions(memory, regions, 'createVm');
    const window = this.#windows.allocate();
    try {
      const unit = new Unit({
        modules: this.#modules,
        hostMemory: this.#hostMemory,
        guest: { memory, regions, window },
        thread: window,
      });
      const vm = new Vm(name, window, memory, regions, unit);
      this.#vms.set(window, vm);
      return vm;
    } catch (error) {
      this.#windows.free(window);
      throw error;
    }
  }

  /**
   * Removes a VM. No IOAS may map its memory any longer, because another VM gets its
   * window.
   * @throws {TypeError} when it is not a VM of this host.
   * @throws {HostError} `in-use` while it has vIOMMUs or devices.
   */
  destroyVm(vm: SmmuVm): void {
    const own = this.#vmOf(vm);
    const devices = [...this.#guestDevices.values()].filter((device) => device.vm === own).length;
    if (own.references > 0 || devices > 0) {
      const left = `${own.references} vIOMMUs and ${devices} devices`;
      throw new HostError('in-use', `${own.name} still has ${left}`);
    }
    this.#vmids.forget(own);
    this.#vms.delete(own.window);
    this.#windows.free(own.window);
  }

  /**
   * Adds a device of the SMMU, blocked until an iommufd attaches it.
   * @param streamId from 0 to 2^15 - 1, or 2^SIDSIZE - 1 where that is less; of no other
   *   device.
   * @param vm the VM that the device is for.
   * @throws {TypeError} when `vm` is not a VM of this host.
   * @throws {RangeError} when there is no such StreamID.
   * @throws {HostError} `in-use` when another device has it.
   */
  addDevice(name: string, streamId: number, vm?: SmmuVm): IommuDevice {
    nonEmpty(name, 'addDevice', 'name');
    checkInteger(streamId, 0, 2 ** this.#iommu.model.smmu.sidBits - 1, 'addDevice: streamId');
    const own = vm === undefined ? undefined : this.#vmOf(vm);
    if (this.#iommu.model.hasStream(streamId))
      throw new HostError('in-use', `another device has the StreamID ${streamId}`);
    if (own) {
      const endpoint = new SmmuEndpoint({ unit: own.unit, memory: this.#physical });
      this.#guestDevices.set(streamId, { vm: own, endpoint });
    }
    return this.#iommu.model.addDevice(name, [streamId], { vm: own });
  }

  /**
   * Removes a device, which no iommufd has bound any longer.
   * @throws {TypeError} when `addDevice` of this host did not return it.
   */
  removeDevice(device: IommuDevice): void {
    if (!(device instanceof ArmDevice))
      throw new TypeError('removeDevice: device must be of addDevice of this host');
    for (const stream of device.streams) this.#guestDevices.delete(stream);
    this.#iommu.model.removeDevice(device);
  }

  /**
   * The port for a device's DMA: through the SMMU, by the mappings of its HWPT. Request
   * it after `addDevice`.
   */
  dmaPort(streamId: number): DmaPort {
    uint32(streamId, 'dmaPort', 'streamId');
    return this.#endpointOf(streamId).dmaPort(streamId);
  }

  /**
   * The result that an access of a device would have now: `SmmuEndpoint.translate`,
   * without a SubstreamID.
   */
  translate(streamId: number, iova: number, length: number, write = false): Translation {
    uint32(streamId, 'translate', 'streamId');
    const endpoint = this.#endpointOf(streamId);
    return endpoint.translate(streamId, undefined, iova, length, { write });
  }

  /**
   * Handles interrupts of the SMMU and the CMDQV: page requests go to fault queues,
   * records about a vIOMMU to its event queues. VCMDQs that were waiting for an access
   * continue.
   * @returns how many event records named no device of a vIOMMU: faults of the devices
   *   themselves.
   */
  takeInterrupts(): number {
    this.#iommu.poll();
    for (const { unit } of this.#vms.values()) unit.drain.serveParked(this.#iommu.block);
    return this.#iommu.takeInterrupts().stray;
  }

  #endpointOf(streamId: number): SmmuEndpoint {
    return this.#guestDevices.get(streamId)?.endpoint ?? this.#endpoint;
  }

  #vmOf(vm: SmmuVm): Vm {
    const own = vm instanceof Vm && this.#vms.get(vm.window);
    if (!own || own !== vm) throw new TypeError('vm must come from createVm of this host');
    return own;
  }

  #bytesAt(pa: number, length: number): Uint8Array | undefined {
    const { window, address } = windowOf(pa);
    if (window === 0) return this.#ram.bytes(address, length);
    const vm = this.#vms.get(window);
    const offset = vm ? offsetOfGpa(vm.regions, address, length) : -1;
    return vm && offset >= 0 ? new Uint8Array(vm.memory.buffer, offset, length) : undefined;
  }
}

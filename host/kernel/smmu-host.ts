// SPDX-License-Identifier: MIT
// Entry "vsmmu/iommufd/smmu": an SMMU with its CMDQV as an IOMMU of the host object model, for
// whoever works an iommufd himself.

import { type HotModules, loadHotModules } from '../../assembly/load.ts';
import { SYSTEM_CLOCK } from '../../devices/bus/index.ts';
import type { DmaPort } from '../../devices/plugin/index.ts';
import {
  checkOptions,
  having,
  integerFrom,
  type OptionKinds,
} from '../../devices/plugin/option-kinds.ts';
import type { SmmuIdRegisters } from '../../devices/smmuv3/index.ts';
import {
  createHostMemory,
  SmmuEndpoint,
  type Translation,
  Unit,
} from '../../devices/unit/index.ts';
import { HostRam, sufficientRam } from '../hardware/index.ts';
import { type IommuDevice, OPEN_GATE, type UserMemory } from '../iommufd/index.ts';
import type { ArmDevice } from './arm/index.ts';
import { PhysicalIommu } from './physical-iommu.ts';
import { VmVmids } from './vm-vmids.ts';

/** What a `SmmuHost` has. */
export interface SmmuHostOptions {
  /** Bytes of RAM, a multiple of 64 KiB. Default 16 MiB, and more for an SMMU with large queues. */
  readonly ramSize?: number | undefined;
  /** VINTFs of the CMDQV, a power of two from 1 to 64. Default 1. */
  readonly vintfs?: number | undefined;
  /** VCMDQs of the CMDQV, a power of two from `vintfs` to 128. Default twice the VINTFs. */
  readonly vcmdqs?: number | undefined;
  /** ID registers of the SMMU. Default PHYSICAL_ID_REGISTERS. */
  readonly idRegisters?: SmmuIdRegisters | undefined;
  /** The hot modules, compiled already. */
  readonly modules?: HotModules | undefined;
}

const OPTIONS: OptionKinds<SmmuHostOptions> = {
  ramSize: integerFrom(1, 2 ** 32),
  vintfs: integerFrom(1, 64),
  vcmdqs: integerFrom(1, 128),
  idRegisters: having(),
  modules: having(),
};

/**
 * A computer of RAM and an SMMUv3, whose kernel has booted: devices behind the SMMU are bound to an
 * `Iommufd`, and make DMA as their HWPT has it. VMs with vIOMMUs of their own are a `Host`'s.
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
  /** The RAM as an IOAS maps it: an address of this memory is a PA. */
  readonly memory: UserMemory;
  readonly #ram: HostRam;
  readonly #iommu: PhysicalIommu;
  readonly #endpoint: SmmuEndpoint;

  /**
   * @throws {TypeError} when there is no such option.
   * @throws {EnvironmentError} when a WebAssembly module cannot be loaded.
   * @throws {RangeError | HostError} when a number is out of its range, or the RAM too small.
   */
  static async create(options: SmmuHostOptions = {}): Promise<SmmuHost> {
    checkOptions(options, OPTIONS, 'SmmuHost');
    return new SmmuHost(options, options.modules ?? (await loadHotModules()));
  }

  private constructor(options: SmmuHostOptions, modules: HotModules) {
    const { vintfs = 1, vcmdqs = 2 * vintfs, idRegisters } = options;
    const { ramSize = sufficientRam([{ idRegisters, vintfs, vcmdqs }]) } = options;
    const hostMemory = createHostMemory({ ramSize });
    const ram = new HostRam(hostMemory);
    const unit = new Unit({ modules, hostMemory, thread: 0 });
    this.#ram = ram;
    this.#iommu = new PhysicalIommu({
      unit,
      smmuIndex: 0,
      idRegisters,
      vintfs,
      vcmdqs,
      ram,
      clock: SYSTEM_CLOCK,
      unitOf: (window) => (window === 0 ? unit : undefined),
      pinVmid: (vm) => vmids.pin(vm),
    });
    const { vmidBits: bits } = this.#iommu;
    const flush = () => this.#iommu.invalidateAll();
    const vmids = new VmVmids(hostMemory, { bits, cpus: 1, flush }, OPEN_GATE);
    this.#endpoint = new SmmuEndpoint({ unit, memory: ram });
    this.memory = {
      physical: (address, length) => (ram.bytes(address, length) ? address : undefined),
    };
  }

  /**
   * Gives zeroed RAM, at a multiple of its size.
   * @param size bytes, a power of two.
   * @returns its PA.
   * @throws {HostError} when there is none left.
   */
  allocate(size: number): number {
    return this.#ram.allocate(size, size);
  }

  /** The bytes at a PA, themselves; undefined where not all of it is RAM. */
  bytes(pa: number, length: number): Uint8Array | undefined {
    return this.#ram.bytes(pa, length);
  }

  /** A device appears behind the SMMU, blocked until an iommufd attaches it. */
  addDevice(name: string, streamId: number): IommuDevice {
    return this.#iommu.model.addDevice(name, [streamId]);
  }

  /** The device is gone; it is bound to no iommufd any more. */
  removeDevice(device: IommuDevice): void {
    this.#iommu.model.removeDevice(device as ArmDevice);
  }

  /** The way of a device's DMA to memory: through the SMMU, and what its HWPT maps. */
  dmaPort(streamId: number): DmaPort {
    return this.#endpoint.dmaPort(streamId);
  }

  /** What an access of a device would come to now: `SmmuEndpoint.translate`, without a SubstreamID. */
  translate(streamId: number, iova: number, length: number, write = false): Translation {
    return this.#endpoint.translate(streamId, undefined, iova, length, { write });
  }

  /**
   * What the kernel does when the SMMU interrupts: page requests go to fault queues.
   * @returns how many event records named no device of a vIOMMU: faults of the devices themselves.
   */
  takeInterrupts(): number {
    this.#iommu.poll();
    return this.#iommu.takeInterrupts().stray;
  }
}

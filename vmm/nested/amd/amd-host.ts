// SPDX-License-Identifier: MIT
// A host with an AMD IOMMU: its memory, the IOMMU that its VMs share, and what it lends
// them.

import { HOST_AT_ATTENTION, MAX_THREADS } from '../../../assembly/layout/host-memory.ts';
import {
  type AmdModules,
  loadAmdModules,
  type MemoryRegion,
  type ModuleUrls,
} from '../../../assembly/load.ts';
import { AmdUnit } from '../../../devices/amd-iommu/index.ts';
import { type Clock, checkDoorbells, SYSTEM_CLOCK } from '../../../devices/bus/index.ts';
import type { DmaPort } from '../../../devices/plugin/index.ts';
import { createHostMemory, StreamDmaPort, smmuBase } from '../../../devices/unit/index.ts';
import { HostError } from '../../../host/hardware/host-error.ts';
import { HostRam } from '../../../host/hardware/host-ram.ts';
import { AmdDevice } from '../../../host/kernel/amd/amd-device.ts';
import { AmdIommu } from '../../../host/kernel/amd/amd-iommu.ts';
import { IdAllocator } from '../../../host/kernel/id-allocator.ts';
import { ThreadAllocator } from '../../../host/kernel/thread-allocator.ts';
import { physicalAddress, Vm, type VmOptions } from '../../../host/kernel/vm.ts';
import {
  eachLiveTlbEntry,
  type HostInspection,
  inspectAmdViommu,
  type LiveTlbEntry,
  smmuCounters,
} from '../../inspect/index.ts';
import type { HostStatistics } from '../vm-host-options.ts';
import { VmMemory } from '../vm-memory.ts';
import { AmdEndpoint } from './amd-endpoint.ts';
import { AmdGuestIommu } from './amd-guest-iommu.ts';

export interface AmdHostOptions {
  /** The compiled hot modules. */
  readonly modules?: AmdModules;
  /** Places of the modules, if they are not compiled. */
  readonly moduleUrls?: ModuleUrls;
  /** Bytes of host RAM, a multiple of 64 KiB; a VM uses some 2 MiB. Default 32 MiB. */
  readonly ramSize?: number;
  readonly clock?: Clock;
}

/**
 * Maximum number of devices of a guest's IOMMU: enabling or disabling it attaches all of
 * them again at once.
 */
const MAX_DEVICES = 8;
/** Bits of a DomainID. */
const AMD_DOMAIN_BITS = 16;

/** What the host's IOMMU has lent to a VM. */
interface Lent {
  readonly vm: Vm<AmdUnit>;
  readonly devices: ReadonlyMap<number, AmdDevice>;
  /** By the guest's DeviceID. */
  readonly endpoints: Map<number, AmdEndpoint>;
}

/**
 * Accesses of devices without a PASID to these addresses are interrupts, which are not
 * translated as DMA. No entry of the host's device table remaps them (IV is 0): 32-bit
 * writes pass unchanged, anything else is refused.
 */
export const AMD_INTERRUPTS = { gpa: 0xfee00000, size: 0x100000 } as const;

export class AmdHost {
  readonly memory: WebAssembly.Memory;
  readonly iommu: AmdIommu;
  readonly #modules: AmdModules;
  readonly #ram: HostRam;
  readonly #threads: ThreadAllocator;
  readonly #windows = new IdAllocator(
    1,
    MAX_THREADS,
    'no-context',
    `windows are exhausted: ${MAX_THREADS - 1}`,
  );
  readonly #vms = new Map<number, Vm<AmdUnit>>();
  readonly #lent = new Map<AmdGuestIommu, Lent>();
  readonly #words: Int32Array;
  #seenAttention = 0;
  #strayEvents = 0;

  /** Creates a host and boots its IOMMU. */
  static async create(options: AmdHostOptions = {}): Promise<AmdHost> {
    return new AmdHost(options, options.modules ?? (await loadAmdModules(options.moduleUrls)));
  }

  private constructor(
    { ramSize = 0x2000000, clock = SYSTEM_CLOCK }: AmdHostOptions,
    modules: AmdModules,
  ) {
    this.#modules = modules;
    this.memory = createHostMemory({ ramSize });
    this.#words = new Int32Array(this.memory.buffer);
    this.#ram = new HostRam(this.memory);
    const unit = new AmdUnit({ modules, hostMemory: this.memory, thread: 0 });
    this.#threads = new ThreadAllocator((thread) => unit.drain.reapThread(smmuBase(0), thread));
    this.iommu = new AmdIommu({
      unit,
      ram: this.#ram,
      clock,
      unitOf: (window) => this.#vms.get(window)?.unit,
    });
  }

  /**
   * Creates a VM: its memory becomes a window of the physical address map.
   * @param options target of its devices' MSIs, in AMD_INTERRUPTS, and how its vCPUs are
   *   requested to exit. Default: none, and not at all.
   * @throws {HostError} when the host cannot have more.
   * @throws {RangeError} when a doorbell page is not a page, or overlaps RAM.
   */
  createVm(
    name: string,
    memory: WebAssembly.Memory,
    regions: readonly MemoryRegion[],
    options: VmOptions = {},
  ): Vm<AmdUnit> {
    const { msis, exitRequest } = options;
    if (msis) checkDoorbells(msis, regions);
    // There are as many windows as threads, so with a thread there is also a window.
    const thread = this.#threads.allocate();
    const window = this.#windows.allocate();
    const unit = new AmdUnit({
      modules: this.#modules,
      hostMemory: this.memory,
      guest: { memory, regions, window, exitRequest },
      thread,
    });
    const vm = new Vm(name, window, memory, regions, unit, options);
    this.#vms.set(window, vm);
    return vm;
  }

  /**
   * Creates a vIOMMU for a VM, with its devices.
   * @param virtIds DeviceIDs as numbered by the guest, 1 to 8.
   * @throws {HostError | IommufdError} when a resource is exhausted, or there are more.
   */
  createGuestIommu(vm: Vm<AmdUnit>, virtIds: readonly number[]): AmdGuestIommu {
    if (virtIds.length > MAX_DEVICES)
      throw new HostError(
        'over-limit',
        `an AMD IOMMU of a guest has at most ${MAX_DEVICES} devices behind it: ${virtIds.length}`,
      );
    const devices = new Map(
      virtIds.map((virtId) => [
        virtId,
        new AmdDevice(`${vm.name} device ${virtId}`, this.iommu, this.iommu.devices.allocate()),
      ]),
    );
    try {
      const guest = new AmdGuestIommu(vm, this.iommu, devices);
      this.#lent.set(guest, { vm, devices, endpoints: new Map() });
      return guest;
    } catch (error) {
      for (const { deviceId } of devices.values()) this.iommu.devices.free(deviceId);
      throw error;
    }
  }

  /** The DMA port of a guest's device. */
  dmaPort(guest: AmdGuestIommu, virtId: number): DmaPort {
    const lent = this.#lent.get(guest);
    const device = lent?.devices.get(virtId);
    if (!lent || !device)
      throw new HostError('no-stream', `${guest.vm.name} has no device ${virtId}`);
    const { gpa, size } = AMD_INTERRUPTS;
    const ats = lent.endpoints.get(virtId) ?? new AmdEndpoint(guest, device.deviceId);
    lent.endpoints.set(virtId, ats);
    return new StreamDmaPort({
      unit: guest.vm.unit,
      memory: new VmMemory(guest.vm, this.#ram, virtId),
      smmu: smmuBase(0),
      virtSid: virtId,
      physSid: device.deviceId,
      ats,
      interrupts: { iova: gpa, size, pa: physicalAddress(guest.vm.window, gpa) },
    });
  }

  /** Releases everything that a VM has. Its machine has stopped. */
  destroyVm(vm: Vm<AmdUnit>): void {
    for (const [guest, lent] of this.#lent) {
      if (lent.vm !== vm) continue;
      guest.destroy();
      for (const endpoint of lent.endpoints.values()) endpoint.destroy();
      for (const { deviceId } of lent.devices.values()) this.iommu.devices.free(deviceId);
      this.#lent.delete(guest);
    }
    this.#vms.delete(vm.window);
    this.#windows.free(vm.window);
    this.#threads.free(vm.unit.thread);
  }

  /**
   * The host's work at a safe point of one of its machines.
   * @param full check everything, even without a request.
   */
  service(full: boolean): void {
    const attention = Atomics.load(this.#words, HOST_AT_ATTENTION >> 2);
    if (!full && attention === this.#seenAttention) return;
    this.#seenAttention = attention;
    for (const guest of this.#lent.keys()) guest.service();
    this.#strayEvents += this.iommu.takeEvents();
  }

  /** Number of records in the host's own event log, which no guest sees. */
  get strayEvents(): number {
    return this.#strayEvents;
  }

  /**
   * Every VM with its IOMMU, queues, IDs and objects. They are consistent while no guest
   * runs.
   */
  inspect(): HostInspection {
    const { domains } = this.iommu;
    const lent = [...this.#lent.keys()];
    return {
      vmids: {
        bits: AMD_DOMAIN_BITS,
        pinned: domains.used,
        pinnable: 2 ** AMD_DOMAIN_BITS - 1,
        generation: 1,
      },
      ramInUse: this.#ram.inUse,
      smmus: [],
      vms: [...this.#vms.values()].map((vm) => {
        const guest = lent.find((one) => one.vm === vm);
        const { name, window, memory, references } = vm;
        return {
          name,
          window,
          memory: memory.buffer.byteLength,
          references,
          viommus: [],
          ...(guest && { amd: inspectAmdViommu(guest) }),
        };
      }),
    };
  }

  /** The live entries of the IOTLB, by DomainID and PASID. */
  iotlb(): readonly LiveTlbEntry[] {
    const entries: LiveTlbEntry[] = [];
    eachLiveTlbEntry(this.memory, smmuBase(0), (entry) => entries.push(entry));
    return entries;
  }

  get statistics(): HostStatistics {
    const smmu = smmuCounters(this.memory, smmuBase(0));
    return {
      smmu,
      smmus: [],
      vms: this.#vms.size,
      vmidsInUse: this.iommu.domains.used,
      vmidGeneration: 1,
      vintfsInUse: 0,
      ramInUse: this.#ram.inUse,
      cmdqvTimeouts: 0,
      strayEvents: this.#strayEvents,
    };
  }
}

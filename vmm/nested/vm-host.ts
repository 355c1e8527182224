// SPDX-License-Identifier: MIT
// A host: its memory, its SMMUs with their CMDQVs, and what it lends to its VMs.

import {
  HOST_AT_ATTENTION,
  HOST_AT_ATTENTION_SEEN,
  MAX_THREADS,
} from '../../assembly/layout/host-memory.ts';
import {
  type HotModules,
  isChecked,
  loadHotModules,
  type MemoryRegion,
} from '../../assembly/load.ts';
import { checkDoorbells, SYSTEM_CLOCK } from '../../devices/bus/index.ts';
import { type DmaPort, MachineError } from '../../devices/plugin/index.ts';
import { createHostMemory, StreamDmaPort, Unit } from '../../devices/unit/index.ts';
import { HostError } from '../../host/hardware/host-error.ts';
import { HostRam, sufficientRam } from '../../host/hardware/index.ts';
import { OPEN_GATE, type ResourceGate } from '../../host/iommufd/index.ts';
import type { ArmDevice } from '../../host/kernel/arm/index.ts';
import { lowestFree } from '../../host/kernel/id-allocator.ts';
import { PhysicalIommu, type SmmuShape } from '../../host/kernel/physical-iommu.ts';
import { ThreadAllocator } from '../../host/kernel/thread-allocator.ts';
import { Vm, type VmOptions } from '../../host/kernel/vm.ts';
import { VmVmids } from '../../host/kernel/vm-vmids.ts';
import {
  eachLiveTlbEntry,
  type HostInspection,
  inspectVm,
  type LiveTlbEntry,
  smmuCounters,
} from '../inspect/index.ts';
import {
  type Finding,
  type FindingOwner,
  HostSanitizer,
  type UnadvertisedUse,
} from '../inspect/sanitizer/index.ts';
import { AtsEndpoint } from './ats-endpoint.ts';
import { LentVintf } from './lent-vintf.ts';
import { NestedSmmu } from './nested-smmu.ts';
import type { QueueErrorPolicy } from './queue-error-policy.ts';
import {
  type CreateViommuOptions,
  type HostStatistics,
  smmuOfOptions,
  type VmHostOptions,
} from './vm-host-options.ts';
import { VmMemory } from './vm-memory.ts';

/** One window for each VM; the host's own is number 0. */
const MAX_VMS = 63;

export class VmHost {
  readonly memory: WebAssembly.Memory;
  /** The compiled hot modules, from which workers create units. */
  readonly modules: HotModules;
  readonly #threads: ThreadAllocator;
  readonly #policy: QueueErrorPolicy;
  readonly #gate: ResourceGate;
  readonly #words: Int32Array;
  readonly #ram: HostRam;
  readonly #iommus: readonly PhysicalIommu[];
  readonly #vmids: VmVmids;
  readonly #vms = new Map<number, Vm>();
  /** For each vIOMMU: the SMMU, the first StreamID and the devices. */
  readonly #viommus = new Map<
    NestedSmmu,
    {
      readonly iommu: PhysicalIommu;
      readonly firstSid: number;
      readonly devices: readonly ArmDevice[];
    }
  >();
  readonly #vintfs = new Set<LentVintf>();
  /** It also checks SMMUs that guests own. Undefined without `iotlbCheck`. */
  readonly sanitizer: HostSanitizer | undefined;
  #strayEvents = 0;
  #attentionSeen = 0;
  #servicing = false;

  /** Creates a host and boots its SMMUs and CMDQVs. */
  static async create(options: VmHostOptions = {}): Promise<VmHost> {
    return new VmHost(
      options,
      options.modules ?? (await loadHotModules({}, { checked: options.iotlbCheck ?? false })),
    );
  }

  private constructor(options: VmHostOptions, modules: HotModules) {
    const { clock = SYSTEM_CLOCK, smmus = [{}], linuxCompat = false, gate = OPEN_GATE } = options;
    this.#gate = gate;
    this.modules = modules;
    this.#policy = options.onQueueError ?? (() => 'report');
    const made = smmus.map((own) => smmuOfOptions(options, own));
    const { ramSize = sufficientRam(made), traceUnits } = options;
    this.memory = createHostMemory({ smmus: smmus.length, ramSize, traceUnits });
    this.#words = new Int32Array(this.memory.buffer);
    this.#ram = new HostRam(this.memory, gate);
    const unit = new Unit({ modules, hostMemory: this.memory, thread: 0 });
    this.#threads = new ThreadAllocator((thread) => {
      for (const { block } of this.#iommus) unit.drain.reapThread(block, thread);
    });
    this.#iommus = made.map((smmu, smmuIndex) => {
      const { vintfs, vcmdqs, idRegisters, atcTimeout, wrapCmdqv } = smmu;
      return new PhysicalIommu({
        unit,
        smmuIndex,
        idRegisters,
        wrapCmdqv,
        atcTimeout,
        vintfs,
        vcmdqs,
        ram: this.#ram,
        clock,
        unitOf: (window) => (window === 0 ? unit : this.#vms.get(window)?.unit),
        pinVmid: (vm) => this.#vmids.pin(vm),
        linuxCompat,
        gate,
      });
    });
    if (isChecked(modules)) {
      this.sanitizer = new HostSanitizer({
        memory: this.memory,
        blocks: this.#iommus.map(({ block }) => block),
        clock,
        viommus: () => this.#viommus.keys(),
        onFinding: (finding, owner) => options.onFinding?.(finding, owner),
        onSuspect: (finding, owner) => options.onSuspect?.(finding, owner),
      });
    }
    this.#vmids = new VmVmids(
      this.memory,
      {
        bits: this.#iommus.every(({ vmidBits }) => vmidBits === 16) ? 16 : 8,
        cpus: MAX_THREADS,
        flush: () => {
          for (const iommu of this.#iommus) iommu.invalidateAll();
          for (const vm of this.#vms.values()) vm.flushProcessors();
        },
      },
      gate,
      options.separateVmids,
    );
  }

  /** The findings of the sanitizer. */
  get findings(): readonly Finding[] {
    return this.sanitizer?.findings ?? [];
  }

  /** Features that guests have used although their own SMMUs lack them. */
  get unadvertised(): readonly UnadvertisedUse[] {
    return this.sanitizer?.unadvertised ?? [];
  }

  /**
   * Makes the sanitizer decide about all suspects: no missing command will come now.
   * @param owner only of its streams; default of all.
   */
  reportSuspects(owner?: FindingOwner): void {
    this.sanitizer?.reportSuspects(owner);
  }

  /** The shape of each of the host's SMMUs. */
  get smmus(): readonly SmmuShape[] {
    return this.#iommus.map(({ shape }) => shape);
  }

  /**
   * Creates a VM, as a window of the address map. Without MSIs no IOVAs are reserved.
   * @throws {RangeError} when a doorbell page is not a page, or overlaps RAM.
   * @throws {HostError} when the host cannot have more.
   */
  createVm(
    name: string,
    memory: WebAssembly.Memory,
    regions: readonly MemoryRegion[],
    options: VmOptions = {},
  ): Vm {
    const { msis, exitRequest } = options;
    if (msis) checkDoorbells(msis, regions);
    const most = Math.min(MAX_VMS, ...this.#iommus.map(({ windows }) => windows));
    const free = lowestFree(
      most,
      [...this.#vms.keys()].map((taken) => taken - 1),
    );
    if (free === undefined)
      throw new HostError(
        'no-window',
        most < MAX_VMS
          ? `a host has at most ${most} VMs with PAs as narrow as its SMMU's (IDR5.OAS)`
          : `a host has at most ${MAX_VMS} VMs`,
      );
    const window = free + 1;
    const thread = this.allocateThread();
    const unit = new Unit({
      modules: this.modules,
      hostMemory: this.memory,
      guest: { memory, regions, window, exitRequest },
      thread,
    });
    const vm = new Vm(name, window, memory, regions, unit, options);
    this.#vms.set(window, vm);
    return vm;
  }

  /**
   * Creates a vIOMMU with its own stage 2, a trapped command queue, and streams.
   * @param streams StreamIDs as numbered by the guest.
   * @throws {HostError | IommufdError} without free VMIDs, VINTFs, host RAM or streams.
   */
  createViommu(vm: Vm, streams: readonly number[], options: CreateViommuOptions = {}): NestedSmmu {
    const {
      cmdqv = false,
      overlay = false,
      btm = false,
      smmu = 0,
      onQueueError: policy = this.#policy,
    } = options;
    const iommu = this.#iommus[smmu];
    if (!iommu)
      throw new HostError('no-smmu', `the host has no SMMU ${smmu}: it has ${this.#iommus.length}`);
    const firstSid = iommu.streamBlocks.allocate(streams.length);
    const devices = streams.map((virtSid, i) =>
      iommu.model.addDevice(`${vm.name} stream ${virtSid}`, [firstSid + i], { vm }),
    );
    const anyDevice = devices[0] ?? iommu.model.addDevice(`${vm.name} without streams`, [], { vm });
    try {
      const named = new Map(devices.map((device, i) => [streams[i] ?? 0, device]));
      if (named.size < streams.length)
        throw new HostError('in-use', `${vm.name} has a StreamID twice`);
      const viommu = new NestedSmmu({
        vm,
        iommu: iommu.model,
        cmdqv,
        overlay,
        btm,
        devices: named,
        anyDevice,
        policy,
        gate: this.#gate,
      });
      this.#viommus.set(viommu, { iommu, firstSid, devices });
      return viommu;
    } catch (error) {
      for (const device of devices) iommu.model.removeDevice(device);
      iommu.streamBlocks.free(firstSid);
      throw error;
    }
  }

  /**
   * The CMDQV of a vIOMMU that was created with one.
   * @throws {HostError} when it was not.
   */
  createVintf(viommu: NestedSmmu): LentVintf {
    const vintf = new LentVintf(viommu);
    this.#vintfs.add(vintf);
    return vintf;
  }

  /**
   * The DMA port of the device with one of a VM's StreamIDs.
   * @param requesterId of the device's MSIs. Default: its StreamID.
   */
  dmaPort(viommu: NestedSmmu, virtSid: number, requesterId = virtSid): DmaPort {
    const physSid = viommu.streams.get(virtSid);
    if (physSid === undefined)
      throw new HostError('no-stream', `${viommu.vm.name} has no stream ${virtSid}`);
    const sanitizer = this.sanitizer;
    const onAccess = sanitizer && ((iova: number) => sanitizer.checkSte(viommu, virtSid, iova));
    const ats = viommu.hasAts
      ? new AtsEndpoint(viommu.vm, viommu.smmuBlock, physSid, viommu.hasPri)
      : undefined;
    return new StreamDmaPort({
      unit: viommu.vm.unit,
      memory: new VmMemory(viommu.vm, this.#ram, requesterId),
      smmu: viommu.smmuBlock,
      virtSid,
      physSid,
      ats,
      onAccess,
    });
  }

  /**
   * A vCPU of a VM enters or leaves the guest.
   * @throws {HostError} when all VMIDs are pinned or in use by running vCPUs.
   */
  vcpuRuns(vm: Vm, vcpu: number, runs: boolean): void {
    this.#vmids.vcpuRuns(vm, vcpu, runs);
  }

  /** Releases everything that a VM has. Its machine has stopped. */
  destroyVm(vm: Vm): void {
    this.reportSuspects(vm);
    for (const vintf of this.#vintfs) if (vintf.viommu.vm === vm) this.#vintfs.delete(vintf);
    for (const [viommu, { iommu, firstSid, devices }] of this.#viommus) {
      if (viommu.vm !== vm) continue;
      viommu.destroy();
      for (const device of devices) iommu.model.removeDevice(device);
      iommu.streamBlocks.free(firstSid);
      this.#viommus.delete(viommu);
    }
    for (const vcpu of vm.running) this.vcpuRuns(vm, vcpu, false);
    this.#vmids.forget(vm);
    this.#vms.delete(vm.window);
    this.freeThread(vm.unit.thread);
  }

  /**
   * Allocates a thread block for a unit: one for each (thread, machine) pair with a unit.
   * @throws {HostError} when there is none left.
   */
  allocateThread(): number {
    return this.#threads.allocate();
  }

  /** Frees the block of an ended thread or unit, and everything that it still owned. */
  freeThread(thread: number): void {
    this.#threads.free(thread);
  }

  /** True when `service` has been requested since its last call. */
  get attentionWanted(): boolean {
    return Atomics.load(this.#words, HOST_AT_ATTENTION >> 2) !== this.#attentionSeen;
  }

  /**
   * The host's work at a safe point of a machine; at an exit only if it was requested.
   * @param full check everything: at yields and waits.
   */
  service(full: boolean): void {
    const attention = Atomics.load(this.#words, HOST_AT_ATTENTION >> 2);
    if (this.#servicing || (!full && attention === this.#attentionSeen)) return;
    this.#servicing = true;
    // Before the check: a request from here on stays for the next time.
    this.#attentionSeen = attention;
    Atomics.store(this.#words, HOST_AT_ATTENTION_SEEN >> 2, attention);
    try {
      for (const iommu of this.#iommus) iommu.poll();
      for (const vm of this.#vms.values())
        for (const { block } of this.#iommus) vm.unit.drain.serveParked(block);
      // The next safe point continues.
      for (const vintf of this.#vintfs)
        if (vintf.decideErrors()) Atomics.add(this.#words, HOST_AT_ATTENTION >> 2, 1);
      for (const iommu of this.#iommus) {
        const { stray, left } = iommu.takeInterrupts();
        this.#strayEvents += stray;
        if (left) Atomics.add(this.#words, HOST_AT_ATTENTION >> 2, 1);
      }
      this.sanitizer?.poll();
    } catch (cause) {
      throw MachineError.of('host', cause);
    } finally {
      this.#servicing = false;
    }
  }

  /** All objects of the host with their state; consistent while no guest runs. */
  inspect(): HostInspection {
    const { bits, pinned, pinnable, generation } = this.#vmids.allocator;
    return {
      vmids: { bits, pinned, pinnable, generation },
      ramInUse: this.#ram.inUse,
      smmus: this.#iommus.map(({ block, vintfsInUse }) => ({
        vintfsInUse,
        counts: smmuCounters(this.memory, block),
      })),
      vms: [...this.#vms.values()].map((vm) => inspectVm(vm, this.#viommus.keys(), this.#vintfs)),
    };
  }

  /** The live entries of an SMMU's IOTLB. */
  iotlb(smmu = 0): readonly LiveTlbEntry[] {
    const entries: LiveTlbEntry[] = [];
    const block = this.#iommus[smmu]?.block;
    if (block !== undefined) eachLiveTlbEntry(this.memory, block, (entry) => entries.push(entry));
    return entries;
  }

  get statistics(): HostStatistics {
    const smmus = this.#iommus.map(({ block }) => smmuCounters(this.memory, block));
    if (!smmus[0]) throw new Error('a host has an SMMU');
    return {
      smmu: smmus[0],
      smmus,
      vms: this.#vms.size,
      vmidsInUse: this.#vmids.allocator.pinned,
      vmidGeneration: this.#vmids.allocator.generation,
      vintfsInUse: this.#iommus.reduce((sum, iommu) => sum + iommu.vintfsInUse, 0),
      ramInUse: this.#ram.inUse,
      cmdqvTimeouts: this.#iommus.reduce((sum, iommu) => sum + iommu.cmdqvTimeouts, 0),
      strayEvents: this.#strayEvents,
      ...(this.sanitizer ? { sanitizer: this.sanitizer.counts } : {}),
    };
  }
}

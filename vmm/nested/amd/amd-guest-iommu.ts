// SPDX-License-Identifier: MIT
// The VMM's side of a vIOMMU: its own iommufd, used in the order of QEMU's patches for
// it, with the interface that the guest's IOMMU needs.

import {
  AMD_CMD_DEVICE,
  AMD_CONTROL_PPR_EN,
  AMD_DTE_SIZE,
  AMD_ENTRY_SIZE,
  AMD_VF_PAGE,
  AMD_VF_PAGE_SIZE,
} from '../../../assembly/layout/amd-formats.ts';
import { QUEUE_NEEDS_HOST } from '../../../assembly/layout/queue-memory.ts';
import {
  type AmdBuffer,
  type AmdGuestBlock,
  type AmdUnit,
  type AmdViommuBackend,
  blockedDte,
  bufferSize,
} from '../../../devices/amd-iommu/index.ts';
import { offsetOfGpa } from '../../../devices/bus/index.ts';
import { bitsOf, maskInWord } from '../../../devices/plugin/index.ts';
import { smmuBase } from '../../../devices/unit/index.ts';
import { Iommufd, IommufdError, type MappedPage } from '../../../host/iommufd/index.ts';
import type { AmdDevice } from '../../../host/kernel/amd/amd-device.ts';
import type { AmdIommu } from '../../../host/kernel/amd/amd-iommu.ts';
import {
  type AmdViommu,
  HW_QUEUE_TYPE_AMD_CMD,
  HW_QUEUE_TYPE_AMD_EVT,
  HW_QUEUE_TYPE_AMD_PPR,
  HWPT_DATA_AMD_GUEST,
  VIOMMU_TYPE_AMD,
} from '../../../host/kernel/amd/amd-viommu.ts';
import type { Vm } from '../../../host/kernel/vm.ts';
import type { InspectedAmdIommu } from '../../inspect/index.ts';

/**
 * Maximum number of device table entries that one service reads again, and of commands
 * after which it stops.
 */
const ENTRIES_PER_SERVICE = 4;
const COMMANDS_PER_SERVICE = 256;

interface GuestDevice {
  readonly id: number;
  /** The HWPT created for the guest's entry. */
  nested: number | undefined;
}

interface GuestBuffer {
  readonly at: AmdBuffer;
  readonly id: number;
}

export class AmdGuestIommu implements AmdViommuBackend, InspectedAmdIommu {
  readonly vm: Vm<AmdUnit>;
  readonly fd = new Iommufd();
  readonly block: AmdGuestBlock;
  readonly hostMemory: WebAssembly.Memory;
  /** Physical DeviceIDs by the guest's. */
  readonly deviceIds: ReadonlyMap<number, number>;
  readonly #driver: AmdViommu;
  readonly #viommu: number;
  readonly #parent: number;
  readonly #page: MappedPage;
  readonly #devices = new Map<number, GuestDevice>();
  readonly #buffers = new Map<number, GuestBuffer>();
  #control = 0;
  #table: { readonly address: number; readonly bytes: number } | undefined;
  #entriesRead = 0;
  #takesPageRequests = false;
  #pageRequestStops = 0;

  /**
   * @param devices by the guest's DeviceID; at least one.
   * @throws {IommufdError | HostError} and nothing is left behind.
   */
  constructor(vm: Vm<AmdUnit>, iommu: AmdIommu, devices: ReadonlyMap<number, AmdDevice>) {
    const { fd } = this;
    this.vm = vm;
    this.hostMemory = vm.unit.hostMemory;
    this.deviceIds = new Map([...devices].map(([virtId, { deviceId }]) => [virtId, deviceId]));
    try {
      const bound = [...devices].map(([virtId, device]) => ({ virtId, id: fd.bind(device) }));
      const device = bound[0]?.id ?? 0;
      const ioas = fd.ioasAlloc();
      for (const { gpa, size } of vm.regions)
        fd.ioasMap(ioas, { iova: BigInt(gpa), length: BigInt(size), memory: vm, address: gpa });
      this.#parent = fd.hwptAlloc({ device, parent: ioas, nestParent: true });
      const { id, answer, mmap } = fd.viommuAlloc({
        device,
        hwpt: this.#parent,
        type: VIOMMU_TYPE_AMD,
        vm,
      });
      this.#viommu = id;
      this.#page = fd.mmap(mmap?.offset ?? 0, AMD_VF_PAGE_SIZE);
      for (const { virtId, id: boundId } of bound) {
        fd.vdeviceAlloc({ viommu: id, device: boundId, virtId: BigInt(virtId) });
        fd.attach(boundId, this.#parent);
        this.#devices.set(virtId, { id: boundId, nested: undefined });
      }
      const guestId = answer?.[0] ?? 0;
      const driver = iommu.viommus.get(guestId);
      if (!driver) throw new Error(`vIOMMU ${guestId} is not there`);
      this.#driver = driver;
      this.block = iommu.guest(guestId);
    } catch (error) {
      fd.close();
      throw error;
    }
  }

  /** The GuestID. */
  get doorbell(): number {
    return this.#driver.guestId;
  }

  /** Physical DomainIDs by the guest's. */
  get domainIds(): ReadonlyMap<number, number> {
    return this.#driver.domainIds;
  }

  /**
   * Counter: device table entries of the guest that were read because of an invalidation.
   */
  get entriesRead(): number {
    return this.#entriesRead;
  }

  setBuffers(
    command: AmdBuffer | undefined,
    event: AmdBuffer | undefined,
    ppr: AmdBuffer | undefined,
  ): void {
    this.#setBuffer(HW_QUEUE_TYPE_AMD_CMD, command);
    this.#setBuffer(HW_QUEUE_TYPE_AMD_EVT, event);
    this.#setBuffer(HW_QUEUE_TYPE_AMD_PPR, ppr);
    this.#driver.setControl(this.#control);
    this.#followPageRequests();
  }

  #setBuffer(type: number, wanted: AmdBuffer | undefined): void {
    const current = this.#buffers.get(type);
    if (
      current &&
      current.at.address === wanted?.address &&
      current.at.log2size === wanted.log2size
    )
      return;
    if (current) this.fd.destroy(current.id);
    this.#buffers.delete(type);
    if (!wanted) return;
    try {
      const length = BigInt(bufferSize(wanted));
      const id = this.fd.hwQueueAlloc({
        viommu: this.#viommu,
        type,
        index: 0,
        iova: BigInt(wanted.address),
        length,
      });
      this.#buffers.set(type, { at: wanted, id });
    } catch (error) {
      // The guest's buffer is not in its memory, so the buffer does not run.
      if (!(error instanceof IommufdError)) throw error;
    }
  }

  setControl(control: number): void {
    this.#control = control;
    this.#driver.setControl(control);
    this.#followPageRequests();
  }

  /**
   * Counts how often the guest has stopped to accept page requests: a request from before
   * such a stop gets no response. Disabling its log for a while is not such a stop: a
   * driver restarts a full log like that.
   */
  get pageRequestStops(): number {
    return this.#pageRequestStops;
  }

  #followPageRequests(): void {
    const enabled = (this.#control & maskInWord(AMD_CONTROL_PPR_EN)) !== 0;
    const takes = enabled && this.#table !== undefined && this.#buffers.has(HW_QUEUE_TYPE_AMD_PPR);
    if (this.#takesPageRequests && !takes) this.#pageRequestStops++;
    this.#takesPageRequests = takes;
  }

  setDeviceTable(table: { readonly address: number; readonly bytes: number } | undefined): void {
    if (table?.address === this.#table?.address && table?.bytes === this.#table?.bytes) return;
    this.#table = table;
    this.#followPageRequests();
    for (const virtId of this.#devices.keys()) this.#attach(virtId);
  }

  /**
   * The guest's entry of a device. Without one the device is blocked; while its IOMMU is
   * disabled, the device reaches all of the guest's memory.
   */
  #guestDte(virtId: number): Uint8Array | undefined {
    if (!this.#table) return undefined;
    const { address, bytes } = this.#table;
    const at = offsetOfGpa(this.vm.regions, address + virtId * AMD_DTE_SIZE, AMD_DTE_SIZE);
    if (at < 0 || (virtId + 1) * AMD_DTE_SIZE > bytes) return new Uint8Array(blockedDte().buffer);
    return new Uint8Array(this.vm.memory.buffer, at, AMD_DTE_SIZE).slice();
  }

  #attach(virtId: number): void {
    const device = this.#devices.get(virtId);
    if (!device) return;
    const old = device.nested;
    const dte = this.#guestDte(virtId);
    device.nested = dte && this.#nested(device.id, dte);
    const target = device.nested ?? this.#parent;
    if (this.fd.attachedTo(device.id) !== target) this.fd.replace(device.id, target);
    if (old !== undefined) this.fd.destroy(old);
  }

  #nested(device: number, dte: Uint8Array): number {
    const make = (bytes: Uint8Array) =>
      this.fd.hwptAlloc({
        device,
        parent: this.#viommu,
        data: { type: HWPT_DATA_AMD_GUEST, bytes },
      });
    try {
      return make(dte);
    } catch (error) {
      if (!(error instanceof IommufdError && error.errno === 'EINVAL')) throw error;
      return make(new Uint8Array(blockedDte().buffer));
    }
  }

  /**
   * The host's work at a safe point of the guest. A hypervisor would trap writes to the
   * device table; here the command buffer waits at each INVALIDATE_DEVTAB_ENTRY until the
   * entry has been read.
   * @returns how many were read; the next service may read more.
   */
  service(): number {
    const { queue, guest } = this.block;
    const { drain } = this.vm.unit;
    const start = queue.counts.commands;
    let read = 0;
    while (
      queue.state === QUEUE_NEEDS_HOST &&
      read < ENTRIES_PER_SERVICE &&
      queue.counts.commands - start < COMMANDS_PER_SERVICE
    ) {
      const [word = 0] = new Uint32Array(
        this.vm.memory.buffer,
        queue.ring + queue.cons * AMD_ENTRY_SIZE,
        1,
      );
      this.#attach(bitsOf(word, AMD_CMD_DEVICE));
      read++;
      drain.stepOver(smmuBase(0), guest);
      drain.serve(smmuBase(0), guest);
    }
    this.#entriesRead += read;
    drain.serveParked(smmuBase(0));
    return read;
  }

  read(register: number): number {
    return this.#page.page.read32(register - AMD_VF_PAGE);
  }

  write(register: number, value: number): void {
    this.#page.page.write32(register - AMD_VF_PAGE, value);
  }

  save(): readonly number[] {
    return this.block.saveBuffers();
  }

  restore(words: readonly number[]): void {
    this.block.restoreBuffers(words);
  }

  placeInGuest(memoryOffset: number): void {
    this.#page.page.placeInGuest(memoryOffset);
  }

  takeFromGuest(): void {
    this.#page.page.takeFromGuest();
  }

  /** Releases everything of the VM. */
  destroy(): void {
    this.fd.close();
  }
}

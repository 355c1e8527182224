// SPDX-License-Identifier: MIT
// The VMM's side of a guest's VT-d IOMMU: its own iommufd, with a vIOMMU that software
// manages. The guest's first stage is a nested HWPT. Invalidations of its IOTLB use that
// HWPT, those of device TLBs the vIOMMU; page requests come from the vIOMMU's FAULT
// object.

import { VTD_PE_SRE, VTD_PE_WPE, VTD_PGTT_FIRST } from '../../../assembly/layout/vtd-formats.ts';
import { fieldOf } from '../../../devices/plugin/index.ts';
import type { PageRange, PasidEntry, VtdBackend } from '../../../devices/vtd/index.ts';
import {
  type FaultQueue,
  HWPT_DATA_VTD_S1,
  INVALIDATE_DATA_VTD_DEVICE_TLB,
  INVALIDATE_DATA_VTD_S1,
  Iommufd,
  PGFAULT_ANSWER_SIZE,
  PGFAULT_GROUP_MOST,
  PGFAULT_LAST_PAGE,
  PGFAULT_SIZE,
  PGFAULT_WRITE,
  VIOMMU_TYPE_VTD,
} from '../../../host/iommufd/index.ts';
import type { VtdDevice } from '../../../host/kernel/vtd/index.ts';
import type { VtdVm } from './vtd-vm.ts';

const ENTRY_SIZE = 24;
const ADDRESS_WIDTH = 48;
const ALL_PAGES = 2n ** 64n - 1n;
/** Flags of struct iommu_hwpt_vtd_s1. */
const S1_SRE = 1n;
const S1_WPE = 4n;

/** A page that a device of the guest requests. */
export interface VtdGuestRequest {
  readonly virtId: number;
  readonly address: bigint;
  readonly write: boolean;
}

interface GuestDevice {
  readonly id: number;
  /** The HWPT created for the guest's entry, with the guest's domain ID. */
  nested: { readonly hwpt: number; readonly did: number } | undefined;
}

export class VtdGuestIommu implements VtdBackend {
  readonly vm: VtdVm;
  readonly fd = new Iommufd();
  readonly devices: ReadonlyMap<number, VtdDevice>;
  /**
   * Handles a page request: true when the page is present now. Default: it is refused.
   */
  onPageRequest: (request: VtdGuestRequest) => boolean = () => false;
  readonly #bound = new Map<number, GuestDevice>();
  readonly #parent: number;
  readonly #viommu: number;
  readonly #faults: FaultQueue;

  /**
   * @param devices by the guest's source ID; at least one.
   * @throws {IommufdError | HostError} and nothing is left behind.
   */
  constructor(vm: VtdVm, devices: ReadonlyMap<number, VtdDevice>) {
    const { fd } = this;
    this.vm = vm;
    this.devices = devices;
    try {
      for (const [virtId, device] of devices)
        this.#bound.set(virtId, { id: fd.bind(device), nested: undefined });
      const [device = 0] = [...this.#bound.values()].map(({ id }) => id);
      const ioas = fd.ioasAlloc();
      for (const { gpa, size } of vm.regions)
        fd.ioasMap(ioas, { iova: BigInt(gpa), length: BigInt(size), memory: vm, address: gpa });
      this.#parent = fd.hwptAlloc({ device, parent: ioas, nestParent: true });
      this.#viommu = fd.viommuAlloc({ device, hwpt: this.#parent, type: VIOMMU_TYPE_VTD, vm }).id;
      this.#faults = fd.faultQueueAlloc({ viommu: this.#viommu }).file;
      this.#faults.onReadable = () => this.#takeRequests();
      for (const [virtId, { id }] of this.#bound) {
        fd.vdeviceAlloc({ viommu: this.#viommu, device: id, virtId: BigInt(virtId) });
        fd.attach(id, this.#parent);
      }
    } catch (error) {
      fd.close();
      throw error;
    }
  }

  get sourceIds(): readonly number[] {
    return [...this.#bound.keys()];
  }

  attach(sourceId: number, entry: PasidEntry | 'untranslated' | undefined): void {
    const device = this.#bound.get(sourceId);
    if (!device) return;
    const { fd } = this;
    const before = device.nested;
    device.nested = undefined;
    if (entry === 'untranslated') {
      this.#place(device, this.#parent);
    } else if (entry?.pgtt === VTD_PGTT_FIRST) {
      const hwpt = fd.hwptAlloc({
        device: device.id,
        parent: this.#viommu,
        data: firstStage(entry),
      });
      this.#place(device, hwpt);
      device.nested = { hwpt, did: entry.did };
    } else if (fd.attachedTo(device.id) !== undefined) {
      fd.detach(device.id);
    }
    if (before) fd.destroy(before.hwpt);
  }

  #place({ id }: GuestDevice, hwpt: number): void {
    const at = this.fd.attachedTo(id);
    if (at === undefined) this.fd.attach(id, hwpt);
    else if (at !== hwpt) this.fd.replace(id, hwpt);
  }

  invalidate(did: number, range: PageRange | undefined): void {
    const entries = entryOf(range, 0);
    for (const { nested } of this.#bound.values())
      if (nested?.did === did)
        this.fd.hwptInvalidate(nested.hwpt, {
          dataType: INVALIDATE_DATA_VTD_S1,
          entryLength: ENTRY_SIZE,
          count: 1,
          entries,
        });
  }

  invalidateDeviceTlb(sourceId: number, range: PageRange | undefined): boolean {
    if (!this.#bound.has(sourceId)) return false;
    this.fd.hwptInvalidate(this.#viommu, {
      dataType: INVALIDATE_DATA_VTD_DEVICE_TLB,
      entryLength: ENTRY_SIZE,
      count: 1,
      entries: entryOf(range, sourceId),
    });
    return true;
  }

  #takeRequests(): void {
    const faults = this.#faults.read(PGFAULT_GROUP_MOST * PGFAULT_SIZE);
    const view = new DataView(faults.buffer, faults.byteOffset, faults.byteLength);
    // A group gets one response: all of its pages are present, or it has failed.
    let resolved = true;
    for (let at = 0; at < faults.length; at += PGFAULT_SIZE) {
      const there = this.onPageRequest({
        virtId: view.getUint32(at + 4, true),
        address: view.getBigUint64(at + 24, true),
        write: (view.getUint32(at + 16, true) & PGFAULT_WRITE) !== 0,
      });
      resolved &&= there;
      if (!(view.getUint32(at, true) & PGFAULT_LAST_PAGE)) continue;
      const answer = new DataView(new ArrayBuffer(PGFAULT_ANSWER_SIZE));
      answer.setUint32(0, view.getUint32(at + 36, true), true);
      answer.setUint32(4, resolved ? 0 : 1, true);
      this.#faults.write(new Uint8Array(answer.buffer));
      resolved = true;
    }
  }

  destroy(): void {
    this.fd.close();
  }
}

/** struct iommu_hwpt_vtd_s1 of a guest's PASID table entry. */
function firstStage({ firstStage: tables, words }: PasidEntry) {
  const view = new DataView(new ArrayBuffer(ENTRY_SIZE));
  const flags =
    (fieldOf(words, VTD_PE_SRE) ? S1_SRE : 0n) | (fieldOf(words, VTD_PE_WPE) ? S1_WPE : 0n);
  view.setBigUint64(0, flags, true);
  view.setBigUint64(8, tables, true);
  view.setUint32(16, ADDRESS_WIDTH, true);
  return { type: HWPT_DATA_VTD_S1, bytes: new Uint8Array(view.buffer) };
}

/**
 * An entry of either kind of invalidation: the range is followed by flags, or by a source
 * ID.
 */
function entryOf(range: PageRange | undefined, word: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(ENTRY_SIZE));
  view.setBigUint64(0, range?.address ?? 0n, true);
  view.setBigUint64(8, range?.pages ?? ALL_PAGES, true);
  view.setUint32(16, word, true);
  return new Uint8Array(view.buffer);
}

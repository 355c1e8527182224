// SPDX-License-Identifier: MIT
// The streams of a guest's SMMU: each device of its iommufd is attached to a HWPT that
// represents the stream's STE.

import { STE_CONFIG, STE_CONFIG_BYPASS, STE_V } from '../../assembly/layout/ste.ts';
import { fieldOf } from '../../devices/plugin/index.ts';
import { abortSte, bypassSte } from '../../devices/tables/index.ts';
import { HWPT_DATA_ARM_SMMUV3, type Iommufd, IommufdError } from '../../host/iommufd/index.ts';
import { vsteBytes } from '../../host/kernel/arm/index.ts';
import type { PageRequests } from './page-request-queue.ts';

/** A device in the iommufd of the guest's SMMU. */
export interface NestedStream {
  /** ID of the device. */
  readonly device: number;
  readonly physSid: number;
  /** Page requests of the device, if its SMMU has PRI. */
  readonly requests: PageRequests | undefined;
}

interface AttachedStream extends Omit<NestedStream, 'physSid'> {
  /** The nested HWPT created for its STE. */
  nested: number | undefined;
}

export class NestedStreams {
  readonly #fd: Iommufd;
  readonly #viommu: number;
  /** By the guest's StreamID. */
  readonly #streams = new Map<number, AttachedStream>();
  readonly #physical = new Map<number, number>();
  /** Nested HWPTs that all streams share: stage 2 only, and abort. */
  readonly #bypass: number;
  readonly #abort: number;

  /**
   * @param viommu its ID.
   * @param device one of its devices.
   */
  constructor(fd: Iommufd, viommu: number, device: number) {
    this.#fd = fd;
    this.#viommu = viommu;
    const shared = (ste: Uint32Array) => fd.hwptAlloc({ device, parent: viommu, data: vste(ste) });
    this.#bypass = shared(bypassSte());
    this.#abort = shared(abortSte());
  }

  /** Adds a stream, which bypasses at first. */
  add(virtSid: number, { physSid, ...stream }: NestedStream): void {
    this.#fd.attach(stream.device, this.#bypass);
    this.#streams.set(virtSid, { ...stream, nested: undefined });
    this.#physical.set(virtSid, physSid);
  }

  /** Physical StreamIDs by the guest's numbers. */
  get physical(): ReadonlyMap<number, number> {
    return this.#physical;
  }

  /** `attachStream` of `ViommuBackend`. */
  attach(virtSid: number, ste: Uint32Array | undefined): boolean {
    const stream = this.#streams.get(virtSid);
    if (!stream) return true;
    if (!ste) {
      this.#attach(stream, this.#abort);
    } else if (fieldOf(ste, STE_V) !== 0 && fieldOf(ste, STE_CONFIG) === STE_CONFIG_BYPASS) {
      this.#attach(stream, this.#bypass);
    } else {
      return this.#attachNested(stream, ste);
    }
    return true;
  }

  #attachNested(stream: AttachedStream, ste: Uint32Array): boolean {
    let nested: number;
    try {
      nested = this.#fd.hwptAlloc({
        device: stream.device,
        parent: this.#viommu,
        data: vste(ste),
        ...stream.requests?.sink,
      });
    } catch (error) {
      if (!(error instanceof IommufdError && error.errno === 'EIO')) throw error;
      this.#attachNested(stream, new Uint32Array(ste.length));
      return false;
    }
    this.#attach(stream, nested);
    stream.nested = nested;
    return true;
  }

  /**
   * A stream always has a HWPT; the previous one is freed if it was created for the
   * stream.
   */
  #attach(stream: AttachedStream, hwpt: number): void {
    if (this.#fd.attachedTo(stream.device) !== hwpt) {
      // Before the attach: requests that the device repeats after the response are for
      // the new HWPT.
      stream.requests?.forget();
      this.#fd.replace(stream.device, hwpt);
    }
    if (stream.nested !== undefined) this.#fd.destroy(stream.nested);
    stream.nested = undefined;
  }

  /** Makes all streams bypass, or abort. */
  attachAll(abort: boolean): void {
    for (const stream of this.#streams.values())
      this.#attach(stream, abort ? this.#abort : this.#bypass);
  }

  /** Responds to the requests of a group of a stream. */
  answer(virtSid: number, group: number, resolved: boolean, pasid: number | undefined): void {
    this.#streams.get(virtSid)?.requests?.answer(group, resolved, pasid);
  }

  /** Removes all streams. The iommufd is closed. */
  clear(): void {
    this.#streams.clear();
    this.#physical.clear();
  }
}

function vste(ste: Uint32Array) {
  return { type: HWPT_DATA_ARM_SMMUV3, bytes: vsteBytes(ste) };
}

// SPDX-License-Identifier: MIT
// Collects the page requests of a device by groups. Only the last request of a group is
// answered, for the whole group (drivers/iommu/io-pgfault.c).

import type { FaultSink, IommuDevice, PageFault } from './driver.ts';
import { PGFAULT_LAST_PAGE } from './uapi.ts';

/**
 * Most requests of one device that wait for the last one of their group. Further requests
 * are lost, as when there is no memory.
 */
const MOST_PARTIAL = 255;

/** Page faults in the longest group. */
export const PGFAULT_GROUP_MOST = MOST_PARTIAL + 1;

/** The page requests that a driver keeps for each device. */
export class FaultGroups {
  #sink: FaultSink | undefined;
  #partial: readonly PageFault[] = [];

  /** Receives the faults of the HWPT that the device is attached to. */
  get sink(): FaultSink | undefined {
    return this.#sink;
  }
  /** Clearing it drops the requests that wait for the last one of their group. */
  set sink(sink: FaultSink | undefined) {
    this.#sink = sink;
    if (!sink) this.discard();
  }

  /**
   * Drops the incomplete groups. After requests were lost, a group may wait forever for
   * its last one.
   */
  discard(): void {
    this.#partial = [];
  }

  /**
   * Reports a page request of the device. A request that is not the last of its group is
   * kept until the last one arrives, and gets no answer.
   * @param answer receives the answer to the group, when this request is the last.
   * @returns false when there is no sink.
   */
  report(fault: PageFault, answer: (code: number) => void, device: IommuDevice): boolean {
    if (!this.#sink) return false;
    if (!(fault.flags & PGFAULT_LAST_PAGE)) {
      if (this.#partial.length < MOST_PARTIAL) this.#partial = [...this.#partial, fault];
      return true;
    }
    const group = this.#partial.filter((one) => one.group === fault.group);
    if (group.length > 0) this.#partial = this.#partial.filter((one) => one.group !== fault.group);
    return this.#sink([...group, fault], answer, device);
  }
}

// SPDX-License-Identifier: MIT
// Page requests of a device, gathered by groups: only the last one of a group is answered, and for all of
// it (drivers/iommu/io-pgfault.c).

import type { FaultSink, IommuDevice, PageFault } from './driver.ts';
import { PGFAULT_LAST_PAGE } from './uapi.ts';

/** Requests that wait for the last one of their group, of one device. More are lost, as where there is no memory. */
const MOST_PARTIAL = 255;

/** Page faults of the longest group. */
export const PGFAULT_GROUP_MOST = MOST_PARTIAL + 1;

/** What drivers keep of each device that has page requests. */
export class FaultGroups {
  #sink: FaultSink | undefined;
  #partial: readonly PageFault[] = [];

  /** Who takes the faults of what the device is attached to. */
  get sink(): FaultSink | undefined {
    return this.#sink;
  }
  /** Without one, what waits for the last request of its group is dropped. */
  set sink(sink: FaultSink | undefined) {
    this.#sink = sink;
    if (!sink) this.discard();
  }

  /** Requests were lost: what waits for the last one of its group may wait for ever. */
  discard(): void {
    this.#partial = [];
  }

  /**
   * A page request of the device. One that is not the last of its group waits for that, and has no answer.
   * @param answer takes the answer of the group, when it is the last.
   * @returns false when nobody takes it.
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

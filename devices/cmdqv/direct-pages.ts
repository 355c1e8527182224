// SPDX-License-Identifier: MIT
// Page 0 of the VINTFs of a CMDQV that is assigned to a guest as a whole. It is mapped
// into that guest, which then rings the doorbells of its VCMDQs without an exit.

import {
  CMDQV_LOGICAL_PAGE0,
  CMDQV_LOGICAL_STRIDE,
  CMDQV_PAGE_SIZE,
} from '../../assembly/layout/cmdqv-registers.ts';
import type { DeviceHost, DirectMap } from '../plugin/index.ts';
import type { ContextBlock, Unit } from '../unit/index.ts';

export class DirectPages {
  readonly #unit: Unit;
  readonly #maps = new Map<ContextBlock, DirectMap>();
  #host: DeviceHost | undefined;

  constructor(unit: Unit) {
    this.#unit = unit;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
  }

  /**
   * Maps the page of an enabled VINTF, unless the host has no page left. A page with a
   * slot that has no VCMDQ stays trapped, as that slot reads as zero.
   */
  mapIfEnabled(context: ContextBlock): void {
    const memory = this.#unit.guestMemory;
    if (!context.enabled || !context.isFull) this.unmap(context);
    else if (this.#unit.isPhysical && memory && !this.#maps.has(context)) {
      const map = this.#host?.mapDirect({
        region: 0,
        offset: CMDQV_LOGICAL_PAGE0 + context.index * CMDQV_LOGICAL_STRIDE,
        length: CMDQV_PAGE_SIZE,
        doorbell: context.doorbellId(0),
      });
      if (!map) return;
      this.#maps.set(context, map);
      context.mapPage0(memory, map.memoryOffset);
    }
  }

  /** Unmaps a VINTF's page, before its registers move. Accesses trap again. */
  unmap(context: ContextBlock): void {
    const map = this.#maps.get(context);
    const memory = this.#unit.guestMemory;
    if (!map || !memory) return;
    map.unmap();
    this.#maps.delete(context);
    context.unmapPage0(memory);
  }
}

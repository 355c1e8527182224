// SPDX-License-Identifier: MIT
// Attaches devices to a HWPT that the caller names, or to an automatic HWPT of an IOAS
// (drivers/iommu/iommufd/device.c).

import type { BoundDevice } from './bound-device.ts';
import type { ResourceGate } from './gate.ts';
import { type Hwpt, NestedHwpt, PagingHwpt } from './hwpt.ts';
import { Ioas } from './ioas.ts';
import { IommufdError, require } from './iommufd-error.ts';
import { pagingHwpt } from './make-hwpt.ts';
import type { ObjectTable } from './object.ts';
import { allOrNothing } from './undo.ts';

export class Attachments {
  readonly #objects: ObjectTable;
  readonly #gate: ResourceGate;

  constructor(objects: ObjectTable, gate: ResourceGate) {
    this.#objects = objects;
    this.#gate = gate;
  }

  /** @returns ID of the HWPT. */
  attach(device: BoundDevice, to: number): number {
    return this.#attachTo(device, to, (hwpt) => device.attach(hwpt));
  }

  /** @returns ID of the HWPT. */
  replace(device: BoundDevice, to: number): number {
    const before = device.hwpt;
    const now = this.#attachTo(device, to, (hwpt) => device.replace(hwpt));
    this.#destroyIfUnused(before);
    return now;
  }

  detach(device: BoundDevice): void {
    const before = device.hwpt;
    device.detach();
    this.#destroyIfUnused(before);
  }

  #attachTo({ device }: BoundDevice, id: number, attach: (hwpt: Hwpt) => void): number {
    const to = this.#objects.find(id);
    require(to !== undefined, 'ENOENT', `there is no object ${id}`);
    if (to instanceof PagingHwpt || to instanceof NestedHwpt) {
      attach(to);
      return id;
    }
    require(to instanceof Ioas, 'EINVAL', `object ${id} is a ${to.type}`);
    const found = this.#automatic(to).find((hwpt) => tryAttach(hwpt, attach));
    if (found) return found.id;
    const made = this.#objects.create(() =>
      allOrNothing((undo) => {
        this.#gate('allocation', 'HWPT');
        const hwpt = pagingHwpt({ device, ioas: to, automatic: true }, undo);
        attach(hwpt);
        return hwpt;
      }),
    );
    return made.id;
  }

  #automatic(ioas: Ioas): PagingHwpt[] {
    return this.#objects.objects
      .filter((object) => object instanceof PagingHwpt)
      .filter((hwpt) => hwpt.automatic && hwpt.ioas === ioas);
  }

  /** Destroys the automatic HWPT that a device has left, if it was the last. */
  #destroyIfUnused(hwpt: Hwpt | undefined): void {
    if (hwpt instanceof PagingHwpt && hwpt.automatic && hwpt.users === 1)
      this.#objects.remove(hwpt);
  }
}

/**
 * Tries to attach to an automatic HWPT. False when that HWPT cannot have the device
 * (EINVAL, for example because it belongs to another IOMMU); another one may.
 */
function tryAttach(hwpt: PagingHwpt, attach: (hwpt: Hwpt) => void): boolean {
  try {
    attach(hwpt);
    return true;
  } catch (error) {
    if (error instanceof IommufdError && error.errno === 'EINVAL') return false;
    throw error;
  }
}

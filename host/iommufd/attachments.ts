// SPDX-License-Identifier: MIT
// What devices are attached to: a HWPT that was named, or an automatic one of an IOAS
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
    return this.#to(device, to, (hwpt) => device.attach(hwpt));
  }

  /** @returns ID of the HWPT. */
  replace(device: BoundDevice, to: number): number {
    const before = device.hwpt;
    const now = this.#to(device, to, (hwpt) => device.replace(hwpt));
    this.#left(before);
    return now;
  }

  detach(device: BoundDevice): void {
    const before = device.hwpt;
    device.detach();
    this.#left(before);
  }

  #to({ device }: BoundDevice, id: number, attach: (hwpt: Hwpt) => void): number {
    const to = this.#objects.find(id);
    require(to !== undefined, 'ENOENT', `there is no object ${id}`);
    if (to instanceof PagingHwpt || to instanceof NestedHwpt) {
      attach(to);
      return id;
    }
    require(to instanceof Ioas, 'EINVAL', `object ${id} is a ${to.type}`);
    const found = this.#automatic(to).find((hwpt) => takes(hwpt, attach));
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

  /** A device has left a HWPT: an automatic one goes with the last. */
  #left(hwpt: Hwpt | undefined): void {
    if (hwpt instanceof PagingHwpt && hwpt.automatic && hwpt.users === 1)
      this.#objects.remove(hwpt);
  }
}

/**
 * Attaches to an automatic HWPT. False: it cannot have the device (EINVAL: it is of another IOMMU,
 * say), and another one may.
 */
function takes(hwpt: PagingHwpt, attach: (hwpt: Hwpt) => void): boolean {
  try {
    attach(hwpt);
    return true;
  } catch (error) {
    if (error instanceof IommufdError && error.errno === 'EINVAL') return false;
    throw error;
  }
}

// VMIDs of one host: what tells its VMs apart in the IOTLB.

import { HostError } from './errors.ts';

/** Hands out VMIDs of 8 or 16 bits. VMID 0 belongs to the host's own domains and is never given to a VM. */
export class VmidAllocator {
  readonly bits: 8 | 16;
  readonly #used = new Set<number>();

  constructor(bits: 8 | 16) {
    this.bits = bits;
  }

  /** VMIDs that are in use. */
  get inUse(): number {
    return this.#used.size;
  }

  /**
   * The lowest free VMID.
   * @throws {HostError} when all are in use: a VMID is never shared, and never 0.
   */
  allocate(): number {
    const limit = 2 ** this.bits;
    for (let vmid = 1; vmid < limit; vmid++) {
      if (this.#used.has(vmid)) continue;
      this.#used.add(vmid);
      return vmid;
    }
    throw new HostError('no-vmid', `all ${limit - 1} VMIDs of ${this.bits} bits are in use`);
  }

  /** Takes a VMID back. The caller has removed its entries from the IOTLB. */
  free(vmid: number): void {
    this.#used.delete(vmid);
  }
}

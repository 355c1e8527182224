// SPDX-License-Identifier: MIT
// PROD and CONS of a guest's command queue in guest memory: of its CMDQ (the overlay
// path), or of an ECMDQ. The host's drain serves the queue when the guest rings its
// doorbell. A command that the drain cannot execute stops the queue; the device executes
// it at the next safe point and moves CONS past it.

import { SMMU_CMDQ_CONS, SMMU_CMDQ_PROD } from '../../../assembly/layout/smmu-registers.ts';
import type { DeviceHost, DirectMap } from '../../plugin/index.ts';
import type { TableShape } from '../table-shapes.ts';
import type { DirectQueueBackend } from '../viommu-backend.ts';

/** PROD, followed by CONS. */
const LENGTH = SMMU_CMDQ_CONS + 4 - SMMU_CMDQ_PROD;

export class MappedPointers {
  readonly #backend: DirectQueueBackend | undefined;
  readonly #offset: number;
  #host: Pick<DeviceHost, 'mapDirect'> | undefined;
  #map: DirectMap | undefined;

  /** `offset` is that of PROD among the SMMU's registers. */
  constructor(backend: DirectQueueBackend | undefined, offset: number) {
    this.#backend = backend;
    this.#offset = offset;
  }

  attach(host: Pick<DeviceHost, 'mapDirect'>): void {
    this.#host = host;
  }

  /** The registers are mapped into the guest. */
  get mapped(): boolean {
    return this.#map !== undefined;
  }

  /**
   * Maps the registers into the guest, if the host has a queue for the ring and the
   * machine a page for them. Otherwise they trap.
   */
  start({ base, log2size }: TableShape, prod: number, cons: number): void {
    if (!this.#backend?.allocate(base, log2size)) return;
    this.#map = this.#host?.mapDirect({
      region: 0,
      offset: this.#offset,
      length: LENGTH,
      doorbell: this.#backend.doorbellId,
    });
    if (this.#map) this.#backend.place(this.#map.memoryOffset, prod, cons);
    else this.#backend.free();
  }

  /** Unmaps them. @returns the guest's last PROD; undefined when they were not mapped. */
  stop(): number | undefined {
    if (!this.#map) return undefined;
    this.#map.unmap();
    this.#map = undefined;
    const prod = this.prod;
    this.#backend?.free();
    return prod;
  }

  /** PROD as stored by the guest. */
  get prod(): number {
    return this.#backend?.readProd() ?? 0;
  }

  /** A store to PROD that was still trapped. */
  set prod(prod: number) {
    this.#backend?.writeProd(prod);
  }

  /** CONS as the guest reads it, or has overwritten it. */
  get cons(): number {
    return this.#backend?.readCons() ?? 0;
  }

  set cons(cons: number) {
    this.#backend?.writeCons(cons);
  }
}

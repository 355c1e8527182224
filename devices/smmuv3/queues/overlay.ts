// The overlay path: CMDQ_PROD and CMDQ_CONS of a guest's SMMU lie in guest memory, and the host's drain runs the queue as the guest rings. What
// the drain does not take stops the queue; the device carries it out at the next safe point and moves CONS behind it.

import { SMMU_CMDQ_CONS, SMMU_CMDQ_PROD } from '../../../assembly/layout/smmu-registers.ts';
import type { DeviceHost, DirectMap } from '../../plugin/index.ts';
import type { TableShape } from '../register-rules.ts';
import type { OverlayBackend } from '../viommu-backend.ts';

/** CMDQ_PROD, and CMDQ_CONS behind it. */
const LENGTH = SMMU_CMDQ_CONS + 4 - SMMU_CMDQ_PROD;

export class Overlay {
  readonly #backend: OverlayBackend | undefined;
  #host: Pick<DeviceHost, 'mapDirect'> | undefined;
  #map: DirectMap | undefined;

  constructor(backend: OverlayBackend | undefined) {
    this.#backend = backend;
  }

  attach(host: Pick<DeviceHost, 'mapDirect'>): void {
    this.#host = host;
  }

  /** The guest has the registers. */
  get open(): boolean {
    return this.#map !== undefined;
  }

  /** Gives the registers to the guest, if the host has a queue for the ring and the machine a page for them; they trap otherwise. */
  start({ base, log2size }: TableShape, prod: number, cons: number): void {
    if (!this.#backend?.allocate(base, log2size)) return;
    this.#map = this.#host?.mapDirect({ region: 0, offset: SMMU_CMDQ_PROD, length: LENGTH, doorbell: this.#backend.doorbellId });
    if (this.#map) this.#backend.place(this.#map.memoryOffset, prod, cons);
    else this.#backend.free();
  }

  /** Takes them back. @returns the guest's last PROD; undefined when the guest did not have them. */
  stop(): number | undefined {
    if (!this.#map) return undefined;
    this.#map.unmap();
    this.#map = undefined;
    const prod = this.prod;
    this.#backend?.free();
    return prod;
  }

  /** CMDQ_PROD as the guest has stored it. */
  get prod(): number {
    return this.#backend?.readProd() ?? 0;
  }

  /** A store to CMDQ_PROD that still came as an exit. */
  set prod(prod: number) {
    this.#backend?.writeProd(prod);
  }

  /** What the guest reads as CMDQ_CONS. */
  set cons(cons: number) {
    this.#backend?.writeCons(cons);
  }
}

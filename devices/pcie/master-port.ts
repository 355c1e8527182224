// SPDX-License-Identifier: MIT
// The DMA port of a PCIe function: it refuses accesses while the function is not a bus
// master.

import type { AtsCapability, DmaAttributes, DmaPort, DmaResult } from '../plugin/index.ts';

const REFUSED: DmaResult = { ok: false, done: 0 };

/** What a function's registers permit its DMA. */
export interface MasterPermissions {
  /** Bus Master Enable of its command register. */
  isMaster(): boolean;
  /** True when its accesses may have the given attributes. */
  allows(attributes: DmaAttributes | undefined): boolean;
}

export class MasterPort implements DmaPort {
  readonly ats: AtsCapability | undefined;
  readonly #port: DmaPort;
  readonly #permissions: MasterPermissions;

  constructor(port: DmaPort, permissions: MasterPermissions) {
    this.#port = port;
    this.#permissions = permissions;
    this.ats = port.ats;
  }

  get streamId(): number {
    return this.#port.streamId;
  }

  #may(attributes: DmaAttributes | undefined): boolean {
    return this.#permissions.isMaster() && this.#permissions.allows(attributes);
  }

  read(iova: number, target: Uint8Array, attributes?: DmaAttributes): DmaResult {
    return this.#may(attributes) ? this.#port.read(iova, target, attributes) : REFUSED;
  }

  /**
   * No port above routes AtomicOps, so no function implements AtomicOp Requester Enable,
   * and none is sent.
   */
  write(iova: number, source: Uint8Array, attributes?: DmaAttributes): DmaResult {
    return this.#may(attributes) && !attributes?.atomic
      ? this.#port.write(iova, source, attributes)
      : REFUSED;
  }

  abandon(): void {
    this.#port.abandon?.();
  }
}

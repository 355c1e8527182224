// SPDX-License-Identifier: MIT
// The DMA port of a function below a port, whose requester ID software can change.

import type { AtsCapability, DmaAttributes, DmaPort, DmaResult } from '../plugin/index.ts';
import { NO_ATS, NO_RESPONSES } from '../plugin/no-ats.ts';

const REFUSED: DmaResult = { ok: false, done: 0 };

export class RequesterPort implements DmaPort {
  readonly ats: AtsCapability;
  readonly #portOf: (requesterId: number) => DmaPort;
  readonly #requesterId: () => number | undefined;
  /** Ports that have been used, by requester ID. */
  readonly #ports = new Map<number, DmaPort>();

  /** @param requesterId the current ID; undefined when accesses are not forwarded. */
  constructor(portOf: (requesterId: number) => DmaPort, requesterId: () => number | undefined) {
    this.#portOf = portOf;
    this.#requesterId = requesterId;
    const current = () => this.#current?.ats;
    this.ats = {
      get settings() {
        return current()?.settings ?? NO_ATS;
      },
      configure: (settings) => current()?.configure(settings),
      takeResponses: () => current()?.takeResponses?.() ?? NO_RESPONSES,
    };
  }

  get #current(): DmaPort | undefined {
    const id = this.#requesterId();
    if (id === undefined) return undefined;
    const port = this.#ports.get(id) ?? this.#portOf(id);
    this.#ports.set(id, port);
    return port;
  }

  /** 0 when there is none. */
  get streamId(): number {
    return this.#current?.streamId ?? 0;
  }

  read(iova: number, target: Uint8Array, attributes?: DmaAttributes): DmaResult {
    return this.#current?.read(iova, target, attributes) ?? REFUSED;
  }

  write(iova: number, source: Uint8Array, attributes?: DmaAttributes): DmaResult {
    return this.#current?.write(iova, source, attributes) ?? REFUSED;
  }

  /** Includes accesses that the IOMMU stalls under an earlier ID. */
  abandon(): void {
    for (const port of this.#ports.values()) port.abandon?.();
  }
}

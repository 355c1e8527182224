// SPDX-License-Identifier: MIT
// MSIs of bus masters: 32-bit writes through their DMA ports, translated by their IOMMU.

import { answeredDma } from '../plugin/answers.ts';
import type { BackgroundLoop, DmaPort } from '../plugin/index.ts';

interface HeldMsi {
  readonly port: DmaPort;
  readonly address: number;
  readonly data: number;
}

function write({ port, address, data }: HeldMsi) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, data, true);
  return answeredDma(port.write(address, bytes), bytes.length, 'dmaPort.write');
}

/**
 * Sends the MSIs of bus masters. An MSI stalled by the IOMMU is retried at the machine's
 * safe points, before later ones of its port. To the device it is a posted write, so the
 * result is not reported.
 */
export class PortMsis implements BackgroundLoop {
  readonly name = 'MSIs';
  #held: readonly HeldMsi[] = [];

  /** @returns false when the write was refused. */
  send(port: DmaPort, address: number, data: number): boolean {
    const msi = { port, address, data };
    const earlier = this.#held.filter((held) => held.port === port);
    // An MSI is an edge: an identical one that is stalled already covers both.
    if (earlier.some((held) => held.address === address && held.data === data)) return true;
    const { ok, stalled = false } = earlier.length > 0 ? HELD : write(msi);
    if (stalled) this.#held = [...this.#held, msi];
    return ok || stalled;
  }

  poll(): number {
    // Called at each exit: allocates nothing while nothing is stalled.
    if (this.#held.length === 0) return 0;
    const waiting = new Set<DmaPort>();
    const sent = new Set<HeldMsi>();
    for (const msi of this.#held) {
      if (waiting.has(msi.port)) continue;
      if (write(msi).stalled) waiting.add(msi.port);
      else sent.add(msi);
    }
    if (sent.size > 0) this.#held = this.#held.filter((msi) => !sent.has(msi));
    return sent.size;
  }

  /** Drops stalled MSIs: the devices are reset or detached. */
  clear(): void {
    this.#held = [];
  }
}

const HELD = { ok: false, stalled: true } as const;

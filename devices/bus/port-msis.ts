// SPDX-License-Identifier: MIT
// MSIs of bus masters: 32-bit writes through their DMA ports, translated by their IOMMU.

import { answeredDma } from '../plugin/answers.ts';
import type { BackgroundLoop, DmaPort } from '../plugin/index.ts';

interface StalledMsi {
  readonly port: DmaPort;
  readonly address: number;
  readonly data: number;
}

function write({ port, address, data }: StalledMsi) {
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
  #stalled: readonly StalledMsi[] = [];

  /** @returns false when the write was refused. */
  send(port: DmaPort, address: number, data: number): boolean {
    const msi = { port, address, data };
    const earlier = this.#stalled.filter((one) => one.port === port);
    // An MSI is an edge: an identical one that is stalled already covers both.
    if (earlier.some((one) => one.address === address && one.data === data)) return true;
    const { ok, stalled = false } = earlier.length > 0 ? STALLED : write(msi);
    if (stalled) this.#stalled = [...this.#stalled, msi];
    return ok || stalled;
  }

  poll(): number {
    // Called at each exit: allocates nothing while nothing is stalled.
    if (this.#stalled.length === 0) return 0;
    const waiting = new Set<DmaPort>();
    const sent = new Set<StalledMsi>();
    for (const msi of this.#stalled) {
      if (waiting.has(msi.port)) continue;
      if (write(msi).stalled) waiting.add(msi.port);
      else sent.add(msi);
    }
    if (sent.size > 0) this.#stalled = this.#stalled.filter((msi) => !sent.has(msi));
    return sent.size;
  }

  /** Drops stalled MSIs: the devices are reset or detached. */
  clear(): void {
    this.#stalled = [];
  }
}

const STALLED = { ok: false, stalled: true } as const;

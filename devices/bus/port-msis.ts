// SPDX-License-Identifier: MIT
// MSIs of bus masters: 32-bit writes by their DMA ports, which their IOMMU translates.

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
 * Sends the MSIs of bus masters. One that the IOMMU holds (a stall) is tried again at the machine's
 * safe points, before later ones of its port: a device learns no more of it than of a posted write.
 */
export class PortMsis implements BackgroundLoop {
  readonly name = 'MSIs';
  #held: readonly HeldMsi[] = [];

  /** @returns false when the write was refused. */
  send(port: DmaPort, address: number, data: number): boolean {
    const msi = { port, address, data };
    const earlier = this.#held.filter((held) => held.port === port);
    // An MSI is an edge: one that is under way already stands for both.
    if (earlier.some((held) => held.address === address && held.data === data)) return true;
    const { ok, stalled = false } = earlier.length > 0 ? HELD : write(msi);
    if (stalled) this.#held = [...this.#held, msi];
    return ok || stalled;
  }

  poll(): number {
    // At each exit: nothing is allocated where nothing is held.
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

  /** The devices are reset, or gone: what is held is not sent. */
  clear(): void {
    this.#held = [];
  }
}

const HELD = { ok: false, stalled: true } as const;

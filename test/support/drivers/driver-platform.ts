// SPDX-License-Identifier: MIT
// What a kernel's drivers have of the machine below them, in the role of a host and of a
// guest.

import type { DmaPort } from '../../../devices/plugin/index.ts';
import type { TableMemory } from '../../../devices/tables/index.ts';

/** Registers of one device. */
export interface Registers {
  read32(offset: number): number;
  write32(offset: number, value: number): void;
  /** One 64-bit store. */
  write64(offset: number, value: bigint): void;
}

export type SmmuInterrupt = 'eventq' | 'gerror' | 'priq';
export type InterruptName = SmmuInterrupt | 'cmdqv';

/** struct msi_msg. */
export interface MsiMessage {
  readonly address: number;
  readonly data: number;
}

/** How an access of the device behind the stream ends. */
export type DmaOutcome = 'done' | 'fault' | 'stalled';

export interface DriverPlatform {
  /** Whether the kernel works the physical devices, or a guest's. */
  readonly role: 'host' | 'guest';
  /**
   * Coherent memory. The kernel that boots next does not know what this one has
   * allocated.
   */
  readonly memory: TableMemory;
  readonly smmu: Registers;
  readonly cmdqv: Registers;
  /** StreamID of the device that does DMA. */
  readonly stream: number;
  /** Pages that DMA may go to. */
  readonly buffer: number;
  /** Interrupts that have come since the last look. */
  take(line: InterruptName): number;
  /** A safe point: devices do their background work. */
  idle(): void;
  /** An access of four bytes, with a PASID or without. */
  dma(iova: number, write?: boolean, pasid?: number): DmaOutcome;
  /** pci_enable_ats, pci_enable_pri of the device. */
  ats(enabled: boolean, pageRequests?: boolean): void;
  /**
   * Where the MSI of an interrupt goes, and what it carries; absent: the SMMU has wired
   * interrupts.
   */
  readonly msi?: ((line: SmmuInterrupt) => MsiMessage) | undefined;
  /** First byte after an address of memory. */
  byteAt(address: number): number;
}

/** What the device behind a port does. */
export function deviceOf(port: DmaPort): Pick<DriverPlatform, 'dma' | 'ats'> {
  const word = new Uint8Array(4);
  return {
    dma(iova, write, pasid) {
      const attributes = pasid === undefined ? undefined : { pasid };
      const { ok, stalled } = write
        ? port.write(iova, word.fill(0xd1), attributes)
        : port.read(iova, word, attributes);
      return ok ? 'done' : stalled ? 'stalled' : 'fault';
    },
    ats: (enabled, pageRequests = false) =>
      port.ats?.configure({ enabled, pageRequests, silent: false }),
  };
}

/** A register did not become what the driver waits for within its second. */
export class DriverTimeout extends Error {}

/** Looks of a poll. The models answer at once. */
const LOOKS = 64;

/** readl_relaxed_poll_timeout. */
export function poll(what: string, done: () => boolean, betweenPolls?: () => void): void {
  for (let look = 0; look < LOOKS; look++) {
    if (done()) return;
    betweenPolls?.();
  }
  throw new DriverTimeout(`${what} timed out`);
}

// SPDX-License-Identifier: MIT
// The machine below a kernel's drivers, in the role of a host and of a guest.

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

/** How an access of the stream's device ends. */
export type DmaOutcome = 'done' | 'fault' | 'stalled';

export interface DriverPlatform {
  /** Whether the kernel drives the physical devices, or a guest's. */
  readonly role: 'host' | 'guest';
  /**
   * Coherent memory. A kernel that boots next does not know the allocations of this one.
   */
  readonly memory: TableMemory;
  readonly smmu: Registers;
  readonly cmdqv: Registers;
  /** StreamID of the device that does DMA. */
  readonly stream: number;
  /** Address of the pages that DMA may access. */
  readonly buffer: number;
  /** Number of interrupts since the last call. */
  take(line: InterruptName): number;
  /** A safe point: devices do their background work. */
  idle(): void;
  /** An access of four bytes, with a PASID or without. */
  dma(iova: number, write?: boolean, pasid?: number): DmaOutcome;
  /** pci_enable_ats, pci_enable_pri of the device. */
  ats(enabled: boolean, pageRequests?: boolean): void;
  /** Address and data of an interrupt's MSI; absent: the SMMU has wired interrupts. */
  readonly msi?: ((line: SmmuInterrupt) => MsiMessage) | undefined;
  /** First byte after an address of memory. */
  byteAt(address: number): number;
}

/** The actions of the device at a port. */
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

/** A register did not reach the value that the driver awaits within its second. */
export class DriverTimeout extends Error {}

/** Reads per poll. The models respond at once. */
const LOOKS = 64;

/** readl_relaxed_poll_timeout. */
export function poll(what: string, done: () => boolean, betweenPolls?: () => void): void {
  for (let look = 0; look < LOOKS; look++) {
    if (done()) return;
    betweenPolls?.();
  }
  throw new DriverTimeout(`${what} timed out`);
}

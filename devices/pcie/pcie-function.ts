// SPDX-License-Identifier: MIT
// What a PCIe function is to the bus that it is plugged into.

import type { Device } from '../plugin/index.ts';

/** Region of every function: its configuration space, 4 KiB. */
export const CONFIGURATION_REGION = 0;

/** Addresses that a function answers at now, by one of its BARs. */
export interface MemoryWindow {
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  /** Region of the function. */
  readonly region: number;
  /** They are addresses of I/O space. Default false: of memory. */
  readonly isIo?: boolean;
}

/** Where a function is plugged in. */
export interface PcieSlot {
  /** It lies on the root bus, not behind a port: no link leads to it. */
  readonly isIntegrated: boolean;
  /** Its device has further functions. */
  readonly isMultifunction: boolean;
  /** The level of its INTx pin has changed, or may have. */
  interruptChanged(): void;
  /** Its windows have changed, or may have. */
  windowsChanged(): void;
}

/**
 * A PCIe function: a device whose region 0 is its configuration space, and to whose other regions its BARs
 * lead. It has no addresses of its own on a board, and no interrupt lines: a `PcieHost` reaches it.
 */
export interface PcieFunction extends Device {
  /** 1 to 4: INTA to INTD; 0: it uses none. */
  readonly interruptPin: number;
  /** Asserts its INTx. */
  readonly intx: boolean;
  /** What its BARs decode now. */
  readonly windows: readonly MemoryWindow[];
  /** Told once by its bus where it is. */
  plug(slot: PcieSlot): void;
}

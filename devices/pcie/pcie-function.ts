// SPDX-License-Identifier: MIT
// The interface of a PCIe function to its bus.

import type { Device } from '../plugin/index.ts';

/** Region of every function: its configuration space, 4 KiB. */
export const CONFIGURATION_REGION = 0;

/** Addresses that a BAR of the function decodes now. */
export interface MemoryWindow {
  readonly address: number;
  /** Size in bytes. */
  readonly size: number;
  /** Region of the function. */
  readonly region: number;
  /** They are addresses of I/O space. Default false: of memory. */
  readonly isIo?: boolean;
}

/** The place of a function. */
export interface PcieSlot {
  /** The function is on the root bus, not below a port, so it has no link. */
  readonly isIntegrated: boolean;
  /** Its device has more functions. */
  readonly isMultifunction: boolean;
  /** To be called when the level of the function's INTx pin may have changed. */
  interruptChanged(): void;
  /** To be called when the function's windows may have changed. */
  windowsChanged(): void;
}

/**
 * A PCIe function: a device whose region 0 is its configuration space, and whose other
 * regions are mapped by its BARs. It has no addresses of its own on a board, and no
 * interrupt lines: a `PcieHost` forwards accesses and interrupts.
 */
export interface PcieFunction extends Device {
  /** 1 to 4: INTA to INTD; 0: none. */
  readonly interruptPin: number;
  /** True while it asserts its INTx. */
  readonly intx: boolean;
  /** The windows that its BARs decode now. */
  readonly windows: readonly MemoryWindow[];
  /** Called once by its bus, with its place. */
  plug(slot: PcieSlot): void;
}

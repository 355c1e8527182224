// SPDX-License-Identifier: MIT
// The Page Request Interface (PRI) of the DMA engine as a PCIe function: its registers in
// configuration space (PCIe 5.0, section 10.5.2).

import type { ConfigurationSpace } from '../pcie/configuration-space.ts';
import { type CapabilitySpec, reaches, writtenTo } from '../pcie/index.ts';
import { PCIE_CAP_PRI } from '../pcie/pcie-registers.ts';
import type { MmioAccess, PageResponses } from '../plugin/index.ts';
import { NO_RESPONSES } from '../plugin/no-ats.ts';

const NAME = 'PRI';
/** Control in bits [15:0], status in bits [31:16]. */
const CONTROL = 4;
const CAPACITY = 8;
const ALLOCATION = 12;

const ENABLE = 1;
/** Reads 0. */
const RESET = 2;
const RESPONSE_FAILURE = 0x0001_0000;
const UNEXPECTED_INDEX = 0x0002_0000;
const STOPPED = 0x0100_0000;
/** PRG Response PASID Required. */
const PASID_REQUIRED = 0x8000_0000;
/** The engine waits for the response to a page request before it sends the next. */
const OUTSTANDING = 1;

/** The capability of an engine. */
export const PRI_CAPABILITY: CapabilitySpec = {
  name: NAME,
  id: PCIE_CAP_PRI,
  version: 1,
  size: 16,
  registers: [
    {
      name: 'PRI_CONTROL',
      offset: CONTROL,
      reset: PASID_REQUIRED + STOPPED,
      writable: ENABLE,
    },
    { name: 'PRI_CAPACITY', offset: CAPACITY, reset: OUTSTANDING },
    { name: 'PRI_ALLOCATION', offset: ALLOCATION, writable: 0xffffffff },
  ],
};

/** The registers, which decide whether the function may request pages. */
export class PageRequestInterface {
  readonly #config: ConfigurationSpace;
  readonly #at: number;
  /** Enable, as of the last write: the interface starts when it changes to 1. */
  #wasEnabled = false;
  #isWaiting = false;

  /** @param config has `PRI_CAPABILITY`. */
  constructor(config: ConfigurationSpace) {
    this.#config = config;
    this.#at = config.offsetOf(NAME);
  }

  #has(bits: number): boolean {
    return (this.#config.get(this.#at + CONTROL) & bits) !== 0;
  }

  #set(bits: number, set: boolean): void {
    this.#config.setBits(this.#at + CONTROL, bits, set);
  }

  /**
   * True while the function may request pages: it is enabled, has an allocation, and no
   * Response Failure has arrived since it was enabled. Status has Stopped set from then
   * on.
   */
  get isActive(): boolean {
    const allocation = this.#config.get(this.#at + ALLOCATION);
    return this.#has(ENABLE) && !this.#has(STOPPED) && allocation > 0;
  }

  /** True for an access to control, status, or the allocation. */
  covers(access: MmioAccess): boolean {
    return reaches(access, this.#at + CONTROL) || reaches(access, this.#at + ALLOCATION);
  }

  /**
   * Puts responses into the status. While disabled, it is stopped once no request waits.
   */
  take({ isWaiting, failed, unexpected }: PageResponses = NO_RESPONSES): void {
    this.#isWaiting = isWaiting;
    // After a failure, responses are ignored until the interface is enabled again.
    if (unexpected && !(this.#wasEnabled && this.#has(STOPPED))) this.#set(UNEXPECTED_INDEX, true);
    if (failed) this.#set(RESPONSE_FAILURE + STOPPED, true);
    if (!this.#wasEnabled) this.#set(STOPPED, !isWaiting);
  }

  /**
   * After a write that it covers, and `take`.
   * @returns true when it resets the interface: a request that waits is to be forgotten.
   */
  written(access: MmioAccess): boolean {
    const value = writtenTo(access, this.#at + CONTROL);
    this.#set(value & (RESPONSE_FAILURE + UNEXPECTED_INDEX), false);
    const isEnabled = this.#has(ENABLE);
    const isReset = !isEnabled && (value & RESET) !== 0;
    if (isReset) this.#isWaiting = false;
    if (isEnabled && !this.#wasEnabled) this.#set(STOPPED, false);
    if (!isEnabled) this.#set(STOPPED, !this.#isWaiting);
    this.#wasEnabled = isEnabled;
    return isReset;
  }

  /** After a reset or a restore, in which no request waits. */
  followRegisters(): void {
    this.#isWaiting = false;
    this.#wasEnabled = this.#has(ENABLE);
  }
}

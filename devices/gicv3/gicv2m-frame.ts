// SPDX-License-Identifier: MIT
// A GICv2m frame (Arm's Server Base System Architecture, appendix E): writing an INTID
// makes an edge of that SPI.

import {
  V2M_MSI_IIDR,
  V2M_MSI_IIDR_VALUE,
  V2M_MSI_SETSPI_NS,
  V2M_MSI_TYPER,
  V2M_MSI_TYPER_BASE_SHIFT,
  V2M_SIZE,
} from '../../assembly/layout/gicv2m-registers.ts';
import type { MsiController } from '../bus/index.ts';
import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  unnamedRegister,
} from '../plugin/index.ts';

/** The SPIs of a frame. */
export interface Gicv2mOptions {
  /** INTID of the first SPI, which is 32 above the number of its line. */
  readonly firstIntid: number;
  /** Number of SPIs, which are the frame's interrupt lines. */
  readonly spis: number;
}

const KIND = 0x6d327667; // "gv2m"
const FIRST_SPI = 32;
/** One above the last INTID of an SPI. */
const END_OF_SPIS = 1020;

const NAMES = new Map([
  [V2M_MSI_TYPER, 'MSI_TYPER'],
  [V2M_MSI_SETSPI_NS, 'MSI_SETSPI_NS'],
  [V2M_MSI_IIDR, 'MSI_IIDR'],
]);

/** A frame with its own SPIs, one per message. */
export class Gicv2mFrame implements Device {
  readonly name = 'gicv2m';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity: Device['identity'];
  readonly regions = [{ name: 'gicv2m', size: V2M_SIZE, accessSizes: [4] as const }];
  readonly #options: Gicv2mOptions;
  #lines: readonly InterruptLine[] = [];

  /** @throws {RangeError} when not all of its INTIDs are SPIs. */
  constructor(options: Gicv2mOptions) {
    const { firstIntid, spis } = options;
    const isSome = Number.isInteger(firstIntid) && Number.isInteger(spis) && spis >= 1;
    if (!isSome || firstIntid < FIRST_SPI || firstIntid + spis > END_OF_SPIS)
      throw new RangeError(`INTIDs of a GICv2m frame lie from ${FIRST_SPI} to ${END_OF_SPIS - 1}`);
    this.#options = options;
    this.identity = { kind: KIND, interrupts: spis, busMaster: false };
  }

  attach(host: DeviceHost): void {
    const { spis } = this.#options;
    this.#lines = Array.from({ length: spis }, (_, index) => host.interruptLine(index));
  }

  reset(): void {
    // It has no state: a pending interrupt is state of the GIC.
  }

  /**
   * The frame as an interrupt controller for MSIs.
   * @param gpa of its first register.
   */
  msiController(gpa: number): MsiController {
    return {
      doorbells: [{ gpa, size: V2M_SIZE }],
      send: (_requesterId, address, data) => {
        if (address !== gpa + V2M_MSI_SETSPI_NS) return false;
        this.#raise(data);
        return true;
      },
    };
  }

  /** INTIDs outside the frame are ignored. */
  #raise(intid: number): void {
    this.#lines[intid - this.#options.firstIntid]?.pulse();
  }

  read(access: MmioAccess): void {
    const { firstIntid, spis } = this.#options;
    access.hi = 0;
    access.lo = 0;
    if (access.offset === V2M_MSI_TYPER)
      access.lo = firstIntid * 2 ** V2M_MSI_TYPER_BASE_SHIFT + spis;
    if (access.offset === V2M_MSI_IIDR) access.lo = V2M_MSI_IIDR_VALUE;
  }

  write({ offset, lo }: MmioAccess): void {
    if (offset === V2M_MSI_SETSPI_NS) this.#raise(lo);
  }

  /** No variable state, only the identity of the frame. */
  save(): DeviceState {
    const { firstIntid, spis } = this.#options;
    return { firstIntid, spis };
  }

  restore(state: DeviceState): void {
    const { firstIntid, spis } = this.#options;
    plainStateLike({ firstIntid, spis }, state);
  }

  registerName(_region: number, offset: number): string {
    return NAMES.get(offset) ?? unnamedRegister(this.regions[0], offset);
  }
}

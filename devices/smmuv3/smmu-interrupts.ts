// SPDX-License-Identifier: MIT
// Interrupts of an SMMUv3: wired lines and MSIs (IHI 0070 sections 3.18 and 7.5). A line
// is pulsed whether or not an MSI is configured: software uses the one that it has set
// up.

import {
  GERROR_MSI_EVENTQ_ABT_ERR,
  GERROR_MSI_GERROR_ABT_ERR,
  GERROR_MSI_PRIQ_ABT_ERR,
  IDR0_MSI,
  IDR0_PRI,
  IDR5_OAS,
  IRQ_CTRL_EVENTQ_IRQEN,
  IRQ_CTRL_GERROR_IRQEN,
  IRQ_CTRL_PRIQ_IRQEN,
  SMMU_EVENTQ_IRQ_CFG0,
  SMMU_EVENTQ_IRQ_CFG1,
  SMMU_GERROR_IRQ_CFG0,
  SMMU_GERROR_IRQ_CFG1,
  SMMU_IDR0,
  SMMU_IDR5,
  SMMU_IRQ_CTRL,
  SMMU_PRIQ_IRQ_CFG0,
  SMMU_PRIQ_IRQ_CFG1,
} from '../../assembly/layout/smmu-registers.ts';
import { bitsOf, type DeviceHost, type Field, type InterruptLine } from '../plugin/index.ts';
import { addressSizeOf } from '../tables/index.ts';

/**
 * Interrupt lines of an SMMU, all edge-triggered; the PRI queue's exists only with a PRI
 * queue. CMD_SYNC has no line: it signals by MSI.
 */
export const EVENTQ_INTERRUPT = 0;
export const GERROR_INTERRUPT = 1;
export const PRIQ_INTERRUPT = 2;

/**
 * A source of interrupts: its line, its enable in IRQ_CTRL, its IRQ_CFG0 and IRQ_CFG1,
 * and the error for an MSI that was not delivered.
 */
export interface InterruptSource {
  readonly line: number;
  readonly enable: Field;
  readonly address: number;
  readonly data: number;
  readonly aborted: Field;
}

export const EVENTS: InterruptSource = {
  line: EVENTQ_INTERRUPT,
  enable: IRQ_CTRL_EVENTQ_IRQEN,
  address: SMMU_EVENTQ_IRQ_CFG0,
  data: SMMU_EVENTQ_IRQ_CFG1,
  aborted: GERROR_MSI_EVENTQ_ABT_ERR,
};

export const PAGE_REQUESTS: InterruptSource = {
  line: PRIQ_INTERRUPT,
  enable: IRQ_CTRL_PRIQ_IRQEN,
  address: SMMU_PRIQ_IRQ_CFG0,
  data: SMMU_PRIQ_IRQ_CFG1,
  aborted: GERROR_MSI_PRIQ_ABT_ERR,
};

export const GLOBAL_ERRORS: InterruptSource = {
  line: GERROR_INTERRUPT,
  enable: IRQ_CTRL_GERROR_IRQEN,
  address: SMMU_GERROR_IRQ_CFG0,
  data: SMMU_GERROR_IRQ_CFG1,
  aborted: GERROR_MSI_GERROR_ABT_ERR,
};

const SOURCES = [EVENTS, GLOBAL_ERRORS, PAGE_REQUESTS];

/** Number of lines of an SMMU with this IDR0. */
export function interruptCount(idr0: number): number {
  return bitsOf(idr0, IDR0_PRI) ? SOURCES.length : PRIQ_INTERRUPT;
}

/** Lines and MSIs of one SMMU. `register` returns the stored word of a register. */
export class Interrupts {
  readonly #register: (offset: number) => number;
  #lines: readonly InterruptLine[] = [];
  #host: Pick<DeviceHost, 'msi'> | undefined;

  constructor(register: (offset: number) => number) {
    this.#register = register;
  }

  attach(host: DeviceHost): void {
    this.#lines = SOURCES.slice(0, interruptCount(this.#register(SMMU_IDR0))).map(({ line }) =>
      host.interruptLine(line),
    );
    this.#host = host;
  }

  /**
   * Raises an interrupt. One that is disabled in IRQ_CTRL is lost.
   * @returns false when its MSI was terminated with an abort.
   */
  raise({ line, enable, address, data }: InterruptSource): boolean {
    if (!bitsOf(this.#register(SMMU_IRQ_CTRL), enable)) return true;
    this.#lines[line]?.pulse();
    return this.send(this.#register(address), this.#register(address + 4), this.#register(data));
  }

  /**
   * Sends an MSI, if the SMMU has MSIs and the address is not 0.
   * @returns false when it was terminated with an abort.
   */
  send(addressLo: number, addressHi: number, data: number): boolean {
    const address = addressHi * 2 ** 32 + addressLo;
    const { addressBits } = this;
    if (address === 0 || addressBits === 0) return true;
    // "0" above means the whole field; address bits beyond OAS are ignored (IHI 0070
    // section 3.4.3).
    return this.#host?.msi(address % 2 ** addressBits, data) ?? false;
  }

  /** Address bits of an MSI: IDR5.OAS; 0 without IDR0.MSI. */
  get addressBits(): number {
    return bitsOf(this.#register(SMMU_IDR0), IDR0_MSI)
      ? (addressSizeOf(bitsOf(this.#register(SMMU_IDR5), IDR5_OAS)) ?? 0)
      : 0;
  }
}

// SPDX-License-Identifier: MIT
// The CONFIG page: stored registers, and registers that are views of other state. Shared
// by both roles of the CMDQV.

import {
  CMDQV_CMDQ_ERR_MAP,
  CMDQV_CONFIG,
  CMDQV_CONFIG_EN,
  CMDQV_DIRECT_PAGE1,
  CMDQV_LOGICAL_PAGE0,
  CMDQV_STATUS,
  CMDQV_STATUS_ENABLED,
  CMDQV_VINTF,
  CMDQV_VINTF_ERR_MAP,
  CMDQV_VINTF_INT_MASK,
  CMDQV_VINTF_STRIDE,
  VCMDQ_BASE,
  VCMDQ_STRIDE,
  VINTF_CONFIG,
  VINTF_CONFIG_EN,
  VINTF_LVCMDQ_ERR_MAP,
  VINTF_STATUS,
  VINTF_STATUS_ENABLED,
  VINTF_STATUS_NUM_LVCMDQ,
  VINTF_STATUS_STATUS,
} from '../../assembly/layout/cmdqv-registers.ts';
import { bitsOf, RegisterFile, withBits } from '../plugin/index.ts';
import { vcmdqAddress } from './address.ts';
import {
  type CmdqvNumbers,
  checkNumbers,
  cmdqvRegisters,
  PAGE0_REGISTERS,
} from './cmdqv-register-specs.ts';

/** VINTF_STATUS.STATUS while a VCMDQ of the VINTF has an error. */
const VINTF_VCMDQ_ERROR = 1;

/**
 * Tells which queues have an error that software has not acknowledged: GERROR differs
 * from GERRORN.
 */
export interface ErrorView {
  vcmdqHasError(vcmdq: number): boolean;
  /** False for a slot without a VCMDQ. */
  lvcmdqHasError(vintf: number, lvcmdq: number): boolean;
}

/**
 * 32 bits of a map, from bit `first`. Bits at and above `count` stay 0: the Linux driver
 * uses the index of every set bit.
 */
function mapWord(first: number, count: number, isSet: (index: number) => boolean): number {
  let word = 0;
  for (let i = first; i < Math.min(first + 32, count); i++) if (isSet(i)) word |= 1 << (i - first);
  return word >>> 0;
}

export class GlobalPage {
  /** CONFIG page and the page-1 registers of the direct view. */
  readonly registers: RegisterFile;
  readonly numbers: CmdqvNumbers;
  /** LVCMDQs of each VINTF. */
  readonly lvcmdqs: number;
  readonly #errors: ErrorView;

  /** @throws {RangeError} for numbers that a CMDQV cannot have. */
  constructor(numbers: CmdqvNumbers, errors: ErrorView) {
    checkNumbers(numbers);
    this.numbers = numbers;
    this.lvcmdqs = numbers.vcmdqs / numbers.vintfs;
    this.#errors = errors;
    this.registers = new RegisterFile(CMDQV_LOGICAL_PAGE0, cmdqvRegisters(numbers));
  }

  get enabled(): boolean {
    return bitsOf(this.registers.get(CMDQV_CONFIG), CMDQV_CONFIG_EN) === 1;
  }

  vintfConfig(vintf: number): number {
    return this.registers.get(CMDQV_VINTF + vintf * CMDQV_VINTF_STRIDE + VINTF_CONFIG);
  }

  /** True when the VINTF's errors raise no interrupt. */
  interruptMasked(vintf: number): boolean {
    return (
      ((this.registers.get(CMDQV_VINTF_INT_MASK + 4 * (vintf >>> 5)) >>> (vintf & 31)) & 1) === 1
    );
  }

  /** Low and high word of a page-1 register of a VCMDQ. */
  page1(vcmdq: number, register: number): { lo: number; hi: number } {
    const offset = CMDQV_DIRECT_PAGE1 + vcmdq * VCMDQ_STRIDE + register;
    return { lo: this.registers.get(offset), hi: this.registers.get(offset + 4) };
  }

  /** Sets BASE of every VCMDQ to 0: no queue has a ring any more. */
  clearBases(): void {
    for (let vcmdq = 0; vcmdq < this.numbers.vcmdqs; vcmdq++) {
      const offset = CMDQV_DIRECT_PAGE1 + vcmdq * VCMDQ_STRIDE + VCMDQ_BASE;
      this.registers.set(offset, 0);
      this.registers.set(offset + 4, 0);
    }
  }

  /** The 32-bit word at an offset of the CONFIG page. */
  read(offset: number): number {
    const { vintfs, vcmdqs } = this.numbers;
    if (offset >= CMDQV_VINTF) return this.#readVintf(offset);
    if (offset === CMDQV_STATUS) return withBits(0, CMDQV_STATUS_ENABLED, this.enabled ? 1 : 0);
    if (offset === CMDQV_VINTF_ERR_MAP || offset === CMDQV_VINTF_ERR_MAP + 4) {
      return mapWord(8 * (offset - CMDQV_VINTF_ERR_MAP), vintfs, (vintf) =>
        this.#vintfHasError(vintf),
      );
    }
    if (offset >= CMDQV_CMDQ_ERR_MAP && offset < CMDQV_CMDQ_ERR_MAP + 16) {
      return mapWord(8 * (offset - CMDQV_CMDQ_ERR_MAP), vcmdqs, (vcmdq) =>
        this.#errors.vcmdqHasError(vcmdq),
      );
    }
    return this.registers.get(offset);
  }

  #readVintf(offset: number): number {
    const vintf = Math.floor((offset - CMDQV_VINTF) / CMDQV_VINTF_STRIDE);
    const register = (offset - CMDQV_VINTF) % CMDQV_VINTF_STRIDE;
    if (vintf >= this.numbers.vintfs) return 0;
    if (register === VINTF_STATUS) {
      const enabled = withBits(
        0,
        VINTF_STATUS_ENABLED,
        bitsOf(this.vintfConfig(vintf), VINTF_CONFIG_EN),
      );
      const health = withBits(
        enabled,
        VINTF_STATUS_STATUS,
        this.#vintfHasError(vintf) ? VINTF_VCMDQ_ERROR : 0,
      );
      return withBits(health, VINTF_STATUS_NUM_LVCMDQ, this.lvcmdqs);
    }
    if (register >= VINTF_LVCMDQ_ERR_MAP && register < VINTF_LVCMDQ_ERR_MAP + 16) {
      return mapWord(8 * (register - VINTF_LVCMDQ_ERR_MAP), this.lvcmdqs, (lvcmdq) =>
        this.#errors.lvcmdqHasError(vintf, lvcmdq),
      );
    }
    return this.registers.get(offset);
  }

  #vintfHasError(vintf: number): boolean {
    for (let lvcmdq = 0; lvcmdq < this.lvcmdqs; lvcmdq++)
      if (this.#errors.lvcmdqHasError(vintf, lvcmdq)) return true;
    return false;
  }

  /**
   * Name of the register at an offset of the whole region; undefined when there is none.
   */
  nameAt(offset: number): string | undefined {
    const at = vcmdqAddress(offset);
    if (at?.vintf === undefined) return this.registers.nameAt(offset);
    if (at.vintf >= this.numbers.vintfs || at.slot >= this.lvcmdqs) return undefined;
    const page1 = ['BASE', 'BASE[63:32]', 'CONS_INDX_BASE', 'CONS_INDX_BASE[63:32]'];
    const name = (at.page === 0 ? PAGE0_REGISTERS : page1)[at.register >>> 2];
    return name && `VINTF${at.vintf}_LVCMDQ${at.slot}_${name}`;
  }
}

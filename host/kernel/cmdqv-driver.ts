// SPDX-License-Identifier: MIT
// The host kernel's driver of the physical CMDQV: bring-up, and the VINTFs that it lends
// to machines. It works through the registers, in the order of Linux's tegra241-cmdqv.

import {
  CMDQ_ALLOC_ALLOCATED,
  CMDQ_ALLOC_LVCMDQ,
  CMDQ_ALLOC_VINTF,
  CMDQV_CMDQ_ALLOC,
  CMDQV_CONFIG,
  CMDQV_CONFIG_EN,
  CMDQV_LOGICAL_PAGE0,
  CMDQV_LOGICAL_STRIDE,
  CMDQV_MAX_VINTFS,
  CMDQV_PAGE_SIZE,
  CMDQV_PARAM,
  CMDQV_PARAM_NUM_SID_PER_VM_LOG2,
  CMDQV_PARAM_NUM_VCMDQ_LOG2,
  CMDQV_PARAM_NUM_VINTF_LOG2,
  CMDQV_STATUS,
  CMDQV_STATUS_ENABLED,
  CMDQV_VINTF,
  CMDQV_VINTF_ERR_MAP,
  CMDQV_VINTF_STRIDE,
  SID_MATCH_ENABLE,
  SID_MATCH_VIRT_SID,
  VCMDQ_BASE,
  VCMDQ_BASE_LOG2SIZE,
  VCMDQ_CONFIG,
  VCMDQ_CONFIG_EN,
  VCMDQ_CONS,
  VCMDQ_CONS_INDX_BASE,
  VCMDQ_GERROR,
  VCMDQ_GERROR_CMDQ_ERR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STATUS,
  VCMDQ_STATUS_ENABLED,
  VCMDQ_STRIDE,
  VINTF_CONFIG,
  VINTF_CONFIG_EN,
  VINTF_CONFIG_HYP_OWN,
  VINTF_CONFIG_VMID,
  VINTF_LVCMDQ_ERR_MAP,
  VINTF_SID_MATCH,
  VINTF_SID_REPLACE,
  VINTF_STATUS,
  VINTF_STATUS_ENABLED,
} from '../../assembly/layout/cmdqv-registers.ts';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers.ts';
import { bitsOf, type Field, maskInWord, withBits } from '../../devices/plugin/index.ts';
import { sync } from '../../devices/tables/index.ts';
import type { DeviceRegisters } from '../hardware/device-registers.ts';
import { HostError } from '../hardware/host-error.ts';
import type { HostRam } from '../hardware/host-ram.ts';
import { HostCommandQueue } from './host-command-queue.ts';
import { HostVintf } from './host-vintf.ts';
import { allocateRing } from './ring-memory.ts';

/** The host's own VINTF; the others are lent to machines. */
export const HOST_VINTF = 0;

/** An LVCMDQ whose error map bit was set. */
export interface QueueErrorNotice {
  readonly vintf: number;
  readonly lvcmdq: number;
}

export class CmdqvDriver {
  readonly vintfs: number;
  /** LVCMDQs of each VINTF. */
  readonly lvcmdqs: number;
  readonly sidPairs: number;
  readonly #registers: DeviceRegisters;
  readonly #ram: HostRam;
  readonly #commands: HostCommandQueue;
  /** log2 of the most entries that a VCMDQ may have (IDR1.CMDQS). */
  readonly #maxLog2size: number;
  readonly #lent = new Set<number>();
  #timeouts = 0;

  constructor(
    registers: DeviceRegisters,
    ram: HostRam,
    commands: HostCommandQueue,
    maxLog2size: number,
  ) {
    this.#registers = registers;
    this.#ram = ram;
    this.#commands = commands;
    this.#maxLog2size = maxLog2size;
    const param = registers.read32(CMDQV_PARAM);
    this.vintfs = 2 ** bitsOf(param, CMDQV_PARAM_NUM_VINTF_LOG2);
    this.lvcmdqs = 2 ** bitsOf(param, CMDQV_PARAM_NUM_VCMDQ_LOG2) / this.vintfs;
    this.sidPairs = 2 ** bitsOf(param, CMDQV_PARAM_NUM_SID_PER_VM_LOG2);
  }

  /**
   * tegra241_cmdqv_hw_reset: enable, static partition of the VCMDQs, the host's own VINTF
   * with HYP_OWN.
   * @param betweenPolls lets the devices work while a CMD_SYNC on a VCMDQ is pending.
   * @throws {HostError} when the CMDQV or the VINTF cannot be enabled.
   */
  boot(betweenPolls: () => void): HostVintf {
    const global = this.#registers.read32(CMDQV_CONFIG);
    this.#registers.write32(CMDQV_CONFIG, withBits(global, CMDQV_CONFIG_EN, 0));
    this.#registers.poll(
      CMDQV_STATUS,
      'disabling the CMDQV',
      (status) => bitsOf(status, CMDQV_STATUS_ENABLED) === 0,
    );
    this.#registers.write32(CMDQV_CONFIG, withBits(global, CMDQV_CONFIG_EN, 1));
    this.#registers.poll(
      CMDQV_STATUS,
      'enabling the CMDQV',
      (status) => bitsOf(status, CMDQV_STATUS_ENABLED) === 1,
    );
    for (let vintf = 0; vintf < this.vintfs; vintf++) {
      for (let lvcmdq = 0; lvcmdq < this.lvcmdqs; lvcmdq++)
        this.#setAllocated(vintf, lvcmdq, false);
    }
    this.resetVintf(HOST_VINTF);
    this.enableVintf(HOST_VINTF, 0, true);
    const config = this.#registers.read32(this.#vintf(HOST_VINTF, VINTF_CONFIG));
    return new HostVintf({
      hypOwn: bitsOf(config, VINTF_CONFIG_HYP_OWN) === 1,
      queues: Array.from({ length: this.lvcmdqs }, (_, lvcmdq) =>
        this.#startOwnQueue(lvcmdq, betweenPolls),
      ),
      free: (lvcmdq) => this.freeQueue(HOST_VINTF, lvcmdq),
    });
  }

  /**
   * Starts one of the host's own VCMDQs. Undefined when it cannot be enabled; the host
   * uses the CMDQ in its place.
   */
  #startOwnQueue(lvcmdq: number, betweenPolls: () => void): HostCommandQueue | undefined {
    const log2size = this.#maxLog2size;
    const ring = allocateRing(this.#ram, CMDQ_ENTRY_SIZE, log2size);
    this.allocateQueue(HOST_VINTF, lvcmdq, ring, log2size);
    try {
      this.#setQueueEnabled(HOST_VINTF, lvcmdq, true);
    } catch (error) {
      if (!(error instanceof HostError && error.code === 'timeout')) throw error;
      this.freeQueue(HOST_VINTF, lvcmdq);
      return undefined;
    }
    const at = (register: number) => this.#page0(HOST_VINTF, lvcmdq, register);
    return new HostCommandQueue({
      registers: {
        device: this.#registers,
        prod: at(VCMDQ_PROD),
        cons: at(VCMDQ_CONS),
        gerror: at(VCMDQ_GERROR),
        gerrorn: at(VCMDQ_GERRORN),
        error: maskInWord(VCMDQ_GERROR_CMDQ_ERR),
      },
      memory: this.#ram,
      ring,
      log2size,
      betweenPolls,
    });
  }

  /**
   * Lends the lowest free VINTF, enabled for the guest with this VMID.
   * @throws {HostError} when all are lent, or the VINTF cannot be enabled and is free
   *   again.
   */
  lend(vmid: number): number {
    for (let vintf = HOST_VINTF + 1; vintf < this.vintfs; vintf++) {
      if (this.#lent.has(vintf)) continue;
      this.#lent.add(vintf);
      try {
        this.resetVintf(vintf);
        this.enableVintf(vintf, vmid, false);
      } catch (error) {
        this.takeBack(vintf);
        throw error;
      }
      return vintf;
    }
    const lendable = this.vintfs - 1;
    const reason = lendable === 0 ? 'there is none to lend' : `all ${lendable} to lend are in use`;
    throw new HostError(
      'no-vintf',
      `vintfs is ${this.vintfs}, of which one is the host's own: ${reason} (2 to ${CMDQV_MAX_VINTFS})`,
    );
  }

  /** VINTFs that are lent. */
  get lentVintfs(): number {
    return this.#lent.size;
  }

  takeBack(vintf: number): void {
    this.resetVintf(vintf);
    this.#lent.delete(vintf);
  }

  #vintf(vintf: number, register: number): number {
    return CMDQV_VINTF + vintf * CMDQV_VINTF_STRIDE + register;
  }

  #page0(vintf: number, lvcmdq: number, register: number): number {
    return CMDQV_LOGICAL_PAGE0 + vintf * CMDQV_LOGICAL_STRIDE + lvcmdq * VCMDQ_STRIDE + register;
  }

  #page1(vintf: number, lvcmdq: number, register: number): number {
    return this.#page0(vintf, lvcmdq, register) + CMDQV_PAGE_SIZE;
  }

  /** Writes CMDQ_ALLOC of the VCMDQ that the static partition assigns to a slot. */
  #setAllocated(vintf: number, lvcmdq: number, allocated: boolean): void {
    let alloc = withBits(0, CMDQ_ALLOC_VINTF, vintf);
    alloc = withBits(alloc, CMDQ_ALLOC_LVCMDQ, lvcmdq);
    this.#registers.write32(
      CMDQV_CMDQ_ALLOC + 4 * (vintf * this.lvcmdqs + lvcmdq),
      withBits(alloc, CMDQ_ALLOC_ALLOCATED, allocated ? 1 : 0),
    );
  }

  #pollBit(offset: number, field: Field, wanted: number, what: string): void {
    this.#registers.poll(offset, what, (status) => bitsOf(status, field) === wanted);
  }

  #setQueueEnabled(vintf: number, lvcmdq: number, enabled: boolean): void {
    this.#registers.write32(
      this.#page0(vintf, lvcmdq, VCMDQ_CONFIG),
      enabled ? maskInWord(VCMDQ_CONFIG_EN) : 0,
    );
    const status = this.#page0(vintf, lvcmdq, VCMDQ_STATUS);
    const poll = () =>
      this.#pollBit(
        status,
        VCMDQ_STATUS_ENABLED,
        enabled ? 1 : 0,
        `VCMDQ ${lvcmdq} of VINTF ${vintf}`,
      );
    if (enabled) poll();
    else this.#ignoringTimeout(poll);
  }

  /**
   * A release continues when the hardware does not answer, as in Linux: otherwise its
   * objects could never be destroyed.
   */
  #ignoringTimeout(poll: () => void): void {
    try {
      poll();
    } catch (error) {
      if (!(error instanceof HostError && error.code === 'timeout')) throw error;
      this.#timeouts++;
    }
  }

  /** How often hardware did not confirm that it had stopped. */
  get timeouts(): number {
    return this.#timeouts;
  }

  /** Writes VINTF_CONFIG, then sets EN: VMID and HYP_OWN take effect before it. */
  enableVintf(vintf: number, vmid: number, hypOwn: boolean): void {
    let config = withBits(0, VINTF_CONFIG_VMID, vmid);
    config = withBits(config, VINTF_CONFIG_HYP_OWN, hypOwn ? 1 : 0);
    this.#registers.write32(this.#vintf(vintf, VINTF_CONFIG), config);
    this.#registers.write32(this.#vintf(vintf, VINTF_CONFIG), withBits(config, VINTF_CONFIG_EN, 1));
    this.#pollBit(
      this.#vintf(vintf, VINTF_STATUS),
      VINTF_STATUS_ENABLED,
      1,
      `enabling VINTF ${vintf}`,
    );
  }

  disableVintf(vintf: number): void {
    this.#registers.write32(this.#vintf(vintf, VINTF_CONFIG), 0);
    this.#ignoringTimeout(() =>
      this.#pollBit(
        this.#vintf(vintf, VINTF_STATUS),
        VINTF_STATUS_ENABLED,
        0,
        `disabling VINTF ${vintf}`,
      ),
    );
  }

  /**
   * Resets a VINTF: first its queues in descending order, then the VINTF, then its
   * StreamIDs.
   */
  resetVintf(vintf: number): void {
    for (let lvcmdq = this.lvcmdqs - 1; lvcmdq >= 0; lvcmdq--) this.freeQueue(vintf, lvcmdq);
    this.disableVintf(vintf);
    for (let pair = 0; pair < this.sidPairs; pair++) this.clearSidPair(vintf, pair);
  }

  /**
   * Makes ATC_INV on the VINTF accept one more StreamID of its guest. REPLACE is written
   * first, so that a pair that matches is complete.
   */
  setSidPair(vintf: number, pair: number, virtSid: number, physSid: number): void {
    this.#registers.write32(this.#vintf(vintf, VINTF_SID_REPLACE + 4 * pair), physSid);
    const match = withBits(withBits(0, SID_MATCH_VIRT_SID, virtSid), SID_MATCH_ENABLE, 1);
    this.#registers.write32(this.#vintf(vintf, VINTF_SID_MATCH + 4 * pair), match);
  }

  /** Removes a StreamID. MATCH is cleared first, so that no command finds half a pair. */
  clearSidPair(vintf: number, pair: number): void {
    this.#registers.write32(this.#vintf(vintf, VINTF_SID_MATCH + 4 * pair), 0);
    this.#registers.write32(this.#vintf(vintf, VINTF_SID_REPLACE + 4 * pair), 0);
  }

  /**
   * Allocates the VCMDQ of a slot; `basePa` is aligned to the ring's size. The queue's
   * user sets CONFIG.EN.
   */
  allocateQueue(vintf: number, lvcmdq: number, basePa: number, log2size: number): void {
    this.#setAllocated(vintf, lvcmdq, true);
    this.#deinitialise(vintf, lvcmdq);
    this.#registers.write64(
      this.#page1(vintf, lvcmdq, VCMDQ_BASE),
      basePa + withBits(0, VCMDQ_BASE_LOG2SIZE, log2size),
    );
  }

  freeQueue(vintf: number, lvcmdq: number): void {
    this.#deinitialise(vintf, lvcmdq);
    this.#setAllocated(vintf, lvcmdq, false);
  }

  /**
   * Stops a queue and clears its state: an ATC_INV without a CMD_SYNC would otherwise
   * fail the next owner's CMD_SYNC.
   */
  #deinitialise(vintf: number, lvcmdq: number): void {
    this.#setQueueEnabled(vintf, lvcmdq, false);
    this.#commands.issue(sync());
    this.#registers.write32(this.#page0(vintf, lvcmdq, VCMDQ_PROD), 0);
    this.#registers.write32(this.#page0(vintf, lvcmdq, VCMDQ_CONS), 0);
    this.#registers.write64(this.#page1(vintf, lvcmdq, VCMDQ_BASE), 0);
    this.#registers.write64(this.#page1(vintf, lvcmdq, VCMDQ_CONS_INDX_BASE), 0);
    this.#registers.write32(
      this.#page0(vintf, lvcmdq, VCMDQ_GERRORN),
      this.#registers.read32(this.#page0(vintf, lvcmdq, VCMDQ_GERROR)),
    );
  }

  /**
   * Handles the CMDQV interrupt: returns the queues with an error. The host acknowledges
   * its own (`HostVintf.handleErrors`); a machine acknowledges through its page 0.
   */
  errorNotices(): QueueErrorNotice[] {
    const notices: QueueErrorNotice[] = [];
    for (let half = 1; half >= 0; half--) {
      const map = this.#registers.read32(CMDQV_VINTF_ERR_MAP + 4 * half);
      for (let bit = 0; bit < 32; bit++) {
        if ((map >>> bit) & 1) this.#collect(32 * half + bit, notices);
      }
    }
    return notices;
  }

  #collect(vintf: number, notices: QueueErrorNotice[]): void {
    for (let lvcmdq = 0; lvcmdq < this.lvcmdqs; lvcmdq++) {
      const map = this.#registers.read32(
        this.#vintf(vintf, VINTF_LVCMDQ_ERR_MAP + 4 * (lvcmdq >>> 5)),
      );
      if ((map >>> (lvcmdq & 31)) & 1) notices.push({ vintf, lvcmdq });
    }
  }

  /** Whether the physical SMMU supports a ring of this size. */
  supportsLog2size(log2size: number): boolean {
    return log2size >= 1 && log2size <= this.#maxLog2size;
  }
}

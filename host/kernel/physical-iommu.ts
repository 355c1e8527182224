// SPDX-License-Identifier: MIT
// One physical SMMU of a host with its CMDQV: the devices, their drivers, and their
// driver in the host object model.

import { IDR1_CMDQS, SMMU_IDR1 } from '../../assembly/layout/smmu-registers.ts';
import { bitsOf } from '../../devices/plugin/index.ts';
import {
  PHYSICAL_ID_REGISTERS,
  type SmmuIdRegisters,
  withoutStalls,
} from '../../devices/smmuv3/index.ts';
import { tlbiNsnhAll } from '../../devices/tables/index.ts';
import { smmuBase } from '../../devices/unit/index.ts';
import {
  LINE_CMDQV,
  LINE_EVENTS,
  LINE_GERROR,
  LINE_PAGE_REQUESTS,
  Platform,
  type PlatformOptions,
} from '../hardware/platform.ts';
import { ArmIommu, type ArmIommuOptions } from './arm/index.ts';
import { CmdqvDriver, HOST_VINTF } from './cmdqv-driver.ts';
import type { HostRecordQueue } from './host-record-queue.ts';
import type { HostVintf } from './host-vintf.ts';
import { SmmuDriver } from './smmu-driver.ts';
import { StreamBlocks } from './stream-blocks.ts';

/** A PA is a window number above a 32-bit address in the window. */
const WINDOW_BITS = 32;
/**
 * Most records of a queue that one call handles: each goes through iommufd to the VM that
 * it names.
 */
const MOST_RECORDS = 16;

export type PhysicalIommuOptions = PlatformOptions &
  Pick<ArmIommuOptions, 'pinVmid' | 'linuxCompat' | 'gate'>;

/** The configuration of an SMMU with its CMDQV. */
export interface SmmuShape extends Pick<PlatformOptions, 'vintfs' | 'vcmdqs' | 'atcTimeout'> {
  readonly idRegisters: SmmuIdRegisters;
}

export class PhysicalIommu {
  readonly shape: SmmuShape;
  /** Byte offset of the SMMU block in host memory. */
  readonly block: number;
  /** Its driver in the host object model. */
  readonly model: ArmIommu;
  readonly vmidBits: 8 | 16;
  /** Its StreamIDs, in blocks for vIOMMUs. */
  readonly streamBlocks: StreamBlocks;
  readonly #platform: Platform;
  readonly #smmu: SmmuDriver;
  readonly #cmdqv: CmdqvDriver;
  readonly #vintf: HostVintf;

  /** Boots the SMMU, then the CMDQV. */
  constructor(options: PhysicalIommuOptions) {
    const { smmuIndex, ram, pinVmid, linuxCompat, gate, vintfs, vcmdqs, atcTimeout } = options;
    this.block = smmuBase(smmuIndex);
    const { idRegisters = PHYSICAL_ID_REGISTERS } = options;
    this.shape = { idRegisters, vintfs, vcmdqs, atcTimeout };
    // Guests on Linux do not stall: it accepts no RESUME from them.
    this.#platform = new Platform({
      ...options,
      idRegisters: linuxCompat ? withoutStalls(idRegisters) : idRegisters,
    });
    this.vmidBits = this.#platform.vmidBits;
    this.#smmu = new SmmuDriver(this.#platform.smmu, ram, () => this.poll());
    this.streamBlocks = new StreamBlocks(this.#smmu.sidBits);
    const maxLog2size = bitsOf(this.#platform.smmu.read32(SMMU_IDR1), IDR1_CMDQS);
    this.#cmdqv = new CmdqvDriver(this.#platform.cmdqv, ram, this.#smmu.commands, maxLog2size);
    this.#smmu.boot();
    this.#vintf = this.#cmdqv.boot(() => this.poll());
    this.#smmu.useVintf(this.#vintf);
    this.model = new ArmIommu({
      smmuIndex,
      smmu: this.#smmu,
      cmdqv: this.#cmdqv,
      ram,
      pinVmid,
      linuxCompat,
      gate,
    });
  }

  /**
   * Windows of the physical address map that its PAs reach, not counting the host's own.
   */
  get windows(): number {
    return 2 ** (this.#smmu.addressBits - WINDOW_BITS) - 1;
  }

  /**
   * VINTFs and VCMDQs that were reclaimed although they did not confirm that they had
   * stopped.
   */
  get cmdqvTimeouts(): number {
    return this.#cmdqv.timeouts;
  }

  /** VINTFs that are lent. */
  get vintfsInUse(): number {
    return this.#cmdqv.lentVintfs;
  }

  /** Runs the background work of the devices. */
  poll(): void {
    this.#platform.background.poll();
  }

  /** Drops every translation of every VM. */
  invalidateAll(): void {
    this.#smmu.issue([tlbiNsnhAll()]);
  }

  /**
   * Handles the interrupts of the devices, and a limited number of records of each queue;
   * `left` is true when the next call has more to handle. `stray` counts event records
   * whose stream belongs to no VM: a record only goes to the VM that it names.
   */
  takeInterrupts(): { readonly stray: number; readonly left: boolean } {
    this.#platform.checkQueueErrors();
    const { interrupts } = this.#platform;
    let stray = 0;
    if (interrupts.take(LINE_GERROR)) this.#smmu.handleGlobalErrors();
    const events = this.#drain(LINE_EVENTS, this.#smmu.events, (record) => {
      if (!this.model.routeEvent(record)) stray++;
    });
    const { pageRequests } = this.#smmu;
    const overflows = pageRequests?.overflows;
    const requests = this.#drain(LINE_PAGE_REQUESTS, pageRequests, (entry) =>
      this.model.routePageRequest(entry),
    );
    if (pageRequests?.overflows !== overflows) this.model.discardPageRequests();
    if (interrupts.take(LINE_CMDQV)) this.#handleQueueErrors();
    return { stray, left: events || requests };
  }

  /**
   * Handles the CMDQV's interrupt: restarts the host's own queues and reports errors of
   * other queues to their guests.
   */
  #handleQueueErrors(): void {
    const notices = this.#cmdqv.errorNotices();
    const own = notices.filter(({ vintf }) => vintf === HOST_VINTF);
    this.#vintf.handleErrors(own.map(({ lvcmdq }) => lvcmdq));
    this.model.routeQueueErrors(notices);
  }

  /**
   * Handles a queue's interrupt, which stays latched while records are left.
   * @returns whether records are left.
   */
  #drain(
    line: number,
    queue: HostRecordQueue | undefined,
    take: (record: Uint32Array) => void,
  ): boolean {
    const { interrupts } = this.#platform;
    const left = interrupts.take(line) && (queue?.drain(MOST_RECORDS, take) ?? false);
    if (left) interrupts.line(line).pulse();
    return left;
  }
}

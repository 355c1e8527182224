// SPDX-License-Identifier: MIT
// A physical AMD IOMMU as a driver of the host object model: its device table, command
// buffer and logs in host RAM, driven through its registers as in Linux
// (drivers/iommu/amd), and the resources that it lends to a VM.

import {
  AMD_COMMAND_BASE,
  AMD_COMMAND_TAIL,
  AMD_CONTROL,
  AMD_CONTROL_CMD_BUF_EN,
  AMD_CONTROL_EVENT_INT_EN,
  AMD_CONTROL_EVENT_LOG_EN,
  AMD_CONTROL_IOMMU_EN,
  AMD_CONTROL_PPR_EN,
  AMD_CONTROL_PPR_INT_EN,
  AMD_CONTROL_PPR_LOG_EN,
  AMD_DEVICE_TABLE_BASE,
  AMD_DTE_SIZE,
  AMD_EFR,
  AMD_ENTRY_SIZE,
  AMD_EVENT_BASE,
  AMD_EVENT_HEAD,
  AMD_EVENT_TAIL,
  AMD_GUESTS,
  AMD_MIN_LENGTH,
  AMD_PPR_BASE,
  AMD_PPR_DEVICE,
  AMD_PPR_GN,
  AMD_PPR_GROUP,
  AMD_PPR_HEAD,
  AMD_PPR_PASID_HI,
  AMD_PPR_PASID_LO,
  AMD_PPR_TAIL,
  AMD_RESPONSE_INVALID,
  AMD_STATUS,
  AMD_STATUS_EVENT_OVERFLOW,
  AMD_STATUS_PPR_OVERFLOW,
} from '../../../assembly/layout/amd-formats.ts';
import {
  type AmdGuestBlock,
  type AmdUnit,
  blockedDte,
  completePageRequest,
  completionWait,
  invalidateDevtabEntry,
  invalidatePages,
  PhysicalAmdIommu,
} from '../../../devices/amd-iommu/index.ts';
import { attachDevices, BackgroundLoops, Bus, type Clock } from '../../../devices/bus/index.ts';
import { bitsOf, fieldOf, maskInWord } from '../../../devices/plugin/index.ts';
import { storeStructure } from '../../../devices/tables/index.ts';
import { smmuBase } from '../../../devices/unit/index.ts';
import { DeviceRegisters } from '../../hardware/device-registers.ts';
import { HostError } from '../../hardware/host-error.ts';
import type { HostRam } from '../../hardware/host-ram.ts';
import { InterruptLatch } from '../../hardware/interrupt-latch.ts';
import {
  HW_INFO_TYPE_AMD,
  HW_INFO_TYPE_DEFAULT,
  type HwInfo,
  type IommuDevice,
  type PagingDomain,
  type PagingRequest,
  type ViommuDriver,
  type ViommuRequest,
} from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import { IdAllocator } from '../id-allocator.ts';
import { type AmdHardware, amdDevice } from './amd-device.ts';
import { AmdStage2 } from './amd-stage2.ts';
import { AmdViommu, VIOMMU_TYPE_AMD } from './amd-viommu.ts';

/** PA of the registers, of VFCTRL, and of the VF pages. */
const PA = 0x10000000;
const VFCTRL_PA = 0x10010000;
const VF_PA = 0x10020000;
/** DeviceIDs of the device table, in 32 pages. */
const DEVICES = 0x1000;
const DOMAINS = 0x10000;
/** Entries of the host's own command buffer and logs. */
const ENTRIES = 2 ** AMD_MIN_LENGTH;
const LENGTH_CODE = AMD_MIN_LENGTH << 24;
/** Most commands before a COMPLETION_WAIT. */
const BATCH = 64;
/**
 * Number of reads before a COMPLETION_WAIT times out: the model has stored its data when
 * the write of the tail returns, unless an access is in flight.
 */
const LOOKS = 100_000;

export interface AmdIommuOptions {
  /** The host's own unit. */
  readonly unit: AmdUnit;
  readonly ram: HostRam;
  readonly clock: Clock;
  /** The unit of a window's VM. */
  unitOf(window: number): AmdUnit | undefined;
}

export class AmdIommu implements AmdHardware {
  readonly name = 'amd-iommu0';
  readonly ram: HostRam;
  readonly vfctrl: DeviceRegisters;
  readonly domains = new IdAllocator(
    1,
    DOMAINS,
    'no-context',
    `DomainIDs are exhausted: ${DOMAINS - 1}`,
  );
  readonly guestIds = new IdAllocator(
    1,
    AMD_GUESTS,
    'no-context',
    `GuestIDs are exhausted: ${AMD_GUESTS - 1}`,
  );
  readonly devices = new IdAllocator(
    1,
    DEVICES,
    'no-context',
    `DeviceIDs are exhausted: ${DEVICES - 1}`,
  );
  /** By GuestID. */
  readonly viommus = new Map<number, AmdViommu>();
  readonly #unit: AmdUnit;
  readonly #registers: DeviceRegisters;
  readonly #physical: PhysicalAmdIommu;
  readonly #background = new BackgroundLoops();
  readonly #interrupts = new InterruptLatch();
  readonly #deviceTable: number;
  readonly #commands: number;
  readonly #events: number;
  readonly #pageRequests: number;
  /**
   * The address to which COMPLETION_WAIT stores, and the number of waits, which is its
   * data.
   */
  readonly #semaphore: number;
  #waits = 0;
  #tail = 0;

  /** Boots the IOMMU: every device is blocked. */
  constructor({ unit, ram, clock, unitOf }: AmdIommuOptions) {
    this.ram = ram;
    this.#unit = unit;
    this.#physical = new PhysicalAmdIommu({ unit, unitOf });
    attachDevices([{ device: this.#physical, addresses: [PA, VFCTRL_PA, VF_PA], firstIrq: 0 }], {
      memory: ram.physical,
      interrupts: this.#interrupts,
      directMaps: undefined,
      background: this.#background,
      clock,
    });
    const bus = new Bus(
      [PA, VFCTRL_PA, VF_PA].map((address, region) => ({
        device: this.#physical,
        region,
        address,
      })),
    );
    this.#registers = new DeviceRegisters(bus, PA, 'AMD IOMMU');
    this.vfctrl = new DeviceRegisters(bus, VFCTRL_PA, 'VFCTRL');
    this.#deviceTable = ram.allocate(DEVICES * AMD_DTE_SIZE, 4096);
    this.#commands = ram.allocate(ENTRIES * AMD_ENTRY_SIZE, 4096);
    this.#events = ram.allocate(ENTRIES * AMD_ENTRY_SIZE, 4096);
    this.#pageRequests = ram.allocate(ENTRIES * AMD_ENTRY_SIZE, 4096);
    this.#semaphore = ram.allocate(8, 8);
    for (let device = 0; device < DEVICES; device++) this.#storeDte(device, blockedDte());
    this.#registers.write64(
      AMD_DEVICE_TABLE_BASE,
      this.#deviceTable + (DEVICES * AMD_DTE_SIZE) / 4096 - 1,
    );
    this.#registers.write64(AMD_COMMAND_BASE, this.#commands, LENGTH_CODE);
    this.#registers.write64(AMD_EVENT_BASE, this.#events, LENGTH_CODE);
    this.#registers.write64(AMD_PPR_BASE, this.#pageRequests, LENGTH_CODE);
    const enables = [
      AMD_CONTROL_CMD_BUF_EN,
      AMD_CONTROL_EVENT_LOG_EN,
      AMD_CONTROL_EVENT_INT_EN,
      AMD_CONTROL_PPR_EN,
      AMD_CONTROL_PPR_INT_EN,
      AMD_CONTROL_PPR_LOG_EN,
      AMD_CONTROL_IOMMU_EN,
    ];
    this.#registers.write64(
      AMD_CONTROL,
      enables.reduce((control, field) => control | maskInWord(field), 0),
    );
  }

  /** The state of a GuestID in host memory. */
  guest(guest: number): AmdGuestBlock {
    const block = this.#physical.guests[guest];
    if (!block) throw new RangeError(`there is no GuestID ${guest}`);
    return block;
  }

  /** A register of a guest's VF page, by its offset there. */
  vfPage(guest: number) {
    const page = guest * 0x1000 + (VF_PA - VFCTRL_PA);
    return {
      read32: (offset: number) => this.vfctrl.read32(page + offset),
      write32: (offset: number, value: number) => this.vfctrl.write32(page + offset, value),
    };
  }

  #storeDte(device: number, dte: Uint32Array): void {
    storeStructure(this.ram, this.#deviceTable + device * AMD_DTE_SIZE, dte);
  }

  /**
   * Replaces a device's entry. No access under the old entry is in progress when this
   * returns.
   */
  installDte(device: number, dte: Uint32Array): void {
    this.#storeDte(device, dte);
    this.issue(invalidateDevtabEntry(device));
  }

  /** Drops every translation of domains. */
  invalidateDomains(domains: readonly number[]): void {
    for (let i = 0; i < domains.length; i += BATCH)
      this.issue(...domains.slice(i, i + BATCH).map((domain) => invalidatePages(domain)));
  }

  /**
   * Issues commands and waits until they are complete.
   * @throws {HostError} `timeout` when they do not complete.
   */
  issue(...commands: readonly Uint32Array[]): void {
    this.#waits++;
    for (const command of [
      ...commands,
      completionWait({ address: this.#semaphore, data: this.#waits }),
    ]) {
      storeStructure(this.ram, this.#commands + this.#tail * AMD_ENTRY_SIZE, command);
      this.#tail = (this.#tail + 1) % ENTRIES;
    }
    this.#registers.write32(AMD_COMMAND_TAIL, this.#tail * AMD_ENTRY_SIZE);
    for (let look = 0; look < LOOKS; look++) {
      if (this.ram.load64(this.#semaphore) === BigInt(this.#waits)) return;
      this.#unit.drain.serveParked(smmuBase(0));
    }
    throw new HostError('timeout', `${this.name}: COMPLETION_WAIT timed out`);
  }

  /**
   * Handles the IOMMU's interrupt: consumes the records of the host's event log, and
   * refuses the page requests of its PPR log. Returns the number of records, which belong
   * to no guest.
   */
  takeEvents(): number {
    this.#background.poll();
    if (!this.#interrupts.take(0)) return 0;
    // The order matters: a record that is logged after the tail was read interrupts
    // again.
    const status = this.#registers.read32(AMD_STATUS);
    this.#registers.write32(AMD_STATUS, status);
    const head = this.#registers.read32(AMD_EVENT_HEAD);
    const tail = this.#registers.read32(AMD_EVENT_TAIL);
    this.#registers.write32(AMD_EVENT_HEAD, tail);
    this.#refusePageRequests();
    if (bitsOf(status, AMD_STATUS_EVENT_OVERFLOW))
      this.#restartLog(AMD_CONTROL_EVENT_LOG_EN, AMD_STATUS_EVENT_OVERFLOW);
    if (bitsOf(status, AMD_STATUS_PPR_OVERFLOW))
      this.#restartLog(AMD_CONTROL_PPR_LOG_EN, AMD_STATUS_PPR_OVERFLOW);
    return ((tail - head) / AMD_ENTRY_SIZE + ENTRIES) % ENTRIES;
  }

  /**
   * Refuses page requests of the host's own devices: none of its HWPTs has a fault queue.
   */
  #refusePageRequests(): void {
    const tail = this.#registers.read32(AMD_PPR_TAIL);
    let head = this.#registers.read32(AMD_PPR_HEAD);
    while (head !== tail) {
      const entry = this.ram.load64(this.#pageRequests + head);
      const words = [Number(entry & 0xffffffffn), Number(entry >> 32n)];
      const pasid = fieldOf(words, AMD_PPR_PASID_LO) | (fieldOf(words, AMD_PPR_PASID_HI) << 16);
      head = (head + AMD_ENTRY_SIZE) % (ENTRIES * AMD_ENTRY_SIZE);
      this.#registers.write32(AMD_PPR_HEAD, head);
      this.issue(
        completePageRequest(
          fieldOf(words, AMD_PPR_DEVICE),
          fieldOf(words, AMD_PPR_GROUP),
          AMD_RESPONSE_INVALID,
          fieldOf(words, AMD_PPR_GN) ? pasid : undefined,
        ),
      );
    }
  }

  /**
   * Restarts a log after an overflow: it has to be disabled and enabled again
   * (amd_iommu_restart_log).
   */
  #restartLog(enable: number, overflow: number): void {
    const control = this.#registers.read32(AMD_CONTROL);
    this.#registers.write32(AMD_CONTROL, control & ~maskInWord(enable));
    this.#registers.write32(AMD_STATUS, maskInWord(overflow));
    this.#registers.write32(AMD_CONTROL, control);
  }

  hwInfo(_device: IommuDevice, type: number): HwInfo {
    require(type === HW_INFO_TYPE_DEFAULT ||
      type === HW_INFO_TYPE_AMD, 'EOPNOTSUPP', `there is no information of type ${type}`);
    // struct iommu_hw_info_amd: u64 efr, u64 efr2.
    const words = new DataView(new ArrayBuffer(16));
    words.setUint32(0, this.#registers.read32(AMD_EFR), true);
    words.setUint32(4, this.#registers.read32(AMD_EFR + 4), true);
    return { type: HW_INFO_TYPE_AMD, bytes: new Uint8Array(words.buffer) };
  }

  block(device: IommuDevice): void {
    this.installDte(amdDevice(device).deviceId, blockedDte());
  }

  allocPaging({ nestParent, dirtyTracking, data, faults }: PagingRequest): PagingDomain {
    require(data === undefined, 'EOPNOTSUPP', 'a paging HWPT takes no driver data');
    require(!dirtyTracking &&
      !(
        nestParent && faults
      ), 'EOPNOTSUPP', "dirty tracking is not supported, nor are faults of the host's tables");
    return new AmdStage2(this, nestParent);
  }

  checkViommuType(_device: IommuDevice, type: number): void {
    require(type === VIOMMU_TYPE_AMD, 'EOPNOTSUPP', `${this.name} has no vIOMMUs of type ${type}`);
  }

  allocViommu(request: ViommuRequest): ViommuDriver {
    const { parent } = request;
    require(parent instanceof AmdStage2 &&
      parent.iommu === this, 'EINVAL', 'the stage 2 belongs to another IOMMU');
    const viommu = new AmdViommu(this, parent, request);
    this.viommus.set(viommu.guestId, viommu);
    return viommu;
  }
}

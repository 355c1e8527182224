// SPDX-License-Identifier: MIT
// A VM's share of an AMD IOMMU (IOMMU_VIOMMU_TYPE_AMD): a GuestID with its VF page,
// command buffer and logs, the tables that translate its DeviceIDs and DomainIDs, and
// nested HWPTs built from its device table entries.

import {
  AMD_CONTROL_CMD_BUF_EN,
  AMD_CONTROL_COM_WAIT_INT_EN,
  AMD_CONTROL_EVENT_INT_EN,
  AMD_CONTROL_EVENT_LOG_EN,
  AMD_CONTROL_PPR_EN,
  AMD_CONTROL_PPR_INT_EN,
  AMD_CONTROL_PPR_LOG_EN,
  AMD_DTE_DOMAIN,
  AMD_DTE_GCR3_A,
  AMD_DTE_GCR3_B,
  AMD_DTE_GCR3_C,
  AMD_DTE_GIOV,
  AMD_DTE_GLX,
  AMD_DTE_GUEST_DEVICE,
  AMD_DTE_GUEST_ID,
  AMD_DTE_GUEST_PAGING,
  AMD_DTE_GV,
  AMD_DTE_MODE,
  AMD_DTE_PPR,
  AMD_DTE_ROOT_HI,
  AMD_DTE_ROOT_LO,
  AMD_DTE_SIZE,
  AMD_DTE_TV,
  AMD_DTE_V,
  AMD_DTE_VIOMMU,
  AMD_ENTRY_SIZE,
  AMD_ID_TABLES_SIZE,
  AMD_MAP_GUEST_ID,
  AMD_MAP_HOST_ID,
  AMD_MAP_VALID,
  AMD_MAP_WRITE,
  AMD_MAX_LENGTH,
  AMD_MIN_LENGTH,
  AMD_MISC_DEVICE,
  AMD_VF_PAGE_SIZE,
  AMD_VFCTRL_COMMAND,
  AMD_VFCTRL_DEVICE_MAP,
  AMD_VFCTRL_DOMAIN_MAP,
  AMD_VFCTRL_ENABLE,
  AMD_VFCTRL_EVENT,
  AMD_VFCTRL_INT_ENABLE,
  AMD_VFCTRL_MISC,
  AMD_VFCTRL_PPR,
  AMD_VFCTRL_STRIDE,
  AMD_VFCTRL_TABLES,
} from '../../../assembly/layout/amd-formats.ts';
import { blockedDte } from '../../../devices/amd-iommu/index.ts';
import { bitsOf, fieldOf, maskInWord, setField, withBits } from '../../../devices/plugin/index.ts';
import type {
  DirectPage,
  HwQueueDriver,
  HwQueueRequest,
  IommuDevice,
  NestedDomain,
  NestedRequest,
  VdeviceDriver,
  ViommuDriver,
  ViommuRequest,
} from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import { Vm } from '../vm.ts';
import { type AmdHardware, amdDevice } from './amd-device.ts';
import type { AmdStage2 } from './amd-stage2.ts';

/** IOMMU_HWPT_DATA_AMD_GUEST. */
export const HWPT_DATA_AMD_GUEST = 3;
/** Numbers of this model: Linux has not merged these types. */
export const VIOMMU_TYPE_AMD = 3;
export const HW_QUEUE_TYPE_AMD_CMD = 2;
export const HW_QUEUE_TYPE_AMD_EVT = 3;
export const HW_QUEUE_TYPE_AMD_PPR = 4;

/**
 * Fields that a nested HWPT copies from a guest's entry (set_dte_nested in
 * drivers/iommu/amd/nested.c).
 */
const GUEST_FIELDS = [
  AMD_DTE_PPR,
  AMD_DTE_GIOV,
  AMD_DTE_GV,
  AMD_DTE_GCR3_A,
  AMD_DTE_GCR3_B,
  AMD_DTE_GCR3_C,
] as const;
/**
 * Fields of a guest's entry that must be 0 on this IOMMU: host tables, more than one
 * level of GCR3 table, five levels of guest tables.
 */
const ZERO_FIELDS = [
  AMD_DTE_MODE,
  AMD_DTE_ROOT_LO,
  AMD_DTE_ROOT_HI,
  AMD_DTE_GLX,
  AMD_DTE_GUEST_PAGING,
] as const;

const QUEUES: ReadonlyMap<number, number> = new Map([
  [HW_QUEUE_TYPE_AMD_CMD, AMD_VFCTRL_COMMAND],
  [HW_QUEUE_TYPE_AMD_EVT, AMD_VFCTRL_EVENT],
  [HW_QUEUE_TYPE_AMD_PPR, AMD_VFCTRL_PPR],
]);

export class AmdViommu implements ViommuDriver {
  readonly iommu: AmdHardware;
  readonly stage2: AmdStage2;
  readonly guestId: number;
  readonly directPage: DirectPage;
  /**
   * A DeviceID without a device. Its entry translates the addresses that the guest's
   * COMPLETION_WAIT stores to.
   */
  readonly #translateDevice: number;
  readonly #tables: number;
  /** Host DomainIDs by the guest's, with the number of nested HWPTs that use each. */
  readonly #domains = new Map<number, { readonly host: number; users: number }>();
  readonly #queues = new Map<number, HwQueueDriver>();

  constructor(iommu: AmdHardware, stage2: AmdStage2, { vm, data }: ViommuRequest) {
    require(!data?.length, 'EOPNOTSUPP', 'this type takes no driver data');
    require(vm instanceof Vm, 'EINVAL', 'a vIOMMU of an AMD IOMMU needs its VM');
    this.iommu = iommu;
    this.stage2 = stage2;
    this.guestId = iommu.guestIds.allocate();
    try {
      this.#tables = iommu.ram.allocate(AMD_ID_TABLES_SIZE, 4096);
    } catch (error) {
      iommu.guestIds.free(this.guestId);
      throw error;
    }
    this.#translateDevice = iommu.devices.allocate();
    iommu.installDte(this.#translateDevice, stage2.dte(stage2.domain));
    this.#write(AMD_VFCTRL_TABLES, this.#tables);
    this.#write(AMD_VFCTRL_MISC, withBits(0, AMD_MISC_DEVICE, this.#translateDevice));
    this.directPage = {
      length: AMD_VF_PAGE_SIZE,
      ...iommu.vfPage(this.guestId),
      placeInGuest: (memoryOffset) => iommu.guest(this.guestId).place(vm.memory, memoryOffset),
      takeFromGuest: () => iommu.guest(this.guestId).place(vm.memory, 0),
    };
  }

  /** Its GuestID. */
  answer(): Uint8Array {
    return Uint8Array.of(this.guestId, 0, 0, 0);
  }

  #register(register: number): number {
    return this.guestId * AMD_VFCTRL_STRIDE + register;
  }

  #write(register: number, value: number): void {
    this.iommu.vfctrl.write64(this.#register(register), value);
  }

  #map(register: number, guestId: number, hostId: number | undefined): void {
    const hi = withBits(withBits(0, AMD_MAP_GUEST_ID, guestId), AMD_MAP_WRITE, 1);
    const lo =
      hostId === undefined ? 0 : withBits(withBits(0, AMD_MAP_HOST_ID, hostId), AMD_MAP_VALID, 1);
    this.iommu.vfctrl.write64(this.#register(register), lo, hi);
  }

  /** Host DomainIDs by the guest's. */
  get domainIds(): ReadonlyMap<number, number> {
    return new Map([...this.#domains].map(([guest, { host }]) => [guest, host]));
  }

  /**
   * Marks an entry as belonging to a device of the guest: events and commands are routed
   * to the guest, under its name for the device.
   */
  owned(dte: Uint32Array, virtId: number): Uint32Array {
    setField(dte, AMD_DTE_VIOMMU, 1);
    setField(dte, AMD_DTE_GUEST_ID, this.guestId);
    setField(dte, AMD_DTE_GUEST_DEVICE, virtId);
    return dte;
  }

  allocVdevice(device: IommuDevice, virtId: bigint): VdeviceDriver {
    const amd = amdDevice(device);
    require(virtId < 0x10000n, 'EINVAL', `no guest has a DeviceID ${virtId}`);
    amd.vdevice = { viommu: this, virtId: Number(virtId) };
    this.#map(AMD_VFCTRL_DEVICE_MAP, Number(virtId), amd.deviceId);
    return {
      destroy: () => {
        this.#map(AMD_VFCTRL_DEVICE_MAP, Number(virtId), undefined);
        amd.vdevice = undefined;
      },
    };
  }

  /**
   * Acquires the host DomainID for one of the guest's. Each has its own: two domains of
   * the guest with equal PASIDs must not share IOTLB entries.
   */
  #acquireDomain(guestDomain: number): number {
    const known = this.#domains.get(guestDomain);
    if (known) {
      known.users++;
      return known.host;
    }
    const host = this.iommu.domains.allocate();
    this.#domains.set(guestDomain, { host, users: 1 });
    this.stage2.domains.add(host);
    this.#map(AMD_VFCTRL_DOMAIN_MAP, guestDomain, host);
    return host;
  }

  #releaseDomain(guestDomain: number): void {
    const domain = this.#domains.get(guestDomain);
    if (!domain || --domain.users > 0) return;
    this.#map(AMD_VFCTRL_DOMAIN_MAP, guestDomain, undefined);
    this.iommu.invalidateDomains([domain.host]);
    this.#domains.delete(guestDomain);
    this.stage2.domains.delete(domain.host);
    this.iommu.domains.free(domain.host);
  }

  /**
   * @throws {IommufdError} EINVAL when the guest's entry asks for something that a guest
   *   may not have.
   */
  allocNested({ data, flags }: NestedRequest): NestedDomain {
    require(flags === 0, 'EOPNOTSUPP', 'unknown flags');
    require(data.type === HWPT_DATA_AMD_GUEST &&
      data.bytes.length === AMD_DTE_SIZE, 'EINVAL', 'not the data of an AMD HWPT');
    const view = new DataView(data.bytes.buffer, data.bytes.byteOffset, AMD_DTE_SIZE);
    const guest = Uint32Array.from({ length: AMD_DTE_SIZE / 4 }, (_, word) =>
      view.getUint32(4 * word, true),
    );
    require(ZERO_FIELDS.every(
      (field) => fieldOf(guest, field) === 0,
    ), 'EINVAL', 'the entry asks for something that a guest may not have');
    const guestDomain = fieldOf(guest, AMD_DTE_DOMAIN);
    const host = this.#acquireDomain(guestDomain);
    return {
      attach: (device) => {
        const { iommu, deviceId, vdevice } = amdDevice(device);
        require(iommu === this.iommu, 'EINVAL', `${device.name} is behind another IOMMU`);
        require(vdevice?.viommu ===
          this, 'ENOENT', `${device.name} is not a vDEVICE of the vIOMMU`);
        iommu.installDte(deviceId, this.owned(this.#nestedDte(guest, host), vdevice.virtId));
      },
      destroy: () => this.#releaseDomain(guestDomain),
    };
  }

  /**
   * The host's device table entry for a guest's: V = 0 passes gpas through; TV = 0, or no
   * guest tables, blocks everything.
   */
  #nestedDte(guest: Uint32Array, host: number): Uint32Array {
    if (fieldOf(guest, AMD_DTE_V) === 0) return this.stage2.dte(host);
    if (fieldOf(guest, AMD_DTE_TV) === 0 || fieldOf(guest, AMD_DTE_GV) === 0) return blockedDte();
    const dte = this.stage2.dte(host);
    for (const field of GUEST_FIELDS) setField(dte, field, fieldOf(guest, field));
    return dte;
  }

  readonly hwQueues = {
    checkType: (type: number) =>
      require(QUEUES.has(type), 'EOPNOTSUPP', `there are no HW queues of type ${type}`),
    allocate: (request: HwQueueRequest) => this.#allocateQueue(request),
  };

  #allocateQueue({ type, index, basePa, length }: HwQueueRequest): HwQueueDriver {
    const register = QUEUES.get(type) ?? 0;
    require(index === 0, 'EINVAL', 'a guest has one command buffer and one log of each kind');
    require(!this.#queues.has(type), 'EEXIST', 'the guest has this buffer already');
    const log2size = Math.log2(length / AMD_ENTRY_SIZE);
    const sized =
      Number.isInteger(log2size) && log2size >= AMD_MIN_LENGTH && log2size <= AMD_MAX_LENGTH;
    require(sized &&
      basePa % 4096 === 0, 'EINVAL', `no buffer has ${length} bytes at 0x${basePa.toString(16)}`);
    this.#write(register, basePa + log2size);
    const queue: HwQueueDriver = {
      dependsOn: undefined,
      destroy: () => {
        this.#write(register, 0);
        this.#queues.delete(type);
      },
    };
    this.#queues.set(type, queue);
    return queue;
  }

  /**
   * Applies the enables of the guest's control register (VIOMMU's option, in Linux's
   * patches). They have no effect on a buffer that does not exist.
   */
  setControl(control: number): void {
    // A VF has no separate enable for processing page requests: the log's enable includes
    // it.
    const requests = [AMD_CONTROL_PPR_LOG_EN, AMD_CONTROL_PPR_EN];
    const enables = [
      [HW_QUEUE_TYPE_AMD_CMD, [AMD_CONTROL_CMD_BUF_EN], AMD_CONTROL_COM_WAIT_INT_EN],
      [HW_QUEUE_TYPE_AMD_EVT, [AMD_CONTROL_EVENT_LOG_EN], AMD_CONTROL_EVENT_INT_EN],
      [HW_QUEUE_TYPE_AMD_PPR, requests, AMD_CONTROL_PPR_INT_EN],
    ] as const;
    for (const [type, enable, interrupt] of enables) {
      const at = this.#register(QUEUES.get(type) ?? 0);
      const isEnabled = this.#queues.has(type) && enable.every((one) => bitsOf(control, one) === 1);
      const was =
        this.iommu.vfctrl.read32(at) &
        ~(maskInWord(AMD_VFCTRL_ENABLE) | maskInWord(AMD_VFCTRL_INT_ENABLE));
      const now = withBits(
        withBits(was, AMD_VFCTRL_ENABLE, isEnabled ? 1 : 0),
        AMD_VFCTRL_INT_ENABLE,
        bitsOf(control, interrupt),
      );
      this.iommu.vfctrl.write32(at, now);
    }
  }

  destroy(): void {
    const { iommu } = this;
    iommu.guest(this.guestId).reset();
    for (const register of [
      AMD_VFCTRL_COMMAND,
      AMD_VFCTRL_EVENT,
      AMD_VFCTRL_PPR,
      AMD_VFCTRL_MISC,
      AMD_VFCTRL_TABLES,
    ])
      this.#write(register, 0);
    iommu.installDte(this.#translateDevice, blockedDte());
    iommu.devices.free(this.#translateDevice);
    iommu.viommus.delete(this.guestId);
    iommu.guestIds.free(this.guestId);
    iommu.ram.free(this.#tables, AMD_ID_TABLES_SIZE);
  }
}

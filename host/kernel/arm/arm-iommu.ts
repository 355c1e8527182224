// SPDX-License-Identifier: MIT
// A physical SMMUv3, with its CMDQV if it has one, as a driver of the host object model.

import {
  PRI_RESP_FAILURE,
  PRI_RESP_INVALID,
  PRI_RESP_SUCCESS,
} from '../../../assembly/layout/commands.ts';
import { MAX_VIOMMUS } from '../../../assembly/layout/context-memory.ts';
import { EVT_SID } from '../../../assembly/layout/events.ts';
import {
  PPR_ADDR_HI,
  PPR_ADDR_LO,
  PPR_EXEC,
  PPR_INDEX,
  PPR_LAST,
  PPR_PRIV,
  PPR_READ,
  PPR_SID,
  PPR_SSID,
  PPR_SSV,
  PPR_WRITE,
} from '../../../assembly/layout/page-requests.ts';
import {
  IDR0_BTM,
  IDR0_COHACC,
  IDR0_S1P,
  IDR0_S2P,
  IDR3_FWB,
} from '../../../assembly/layout/smmu-registers.ts';
import { bitsOf, fieldOf } from '../../../devices/plugin/index.ts';
import { abortSte, priResp } from '../../../devices/tables/index.ts';
import { HostError } from '../../hardware/host-error.ts';
import type { HostRam } from '../../hardware/host-ram.ts';
import {
  HW_INFO_TYPE_ARM_SMMUV3,
  HW_INFO_TYPE_DEFAULT,
  HW_INFO_TYPE_TEGRA241_CMDQV,
  type HwInfo,
  type IommuDevice,
  IommufdError,
  OPEN_GATE,
  PAGE_SIZE,
  type PageFault,
  type PagingDomain,
  type PagingRequest,
  PGFAULT_EXEC,
  PGFAULT_LAST_PAGE,
  PGFAULT_PASID_VALID,
  PGFAULT_PRIV,
  PGFAULT_READ,
  PGFAULT_WRITE,
  type ResourceGate,
  VIOMMU_FLAG_BTM,
  VIOMMU_TYPE_ARM_SMMUV3,
  VIOMMU_TYPE_TEGRA241_CMDQV,
  type ViommuDriver,
  type ViommuRequest,
} from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import type { CmdqvDriver, QueueErrorNotice } from '../cmdqv-driver.ts';
import type { SmmuDriver } from '../smmu-driver.ts';
import { Vm } from '../vm.ts';
import type { PinnedVmid } from '../vmid-allocator.ts';
import { ArmDevice, type ArmDeviceOptions, type ArmSmmu, armDevice } from './arm-device.ts';
import { ArmStage2 } from './arm-stage2.ts';
import { ArmViommu } from './arm-viommu.ts';
import { littleEndian } from './little-endian.ts';
import { TEGRA241_VIOMMU_DATA_SIZE, Tegra241Viommu } from './tegra241-viommu.ts';

/**
 * Event records that Linux's driver forwards: C_BAD_STE, F_STREAM_DISABLED,
 * C_BAD_SUBSTREAMID, C_BAD_CD, F_TRANSLATION to F_PERMISSION.
 */
const LINUX_EVENTS: ReadonlySet<number> = new Set([0x04, 0x06, 0x08, 0x0a, 0x10, 0x11, 0x12, 0x13]);

export interface ArmIommuOptions {
  readonly smmuIndex: number;
  readonly smmu: SmmuDriver;
  readonly cmdqv: CmdqvDriver | undefined;
  readonly ram: HostRam;
  /** Pins a VMID for the stage 2 of a device of this VM. */
  pinVmid(vm: Vm | undefined): PinnedVmid;
  /**
   * Behave like Linux even where Linux loses something; docs/iommufd.md lists these
   * cases.
   */
  readonly linuxCompat?: boolean | undefined;
  readonly gate?: ResourceGate | undefined;
}

export class ArmIommu implements ArmSmmu {
  readonly name: string;
  readonly smmuIndex: number;
  readonly smmu: SmmuDriver;
  readonly linuxCompat: boolean;
  readonly gate: ResourceGate;
  readonly #options: ArmIommuOptions;
  readonly #viommus: (ArmViommu | undefined)[] = Array.from(
    { length: MAX_VIOMMUS },
    () => undefined,
  );
  /** By physical StreamID. */
  readonly #devices = new Map<number, ArmDevice>();

  constructor(options: ArmIommuOptions) {
    this.#options = options;
    this.name = `smmu${options.smmuIndex}`;
    this.smmuIndex = options.smmuIndex;
    this.smmu = options.smmu;
    this.linuxCompat = options.linuxCompat ?? false;
    this.gate = options.gate ?? OPEN_GATE;
  }

  get coherent(): boolean {
    return bitsOf(this.smmu.idr0, IDR0_COHACC) === 1;
  }

  /** Broadcast TLB maintenance, if the SMMU participates in it. */
  get viommuFlags(): number {
    return bitsOf(this.smmu.idr0, IDR0_BTM) ? VIOMMU_FLAG_BTM : 0;
  }

  /** Adds a device of the SMMU. */
  addDevice(name: string, streams: readonly number[], options: ArmDeviceOptions = {}): ArmDevice {
    const device = new ArmDevice(name, this, streams, options);
    for (const sid of streams) this.#devices.set(sid, device);
    return device;
  }

  /** Whether a device has this physical StreamID. */
  hasStream(sid: number): boolean {
    return this.#devices.has(sid);
  }

  removeDevice(device: ArmDevice): void {
    for (const sid of device.streams) this.#devices.delete(sid);
  }

  get viommus(): readonly ArmViommu[] {
    return this.#viommus.filter((viommu) => viommu !== undefined);
  }

  hwInfo(_device: IommuDevice, type: number): HwInfo {
    const { cmdqv } = this.#options;
    if (type === HW_INFO_TYPE_TEGRA241_CMDQV && cmdqv) {
      // struct iommu_hw_info_tegra241_cmdqv: u32 flags, u8 version, log2vcmdqs (of a
      // VINTF), log2vsids, reserved.
      const bytes = Uint8Array.of(
        0,
        0,
        0,
        0,
        1,
        Math.log2(cmdqv.lvcmdqs),
        Math.log2(cmdqv.sidPairs),
        0,
      );
      return { type, bytes };
    }
    require(type === HW_INFO_TYPE_DEFAULT ||
      type === HW_INFO_TYPE_ARM_SMMUV3, 'EOPNOTSUPP', `there is no information of type ${type}`);
    // struct iommu_hw_info_arm_smmuv3: u32 flags, reserved, idr[0..5], iidr, aidr.
    return {
      type: HW_INFO_TYPE_ARM_SMMUV3,
      bytes: littleEndian(0, 0, ...this.smmu.identification),
    };
  }

  block(device: IommuDevice): void {
    const arm = armDevice(device);
    arm.faultGroups.sink = undefined;
    for (const sid of arm.streams) this.smmu.installSte(sid, abortSte(), arm.processor);
  }

  allocPaging({ device, nestParent, dirtyTracking, data, faults }: PagingRequest): PagingDomain {
    const { idr0 } = this.smmu;
    require(data === undefined, 'EOPNOTSUPP', 'a paging HWPT takes no driver data');
    require(!dirtyTracking &&
      !(
        nestParent && faults
      ), 'EOPNOTSUPP', 'dirty tracking is not supported, nor are faults of stage 2');
    const nests = bitsOf(idr0, IDR0_S1P) === 1 && bitsOf(idr0, IDR0_S2P) === 1;
    require(nests || !nestParent, 'EOPNOTSUPP', `${this.name} has no nested translation`);
    this.gate('allocation', 'stage 2');
    const { smmu, ram } = this.#options;
    const { vm, processor } = armDevice(device);
    return new ArmStage2({
      smmu,
      ram,
      nestParent,
      processor,
      pin: () => this.#options.pinVmid(vm),
    });
  }

  /**
   * Requires nesting, and memory that is coherent regardless of a guest's attributes
   * (arm_smmu_get_viommu_size).
   */
  checkViommuType(device: IommuDevice, type: number): void {
    const { cmdqv, smmu } = this.#options;
    const nests = bitsOf(smmu.idr0, IDR0_S1P) === 1 && bitsOf(smmu.idr0, IDR0_S2P) === 1;
    require(nests, 'EOPNOTSUPP', `${this.name} has no nested translation`);
    const forcesCoherency = bitsOf(smmu.idr3, IDR3_FWB) === 1 || armDevice(device).canwbs;
    require(forcesCoherency, 'EOPNOTSUPP', `${this.name} lacks S2FWB, and ${device.name} CANWBS`);
    const known =
      type === VIOMMU_TYPE_ARM_SMMUV3 ||
      (type === VIOMMU_TYPE_TEGRA241_CMDQV && cmdqv !== undefined);
    require(known, 'EOPNOTSUPP', `${this.name} has no vIOMMUs of type ${type}`);
  }

  allocViommu(request: ViommuRequest): ViommuDriver {
    const { type, flags, data, vm, parent } = request;
    const { cmdqv } = this.#options;
    require(parent instanceof ArmStage2 &&
      parent.smmu === this.smmu, 'EINVAL', 'the stage 2 belongs to another SMMU');
    require(vm instanceof Vm, 'EINVAL', 'a vIOMMU of an SMMUv3 needs its VM');
    const btm = (flags & VIOMMU_FLAG_BTM) !== 0;
    // With different VMIDs, TLBIs of the vCPUs would miss this stage 2 and affect the
    // owner of their VMID.
    require(!btm ||
      parent.sharedWith === vm, 'EINVAL', 'BTM requires a stage 2 with the VMID of the vCPUs');
    const index = this.#viommus.indexOf(undefined);
    if (index < 0) throw new HostError('no-context', `an SMMU has at most ${MAX_VIOMMUS} vIOMMUs`);
    this.gate('allocation', 'vSMMU');
    let viommu: ArmViommu;
    if (type === VIOMMU_TYPE_TEGRA241_CMDQV && cmdqv) {
      require(data?.length ===
        TEGRA241_VIOMMU_DATA_SIZE, 'EINVAL', `driver data of ${TEGRA241_VIOMMU_DATA_SIZE} bytes`);
      this.gate('allocation', 'VINTF');
      viommu = new Tegra241Viommu(this, cmdqv, cmdqv.lend(parent.vmid), parent, vm, index, request);
    } else {
      // Driver data of this type is ignored (arm_vsmmu_init).
      viommu = new ArmViommu(this, parent, vm, index, request);
    }
    this.#viommus[index] = viommu;
    return viommu;
  }

  /** Forgets a vIOMMU that has been destroyed. */
  removed(viommu: { readonly index: number }): void {
    if (this.#viommus[viommu.index] === viommu) this.#viommus[viommu.index] = undefined;
  }

  /**
   * Routes an event record to the vIOMMU whose device it names, and to no other. False:
   * the host has to log it.
   */
  routeEvent(record: Uint32Array): boolean {
    const device = this.#devices.get(fieldOf(record, EVT_SID));
    if (!device?.vdevice) return false;
    if (this.linuxCompat && !LINUX_EVENTS.has((record[0] ?? 0) & 0xff)) return false;
    return device.vdevice.viommu.report(device, record);
  }

  /**
   * Routes a page request to the fault queue of the HWPT that its device is attached to,
   * as part of its group. Without a fault queue the group is refused, as in Linux.
   */
  routePageRequest(entry: Uint32Array): void {
    const last = fieldOf(entry, PPR_LAST) !== 0;
    const sid = fieldOf(entry, PPR_SID);
    const group = fieldOf(entry, PPR_INDEX);
    const pasid = fieldOf(entry, PPR_SSV) ? fieldOf(entry, PPR_SSID) : undefined;
    const device = this.#devices.get(sid);
    const answer = (response: number) =>
      this.smmu.issue([priResp(sid, group, response, pasid)], device?.processor);
    const fault: PageFault = {
      flags: (last ? PGFAULT_LAST_PAGE : 0) | (pasid === undefined ? 0 : PGFAULT_PASID_VALID),
      deviceId: device?.objectId ?? 0,
      pasid: pasid ?? 0,
      group,
      permission:
        (fieldOf(entry, PPR_READ) ? PGFAULT_READ : 0) |
        (fieldOf(entry, PPR_WRITE) ? PGFAULT_WRITE : 0) |
        (fieldOf(entry, PPR_EXEC) ? PGFAULT_EXEC : 0) |
        (fieldOf(entry, PPR_PRIV) ? PGFAULT_PRIV : 0),
      address:
        (BigInt(fieldOf(entry, PPR_ADDR_HI)) << 32n) |
        BigInt(fieldOf(entry, PPR_ADDR_LO) * PAGE_SIZE),
      length: 0,
    };
    try {
      const respond = (code: number) => answer(code === 0 ? PRI_RESP_SUCCESS : PRI_RESP_INVALID);
      if (device?.faultGroups.report(fault, respond, device)) return;
    } catch (error) {
      if (!(error instanceof IommufdError)) throw error;
    }
    if (last) answer(PRI_RESP_FAILURE);
  }

  /**
   * Drops incomplete groups after the PRI queue has overflowed: a group whose last
   * request was lost is ignored (IHI 0070 section 8.2).
   */
  discardPageRequests(): void {
    for (const device of this.#devices.values()) device.faultGroups.discard();
  }

  /** Routes errors of lent VINTFs to their vIOMMUs when the CMDQV interrupts. */
  routeQueueErrors(notices: readonly QueueErrorNotice[]): void {
    for (const viommu of this.viommus) {
      if (!(viommu instanceof Tegra241Viommu)) continue;
      const lvcmdqs = notices
        .filter(({ vintf }) => vintf === viommu.vintf)
        .map(({ lvcmdq }) => lvcmdq);
      if (lvcmdqs.length > 0) viommu.reportErrors(lvcmdqs);
    }
  }
}

// SPDX-License-Identifier: MIT
// The host's driver of a VT-d IOMMU in scalable mode (drivers/iommu/intel): root, context
// and PASID tables in host RAM, and the invalidation queue.

import {
  VTD_AW_48,
  VTD_CONTEXT_DTE,
  VTD_CONTEXT_PRE,
  VTD_CONTEXT_SIZE,
  VTD_DESCRIPTOR_SIZE,
  VTD_ECAP,
  VTD_GCMD,
  VTD_GCMD_QIE,
  VTD_GCMD_SRTP,
  VTD_GCMD_TE,
  VTD_IQA,
  VTD_IQA_DW,
  VTD_IQH,
  VTD_IQT,
  VTD_PASID_ENTRY_SIZE,
  VTD_PE_AW,
  VTD_PE_DID,
  VTD_PE_FSPTPTR,
  VTD_PE_PGTT,
  VTD_PE_SRE,
  VTD_PE_SSPTPTR,
  VTD_PE_WPE,
  VTD_PRESENT,
  VTD_RTADDR,
  VTD_RTADDR_TTM,
  VTD_TTM_SCALABLE,
} from '../../../assembly/layout/vtd-formats.ts';
import { maskInWord, setField, withBits } from '../../../devices/plugin/index.ts';
import { storeStructure } from '../../../devices/tables/index.ts';
import {
  buildInvalidation,
  type Invalidation,
  PhysicalVtd,
  setAddress,
  type VtdMemory,
} from '../../../devices/vtd/index.ts';
import { HostError } from '../../hardware/host-error.ts';
import type { HostRam } from '../../hardware/host-ram.ts';
import {
  HW_INFO_TYPE_DEFAULT,
  HW_INFO_TYPE_INTEL_VTD,
  type HwInfo,
  type Iommu,
  type IommuDevice,
  type NestedDomain,
  type NestedRequest,
  type PagingDomain,
  type PagingRequest,
  VIOMMU_TYPE_VTD,
  type ViommuDriver,
  type ViommuRequest,
} from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import { IdAllocator } from '../id-allocator.ts';
import { VtdDevice, vtdDevice } from './vtd-device.ts';
import type { VtdEntry, VtdHardware } from './vtd-hardware.ts';
import { VtdNested, VtdViommu } from './vtd-nested.ts';
import { VtdSecondStage } from './vtd-second-stage.ts';

const PAGE = 0x1000;
const DOMAINS = 0x10000;
/** Devices are devfn 0 to 127 of bus 0. */
const DEVICES = 128;

export class VtdIommu implements Iommu, VtdHardware {
  readonly name: string;
  readonly ram: HostRam;
  readonly memory: VtdMemory;
  readonly physical: PhysicalVtd;
  readonly domains = new IdAllocator(
    1,
    DOMAINS,
    'no-context',
    `domain IDs are exhausted: ${DOMAINS - 1}`,
  );
  readonly #sourceIds = new IdAllocator(
    0,
    DEVICES,
    'no-context',
    `there are ${DEVICES} devices already`,
  );
  readonly #contexts: number;
  readonly #queue: number;
  /**
   * The address to which a wait descriptor stores, and the number of waits, which is its
   * data.
   */
  readonly #status: number;
  #waits = 0;
  #tail = 0;
  /** PASID tables of devices, by source ID. */
  readonly #pasidTables = new Map<number, number>();

  /**
   * Boots the IOMMU: every device is blocked.
   * @param memory the physical address map: host RAM and the VMs' windows.
   */
  constructor(ram: HostRam, memory: VtdMemory, name = 'vtd0') {
    this.name = name;
    this.ram = ram;
    this.memory = memory;
    this.physical = new PhysicalVtd(memory);
    const root = ram.allocate(PAGE, PAGE);
    this.#contexts = ram.allocate(PAGE, PAGE);
    this.#queue = ram.allocate(PAGE, PAGE);
    this.#status = ram.allocate(8, 8);
    ram.store64(root, BigInt(this.#contexts + maskInWord(VTD_PRESENT)));
    const { physical } = this;
    physical.write32(VTD_RTADDR, withBits(root, VTD_RTADDR_TTM, VTD_TTM_SCALABLE));
    physical.write32(VTD_IQA, withBits(this.#queue, VTD_IQA_DW, 1));
    for (const command of [VTD_GCMD_SRTP, VTD_GCMD_QIE, VTD_GCMD_TE])
      physical.write32(VTD_GCMD, (physical.read32(VTD_GCMD) | maskInWord(command)) >>> 0);
  }

  /** Adds a device with its own source ID. */
  addDevice(name: string): VtdDevice {
    const sourceId = this.#sourceIds.allocate();
    const directory = this.ram.allocate(PAGE, PAGE);
    const table = this.ram.allocate(PAGE, PAGE);
    this.#pasidTables.set(sourceId, table);
    this.ram.store64(directory, BigInt(table | maskInWord(VTD_PRESENT)));
    const bits =
      maskInWord(VTD_PRESENT) | maskInWord(VTD_CONTEXT_DTE) | maskInWord(VTD_CONTEXT_PRE);
    this.ram.store64(this.#contexts + sourceId * VTD_CONTEXT_SIZE, BigInt(directory | bits));
    this.submit({ kind: 'context', sourceId });
    return new VtdDevice(name, this, sourceId);
  }

  install(sourceId: number, entry: VtdEntry | undefined): void {
    const words = new Uint32Array(VTD_PASID_ENTRY_SIZE / 4);
    if (entry) {
      setField(words, VTD_PRESENT, 1);
      setField(words, VTD_PE_AW, VTD_AW_48);
      setField(words, VTD_PE_PGTT, entry.pgtt);
      setField(words, VTD_PE_DID, entry.did);
      setField(words, VTD_PE_SRE, entry.supervisor ? 1 : 0);
      setField(words, VTD_PE_WPE, entry.writeProtect ? 1 : 0);
      setAddress(words, VTD_PE_SSPTPTR, BigInt(entry.secondStage));
      setAddress(words, VTD_PE_FSPTPTR, entry.firstStage);
    }
    storeStructure(this.ram, this.#pasidTables.get(sourceId) ?? 0, words);
    // First the entry, then the translations by the old one (section 6.5.3.3).
    this.submit({ kind: 'context', sourceId });
    if (entry) this.submit({ kind: 'pasid', did: entry.did, range: undefined });
    this.submit({ kind: 'device-tlb', sourceId, range: undefined });
  }

  /**
   * Submits descriptors, followed by a wait descriptor.
   * @throws {HostError} `timeout` when the queue does not reach its end.
   */
  submit(...what: readonly Invalidation[]): void {
    this.#waits++;
    const wait = { kind: 'wait', address: BigInt(this.#status), data: this.#waits } as const;
    for (const each of [...what, wait]) {
      storeStructure(this.ram, this.#queue + this.#tail, buildInvalidation(each));
      this.#tail = (this.#tail + VTD_DESCRIPTOR_SIZE) % PAGE;
      this.physical.write32(VTD_IQT, this.#tail);
    }
    if (this.ram.load64(this.#status) !== BigInt(this.#waits))
      throw new HostError(
        'timeout',
        `${this.name}: stopped at 0x${this.physical.read32(VTD_IQH).toString(16)}`,
      );
  }

  hwInfo(_device: IommuDevice, type: number): HwInfo {
    require(type === HW_INFO_TYPE_DEFAULT ||
      type === HW_INFO_TYPE_INTEL_VTD, 'EOPNOTSUPP', `there is no information of type ${type}`);
    // struct iommu_hw_info_vtd: flags, reserved, u64 cap_reg, u64 ecap_reg.
    const view = new DataView(new ArrayBuffer(24));
    view.setUint32(16, this.physical.read32(VTD_ECAP), true);
    view.setUint32(20, this.physical.read32(VTD_ECAP + 4), true);
    return { type: HW_INFO_TYPE_INTEL_VTD, bytes: new Uint8Array(view.buffer) };
  }

  block(device: IommuDevice): void {
    const vtd = vtdDevice(device);
    this.install(vtd.sourceId, undefined);
    vtd.attachment = undefined;
  }

  allocPaging({ dirtyTracking, data, faults, nestParent }: PagingRequest): PagingDomain {
    require(data === undefined, 'EOPNOTSUPP', 'a paging HWPT takes no driver data');
    require(!dirtyTracking &&
      !(
        nestParent && faults
      ), 'EOPNOTSUPP', 'dirty tracking is not supported, nor are faults of a parent');
    return new VtdSecondStage(this, faults);
  }

  #parent(domain: PagingDomain): VtdSecondStage {
    require(domain instanceof VtdSecondStage &&
      domain.iommu === this, 'EINVAL', 'the second stage belongs to another IOMMU');
    return domain;
  }

  /** Unlike Arm's driver, that of VT-d nests on the parent itself. */
  allocNested(parent: PagingDomain, request: NestedRequest): NestedDomain {
    return new VtdNested(this, this.#parent(parent), request);
  }

  checkViommuType(_device: IommuDevice, type: number): void {
    require(type === VIOMMU_TYPE_VTD, 'EOPNOTSUPP', `${this.name} has no vIOMMUs of type ${type}`);
  }

  allocViommu({ parent }: ViommuRequest): ViommuDriver {
    return new VtdViommu(this, this.#parent(parent));
  }
}

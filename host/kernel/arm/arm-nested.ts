// SPDX-License-Identifier: MIT
// A guest's STE as a nested HWPT (struct iommu_hwpt_arm_smmuv3): its stage 1 on top of
// its vIOMMU's stage 2.

import { IDR0_ATS } from '../../../assembly/layout/smmu-registers.ts';
import {
  STE_CONFIG,
  STE_CONFIG_ABORT,
  STE_CONFIG_BYPASS,
  STE_CONFIG_S1,
  STE_EATS,
  STE_EATS_FULL,
  STE_S1STALLD,
  STE_V,
} from '../../../assembly/layout/ste.ts';
import { bitsOf, fieldOf, setField } from '../../../devices/plugin/index.ts';
import { abortSte, invalidSte, nestedSte, stage2Ste } from '../../../devices/tables/index.ts';
import {
  type FaultSink,
  HWPT_DATA_ARM_SMMUV3,
  type IommuDevice,
  type NestedDomain,
  type NestedRequest,
} from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import type { Vm } from '../vm.ts';
import { type ArmSmmu, armDevice, type EventReceiver } from './arm-device.ts';
import type { ArmStage2 } from './arm-stage2.ts';

/** struct iommu_hwpt_arm_smmuv3: the first two doublewords of the guest's STE. */
const VSTE_SIZE = 16;
/**
 * The fields that a vSTE may have set: V, Config, S1Fmt, S1ContextPtr, S1CDMax in the
 * first doubleword; S1DSS, S1CIR, S1COR, S1CSH, S1STALLD, EATS in the second.
 */
const VSTE_MASK = [0xffffffff, 0xf80fffff, 0x380000ff, 0] as const;

/** Driver data of a nested HWPT from the words of a guest's STE. */
export function vsteBytes(ste: Uint32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(VSTE_SIZE));
  for (let word = 0; word < VSTE_SIZE / 4; word++) view.setUint32(4 * word, ste[word] ?? 0, true);
  return new Uint8Array(view.buffer);
}

/** The vIOMMU that a nested HWPT is allocated on. */
export interface ArmNestParent extends EventReceiver {
  readonly iommu: ArmSmmu;
  readonly stage2: ArmStage2;
  readonly vm: Vm;
}

export class ArmNested implements NestedDomain {
  readonly #viommu: ArmNestParent;
  readonly #vste: Uint32Array;
  readonly #faults: FaultSink | undefined;

  /**
   * @throws {IommufdError} EIO when the vSTE asks for something that a guest may not
   *   have.
   */
  constructor(viommu: ArmNestParent, { data, flags, faults }: NestedRequest) {
    require(flags === 0, 'EOPNOTSUPP', 'unknown flags');
    require(data.type === HWPT_DATA_ARM_SMMUV3 &&
      data.bytes.length === VSTE_SIZE, 'EINVAL', 'not the data of an SMMUv3 HWPT');
    const view = new DataView(data.bytes.buffer, data.bytes.byteOffset, VSTE_SIZE);
    const vste = Uint32Array.from(VSTE_MASK, (_, word) => view.getUint32(4 * word, true));
    if (fieldOf(vste, STE_V) === 0) vste.fill(0);
    const config = fieldOf(vste, STE_CONFIG);
    const known =
      config === STE_CONFIG_ABORT || config === STE_CONFIG_BYPASS || config === STE_CONFIG_S1;
    const allowed = VSTE_MASK.every((mask, word) => ((vste[word] ?? 0) & ~mask) === 0);
    // Split-stage ATS would expose addresses of stage 2 to the guest's endpoint.
    require(known &&
      allowed &&
      fieldOf(vste, STE_EATS) <=
        STE_EATS_FULL, 'EIO', 'the STE asks for something that a guest may not have');
    viommu.iommu.gate('allocation', 'nested HWPT');
    this.#viommu = viommu;
    this.#vste = vste;
    this.#faults = faults;
  }

  get #config(): number {
    return fieldOf(this.#vste, STE_CONFIG);
  }

  attach(device: IommuDevice): void {
    const arm = armDevice(device);
    const { iommu, stage2 } = this.#viommu;
    require(arm.iommu === iommu, 'EINVAL', `${device.name} is behind another SMMU`);
    // Without a vDEVICE the device's commands and events could not be routed; an STE that
    // aborts or bypasses has neither.
    require(this.#config !== STE_CONFIG_S1 ||
      arm.vdevice?.viommu ===
        this.#viommu, 'ENOENT', `${device.name} is not a vDEVICE of the vIOMMU`);
    arm.faultGroups.sink = this.#faults;
    const ste = this.#ste();
    for (const sid of arm.streams) {
      if (fieldOf(ste, STE_EATS) === STE_EATS_FULL) stage2.addAtsStream(sid);
      iommu.smmu.installSte(sid, ste, arm.processor);
    }
  }

  #ste(): Uint32Array {
    const { stage2, iommu } = this.#viommu;
    // Linux installs an aborting STE (V = 1, Config = 0), whose aborts the guest never
    // learns of; an invalid one is what the guest's SMMU would have.
    if (fieldOf(this.#vste, STE_V) === 0) return iommu.linuxCompat ? abortSte() : invalidSte();
    if (this.#config === STE_CONFIG_ABORT) return abortSte();
    if (this.#config === STE_CONFIG_BYPASS) {
      // A bypassing STE of a guest does not enable ATS. Stage 2 serves ATS anyway,
      // whenever the device enables it (arm_smmu_attach_prepare checks what the device
      // supports).
      const bypass = stage2Ste(stage2.ste);
      setField(bypass, STE_EATS, bitsOf(iommu.smmu.idr0, IDR0_ATS) ? STE_EATS_FULL : 0);
      return bypass;
    }
    // S1ContextPtr is an IPA from here on.
    const ste = nestedSte({ contextPtr: 0 }, stage2.ste);
    const config = fieldOf(ste, STE_CONFIG);
    VSTE_MASK.forEach((mask, word) => {
      ste[word] = ((ste[word] ?? 0) & ~mask) | ((this.#vste[word] ?? 0) & mask);
    });
    setField(ste, STE_CONFIG, config);
    // S1STALLD is illegal on an SMMU that does not stall.
    if (!iommu.smmu.stalls) setField(ste, STE_S1STALLD, 0);
    return ste;
  }

  destroy(): void {
    this.#vste.fill(0);
  }
}

// SPDX-License-Identifier: MIT
// Probes the SMMU: checks the ID registers for what this driver needs (Linux's
// conditions, and the 4 KiB granule).

import { ABI_KIND_SMMUV3 } from '../../assembly/layout/guest-abi';
import {
  IDR0_S1P,
  IDR0_TTENDIAN,
  IDR0_TTF,
  IDR1_CMDQS,
  IDR5_GRAN4K,
  SMMU_IDR0,
  SMMU_IDR1,
  SMMU_IDR3,
  SMMU_IDR5,
  TTENDIAN_LITTLE,
  TTENDIAN_MIXED,
} from '../../assembly/layout/smmu-registers';
import { deviceGpa, deviceIrq, findDevice } from '../runtime/device-table';
import { bitsOf } from '../runtime/guest-fields';
import { read32 } from '../runtime/mmio';
import { RESULT_NO_DEVICE, RESULT_OK, RESULT_UNSUPPORTED } from './result';
import { selectedSmmu } from './selected-smmu';
import { clearSmmu, smmu } from './smmu';

/** TTF: bit 1 means AArch64. */
const TTF_AARCH64 = 2;
/** A CMDQ must hold a whole batch with its CMD_SYNC: 64 entries are one too few. */
const MIN_CMDQS: u32 = 7;

export function probeSmmu(): i32 {
  clearSmmu();
  const entry = findDevice(ABI_KIND_SMMUV3, selectedSmmu());
  if (entry == 0) return RESULT_NO_DEVICE;
  const state = smmu();
  state.gpa = deviceGpa(entry);
  state.eventIrq = deviceIrq(entry);
  state.gerrorIrq = deviceIrq(entry) + 1;
  state.idr0 = read32(state.gpa + SMMU_IDR0);
  state.idr1 = read32(state.gpa + SMMU_IDR1);
  state.idr3 = read32(state.gpa + SMMU_IDR3);
  state.idr5 = read32(state.gpa + SMMU_IDR5);
  if (bitsOf(state.idr0, IDR0_S1P) == 0) return RESULT_UNSUPPORTED;
  if ((bitsOf(state.idr0, IDR0_TTF) & TTF_AARCH64) == 0) return RESULT_UNSUPPORTED;
  const endian = bitsOf(state.idr0, IDR0_TTENDIAN);
  if (endian != TTENDIAN_MIXED && endian != TTENDIAN_LITTLE) return RESULT_UNSUPPORTED;
  if (bitsOf(state.idr1, IDR1_CMDQS) < MIN_CMDQS) return RESULT_UNSUPPORTED;
  if (bitsOf(state.idr5, IDR5_GRAN4K) == 0) return RESULT_UNSUPPORTED;
  state.probed = 1;
  return RESULT_OK;
}

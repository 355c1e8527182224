// SPDX-License-Identifier: MIT
// Page-0 registers of a VCMDQ as software may write them.

import {
  VCMDQ_CONFIG,
  VCMDQ_CONFIG_EN,
  VCMDQ_CONS,
  VCMDQ_CONS_ERR,
  VCMDQ_CONS_RD,
  VCMDQ_GERROR_VALID,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_PROD_WR,
} from '../../assembly/layout/cmdqv-registers.ts';
import { maskInWord } from '../plugin/index.ts';

/** RD and ERR. */
export const CONS_BITS = maskInWord(VCMDQ_CONS_RD) | maskInWord(VCMDQ_CONS_ERR);

/**
 * Bits of a page-0 register that software writes; undefined where it writes none. CONS,
 * ERR included, is software's while the queue is off, as SMMU_CMDQ_CONS is (IHI 0070
 * section 6.3).
 */
export function page0WritableBits(register: number, queueEnabled: boolean): number | undefined {
  switch (register) {
    case VCMDQ_CONS:
      return queueEnabled ? undefined : CONS_BITS;
    case VCMDQ_PROD:
      return maskInWord(VCMDQ_PROD_WR);
    case VCMDQ_CONFIG:
      return maskInWord(VCMDQ_CONFIG_EN);
    case VCMDQ_GERRORN:
      return VCMDQ_GERROR_VALID;
    default:
      return undefined;
  }
}

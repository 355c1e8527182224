// SPDX-License-Identifier: MIT
// The bits of a VCMDQ's page-0 registers that software can write.

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
 * Bits of a page-0 register that software can write; undefined when there are none. CONS,
 * including ERR, is writable while the queue is disabled, as for SMMU_CMDQ_CONS (IHI 0070
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

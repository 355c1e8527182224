// SPDX-License-Identifier: MIT
// Whether debug exceptions are enabled (Arm ARM, D2.4). Software breakpoints always are;
// these functions answer for all others.

import { ARM64_DAIF, ARM64_EL, ARM64_OS_LOCK } from '../layout/arm64-state';
import { AT_DBGPRCR_EL1, AT_MDSCR_EL1, AT_OSDLR_EL1 } from './system-registers';

/** MDSCR_EL1: software step; exceptions from EL1 too; breakpoints and watchpoints. */
export const MDSCR_SS: u64 = 1;
const MDSCR_KDE: u64 = 1 << 13;
export const MDSCR_MDE: u64 = 1 << 15;
/** PSTATE.D. */
export const DAIF_D: u32 = 0x200;

/** Whether a bit of MDSCR_EL1 is set. */
export function hasDebug(cpu: usize, bit: u64): bool {
  return (load<u64>(cpu + AT_MDSCR_EL1) & bit) != 0;
}

/**
 * Whether debug exceptions from an exception level are enabled: all are taken to EL1, and
 * those from EL1 itself only if they are not masked. The OS Lock and the OS Double Lock
 * disable them.
 */
export function debugEnabledFrom(cpu: usize, el: u32, daif: u32): bool {
  if (load<u64>(cpu, ARM64_OS_LOCK) != 0) return false;
  if (load<u64>(cpu + AT_OSDLR_EL1) != 0 && load<u64>(cpu + AT_DBGPRCR_EL1) == 0) return false;
  return el == 0 || (hasDebug(cpu, MDSCR_KDE) && (daif & DAIF_D) == 0);
}

export function debugEnabled(cpu: usize): bool {
  return debugEnabledFrom(cpu, load<u32>(cpu, ARM64_EL), load<u32>(cpu, ARM64_DAIF));
}

/** Whether software step is active (D2.12.3). */
export function isStepActive(cpu: usize): bool {
  return hasDebug(cpu, MDSCR_SS) && debugEnabled(cpu);
}

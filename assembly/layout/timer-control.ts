// SPDX-License-Identifier: MIT
// The generic timer (DDI 0487 chapter D12): control registers, and its interrupts.

/** CNTP_CTL_EL0 and CNTV_CTL_EL0. */
export const CNT_CTL_ENABLE = 0x1;
export const CNT_CTL_IMASK = 0x2;
/** Read-only. */
export const CNT_CTL_ISTATUS = 0x4;

/** INTIDs of its PPIs (Base System Architecture, section 3.8.4). */
export const TIMER_INTID_HYPERVISOR = 26;
export const TIMER_INTID_VIRTUAL = 27;
export const TIMER_INTID_SECURE = 29;
export const TIMER_INTID_PHYSICAL = 30;

// SPDX-License-Identifier: MIT
// The action of each queue kind on each opcode: one 256-byte table per QUEUE_KIND_*,
// indexed by opcode, in an SMMU block. devices/unit/actions.ts writes the tables;
// assembly/vcmdq-drain/command-legality.ts reads them. An entry is an ACTION_*; the codes
// are dense, so that the drain's switch becomes a jump table.

export const SMMU_AT_ACTIONS = 0x2000;
export const ACTIONS_STRIDE = 0x100;
export const ACTION_ILLEGAL = 0;
export const ACTION_SYNC = 1;
export const ACTION_TLBI_NH_ALL = 2;
export const ACTION_TLBI_NH_ASID = 3;
export const ACTION_TLBI_NH_VA = 4;
export const ACTION_TLBI_NH_VAA = 5;
export const ACTION_TLBI_S12_VMALL = 6;
export const ACTION_TLBI_S2_IPA = 7;
export const ACTION_TLBI_NSNH_ALL = 8;
export const ACTION_CFGI_STE = 9;
export const ACTION_CFGI_STE_RANGE = 10;
export const ACTION_CFGI_CD = 11;
export const ACTION_CFGI_CD_ALL = 12;
export const ACTION_ATC_INV = 13;
/** Legal and without effect on this model (PREFETCH_*). */
export const ACTION_NONE = 14;
/** The host executes the command (CFGI_* and PREFETCH_* of a trapped CMDQ). */
export const ACTION_HOST = 15;
export const ACTION_RESUME = 16;
export const ACTION_STALL_TERM = 17;
export const ACTION_PRI_RESP = 18;
export const ACTION_TLBI_EL2_ALL = 19;
export const ACTION_TLBI_EL2_ASID = 20;
export const ACTION_TLBI_EL2_VA = 21;
export const ACTION_TLBI_EL2_VAA = 22;

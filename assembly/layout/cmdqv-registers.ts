// SPDX-License-Identifier: MIT
// Tegra241 CMDQV register map: offsets from the CMDQV base and bit fields. See
// docs/cmdqv.md for the prose specification. Fields are packed as in smmu-registers.ts.

export const CMDQV_CONFIG = 0x0000;
export const CMDQV_PARAM = 0x0004;
export const CMDQV_STATUS = 0x0008;
/** Two 32-bit words, low VINTFs first; not 8-byte aligned, so never one 64-bit access. */
export const CMDQV_VINTF_ERR_MAP = 0x0014;
export const CMDQV_VINTF_INT_MASK = 0x001c;
/** Four 32-bit words, one bit per VCMDQ of the whole CMDQV. */
export const CMDQV_CMDQ_ERR_MAP = 0x0024;
/** One 32-bit register per VCMDQ. */
export const CMDQV_CMDQ_ALLOC = 0x0200;
/** First VINTF configuration block; one every CMDQV_VINTF_STRIDE bytes. */
export const CMDQV_VINTF = 0x1000;
export const CMDQV_VINTF_STRIDE = 0x100;

/** The global page and the two direct views of all VCMDQs take 64 KiB each. */
export const CMDQV_PAGE_SIZE = 0x10000;
export const CMDQV_DIRECT_PAGE0 = 0x10000;
export const CMDQV_DIRECT_PAGE1 = 0x20000;
/**
 * Logical page 0 of VINTF 0; page 1 follows, the next VINTF CMDQV_LOGICAL_STRIDE bytes
 * later.
 */
export const CMDQV_LOGICAL_PAGE0 = 0x30000;
export const CMDQV_LOGICAL_STRIDE = 0x20000;
/** Bytes from one VCMDQ's registers to the next, in every view. */
export const VCMDQ_STRIDE = 0x80;

export const CMDQV_MAX_VINTFS = 64;
export const CMDQV_MAX_VCMDQS = 128;
/** SID match/replace pairs of a VINTF (PARAM.NUM_SID_PER_VM_LOG2 = 4). */
export const CMDQV_SIDS_PER_VINTF = 16;

export const CMDQV_CONFIG_EN = (0 << 16) | (0 << 8) | 1;
/** CONFIG out of reset: enabled, 16-byte commands, clock batch 256, command batch 32. */
export const CMDQV_CONFIG_RESET = 0x00020083;
/**
 * Bits of CONFIG that can be written: EN, PER_CMD_OFFSET, the batch limits and
 * CONS_DRAM_EN.
 */
export const CMDQV_CONFIG_WRITABLE = 0x001fffff;
export const CMDQV_PARAM_VER = (0 << 16) | (0 << 8) | 4;
export const CMDQV_PARAM_NUM_VCMDQ_LOG2 = (0 << 16) | (4 << 8) | 4;
export const CMDQV_PARAM_NUM_VINTF_LOG2 = (0 << 16) | (8 << 8) | 4;
export const CMDQV_PARAM_NUM_SID_PER_VM_LOG2 = (0 << 16) | (12 << 8) | 4;
export const CMDQV_STATUS_ENABLED = (0 << 16) | (0 << 8) | 1;

export const CMDQ_ALLOC_ALLOCATED = (0 << 16) | (0 << 8) | 1;
export const CMDQ_ALLOC_LVCMDQ = (0 << 16) | (1 << 8) | 7;
export const CMDQ_ALLOC_VINTF = (0 << 16) | (15 << 8) | 6;

// VINTF configuration block.
export const VINTF_CONFIG = 0x00;
export const VINTF_STATUS = 0x04;
export const VINTF_SID_MATCH = 0x40;
export const VINTF_SID_REPLACE = 0x80;
/** Two 64-bit words, one bit per LVCMDQ; may be read as four 32-bit words. */
export const VINTF_LVCMDQ_ERR_MAP = 0xc0;

export const VINTF_CONFIG_EN = (0 << 16) | (0 << 8) | 1;
export const VINTF_CONFIG_VMID = (0 << 16) | (1 << 8) | 16;
/**
 * Set when the hypervisor's own kernel owns the VINTF; for a guest it reads 0 and ignores
 * writes.
 */
export const VINTF_CONFIG_HYP_OWN = (0 << 16) | (17 << 8) | 1;
export const VINTF_STATUS_ENABLED = (0 << 16) | (0 << 8) | 1;
/** 0 healthy, 1 a VCMDQ of this VINTF has an error. */
export const VINTF_STATUS_STATUS = (0 << 16) | (1 << 8) | 3;
export const VINTF_STATUS_NUM_LVCMDQ = (0 << 16) | (16 << 8) | 8;
export const SID_MATCH_ENABLE = (0 << 16) | (0 << 8) | 1;
export const SID_MATCH_VIRT_SID = (0 << 16) | (1 << 8) | 20;
export const SID_REPLACE_PHYS_SID = (0 << 16) | (0 << 8) | 20;

// VCMDQ registers, page 0 (32-bit each).
export const VCMDQ_CONS = 0x00;
export const VCMDQ_PROD = 0x04;
export const VCMDQ_CONFIG = 0x08;
export const VCMDQ_STATUS = 0x0c;
export const VCMDQ_GERROR = 0x10;
export const VCMDQ_GERRORN = 0x14;
// VCMDQ registers, page 1 (64-bit each).
export const VCMDQ_BASE = 0x00;
export const VCMDQ_CONS_INDX_BASE = 0x08;

export const VCMDQ_CONS_RD = (0 << 16) | (0 << 8) | 20;
export const VCMDQ_CONS_ERR = (0 << 16) | (24 << 8) | 7;
export const VCMDQ_PROD_WR = (0 << 16) | (0 << 8) | 20;
export const VCMDQ_CONFIG_EN = (0 << 16) | (0 << 8) | 1;
export const VCMDQ_STATUS_ENABLED = (0 << 16) | (0 << 8) | 1;
export const VCMDQ_GERROR_CMDQ_ERR = (0 << 16) | (0 << 8) | 1;
export const VCMDQ_GERROR_CONS_DRAM_WR_ABT_ERR = (0 << 16) | (1 << 8) | 1;
export const VCMDQ_GERROR_CMDQ_INIT_ERR = (0 << 16) | (2 << 8) | 1;
/** Bits of GERROR and GERRORN that are not reserved. */
export const VCMDQ_GERROR_VALID = 0x7;
export const VCMDQ_BASE_LOG2SIZE = (0 << 16) | (0 << 8) | 5;
/** Bits of BASE that hold address bits [47:5]: the low word, then the high word. */
export const VCMDQ_BASE_ADDR_LO = 0xffffffe0;
export const VCMDQ_BASE_ADDR_HI = 0x0000ffff;

// SPDX-License-Identifier: MIT
// Command formats of the SMMUv3 command queue (IHI 0070 section 4). A command is 16
// bytes: 32-bit words 0 to 3. Fields are packed as in smmu-registers.ts: (32-bit word <<
// 16) | (lowest bit << 8) | width.

export const CMD_OP = (0 << 16) | (0 << 8) | 8;
/** Secure stream; illegal on a Non-secure queue. */
export const CMD_SSEC = (0 << 16) | (10 << 8) | 1;
/** SubstreamID valid. */
export const CMD_SSV = (0 << 16) | (11 << 8) | 1;
export const CMD_SSID = (0 << 16) | (12 << 8) | 20;
export const CMD_SID = (1 << 16) | (0 << 8) | 32;

export const OP_PREFETCH_CFG = 0x01;
export const OP_PREFETCH_ADDR = 0x02;
export const OP_CFGI_STE = 0x03;
/** CFGI_STE_RANGE; with RANGE = 31 it is CFGI_ALL. */
export const OP_CFGI_STE_RANGE = 0x04;
export const OP_CFGI_CD = 0x05;
export const OP_CFGI_CD_ALL = 0x06;
export const OP_CFGI_VMS_PIDM = 0x07;
export const OP_TLBI_NH_ALL = 0x10;
export const OP_TLBI_NH_ASID = 0x11;
export const OP_TLBI_NH_VA = 0x12;
export const OP_TLBI_NH_VAA = 0x13;
export const OP_TLBI_EL3_ALL = 0x18;
export const OP_TLBI_EL3_VA = 0x1a;
export const OP_TLBI_EL2_ALL = 0x20;
export const OP_TLBI_EL2_ASID = 0x21;
export const OP_TLBI_EL2_VA = 0x22;
export const OP_TLBI_EL2_VAA = 0x23;
export const OP_TLBI_S12_VMALL = 0x28;
export const OP_TLBI_S2_IPA = 0x2a;
export const OP_TLBI_NSNH_ALL = 0x30;
export const OP_ATC_INV = 0x40;
export const OP_PRI_RESP = 0x41;
export const OP_RESUME = 0x44;
export const OP_STALL_TERM = 0x45;
export const OP_CMD_SYNC = 0x46;

// CFGI_*
export const CFGI_LEAF = (2 << 16) | (0 << 8) | 1;
export const CFGI_RANGE = (2 << 16) | (0 << 8) | 5;
/** RANGE value that makes CFGI_STE_RANGE a CFGI_ALL. */
export const CFGI_RANGE_ALL = 31;

// TLBI_*
/** Range invalidation: pages = (NUM + 1) << SCALE. */
export const TLBI_NUM = (0 << 16) | (12 << 8) | 5;
export const TLBI_SCALE = (0 << 16) | (20 << 8) | 5;
/** Bit 5 of SCALE, with IDR5.DS only. */
export const TLBI_SCALE_DS = (0 << 16) | (25 << 8) | 1;
export const TLBI_VMID = (1 << 16) | (0 << 8) | 16;
export const TLBI_ASID = (1 << 16) | (16 << 8) | 16;
export const TLBI_LEAF = (2 << 16) | (0 << 8) | 1;
/** Level hint of the leaf entry, 0 unknown. */
export const TLBI_TTL = (2 << 16) | (8 << 8) | 2;
/** 0 one address, 1 to 3: a range in granules of 4, 16 or 64 KiB. */
export const TLBI_TG = (2 << 16) | (10 << 8) | 2;
export const TLBI_ADDR_LO = (2 << 16) | (12 << 8) | 20;
export const TLBI_ADDR_HI = (3 << 16) | (0 << 8) | 32;

// ATC_INV
export const ATC_INV_GLOBAL = (0 << 16) | (9 << 8) | 1;
/** Span = 4 KiB << SIZE; 52 is everything. */
export const ATC_INV_SIZE = (2 << 16) | (0 << 8) | 6;
export const ATC_INV_SIZE_ALL = 52;
export const ATC_INV_ADDR_LO = (2 << 16) | (12 << 8) | 20;
export const ATC_INV_ADDR_HI = (3 << 16) | (0 << 8) | 32;

// PRI_RESP
export const PRI_RESP_INDEX = (2 << 16) | (0 << 8) | 9;
/**
 * The group's pages are not accessible at all, some are not present, or all are; 3 is
 * reserved.
 */
export const PRI_RESP_RESPONSE = (2 << 16) | (12 << 8) | 2;
/** Response: the group's pages are not accessible at all. */
export const PRI_RESP_FAILURE = 0;
/** Response: some of the group's pages are not present. */
export const PRI_RESP_INVALID = 1;
/** Response: all of the group's pages are present. */
export const PRI_RESP_SUCCESS = 2;

// RESUME
/** Action: 1 retry, 0 terminate in the way that RESUME_AB selects. */
export const RESUME_AC = (0 << 16) | (12 << 8) | 1;
/** 1 abort, 0 read as zero and ignore writes. No effect when IDR0.TERM_MODEL is 1. */
export const RESUME_AB = (0 << 16) | (13 << 8) | 1;
export const RESUME_STAG = (2 << 16) | (0 << 8) | 16;

// CMD_SYNC
/** Completion signal: 0 none, 1 MSI or wired interrupt, 2 SEV, 3 reserved. */
export const SYNC_CS = (0 << 16) | (12 << 8) | 2;
/** CS: no completion signal. */
export const SYNC_CS_NONE = 0;
/** CS: an interrupt, by MSI where MSIAddress is not 0. */
export const SYNC_CS_IRQ = 1;
/** CS: an event as by SEV. */
export const SYNC_CS_SEV = 2;
export const SYNC_MSH = (0 << 16) | (22 << 8) | 2;
export const SYNC_MSIATTR = (0 << 16) | (24 << 8) | 4;
export const SYNC_MSIDATA = (1 << 16) | (0 << 8) | 32;
/** MSIADDR[31:2]; bits [51:32] are SYNC_MSIADDR_HI. */
export const SYNC_MSIADDR_LO = (2 << 16) | (2 << 8) | 30;
export const SYNC_MSIADDR_HI = (3 << 16) | (0 << 8) | 20;

// CMDQ_CONS.ERR codes.
export const CERROR_NONE = 0;
/**
 * Illegal command: unknown or unsupported opcode, reserved value, or (CMDQV) a StreamID
 * that matches no pair.
 */
export const CERROR_ILL = 1;
/** The command could not be fetched. */
export const CERROR_ABT = 2;
export const CERROR_ATC_INV_SYNC = 3;

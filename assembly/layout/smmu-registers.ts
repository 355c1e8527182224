// SPDX-License-Identifier: MIT
// SMMUv3 register map: offsets from the SMMU's base and bit fields (IHI 0070 section 6).
//
// Every file in this folder is a leaf without imports that both compilers read
// (TypeScript and AssemblyScript), so that a bit layout exists once. A field is packed as
// (32-bit word index << 16) | (lowest bit << 8) | width in bits; a register is its own
// word 0, and the upper half of a 64-bit register is word 1.

/** Size of the register space: two 64 KiB pages. */
export const SMMU_REGION_SIZE = 0x20000;
/**
 * Offset of page 1, which holds the producer and consumer indexes of the event and PRI
 * queues.
 */
export const SMMU_PAGE1 = 0x10000;

export const SMMU_IDR0 = 0x000;
export const SMMU_IDR1 = 0x004;
export const SMMU_IDR2 = 0x008;
export const SMMU_IDR3 = 0x00c;
export const SMMU_IDR4 = 0x010;
export const SMMU_IDR5 = 0x014;
export const SMMU_IIDR = 0x018;
export const SMMU_AIDR = 0x01c;
export const SMMU_CR0 = 0x020;
export const SMMU_CR0ACK = 0x024;
export const SMMU_CR1 = 0x028;
export const SMMU_CR2 = 0x02c;
export const SMMU_STATUSR = 0x040;
export const SMMU_GBPA = 0x044;
export const SMMU_AGBPA = 0x048;
export const SMMU_IRQ_CTRL = 0x050;
export const SMMU_IRQ_CTRLACK = 0x054;
export const SMMU_GERROR = 0x060;
export const SMMU_GERRORN = 0x064;
export const SMMU_GERROR_IRQ_CFG0 = 0x068;
export const SMMU_GERROR_IRQ_CFG1 = 0x070;
export const SMMU_GERROR_IRQ_CFG2 = 0x074;
export const SMMU_STRTAB_BASE = 0x080;
export const SMMU_STRTAB_BASE_CFG = 0x088;
export const SMMU_CMDQ_BASE = 0x090;
export const SMMU_CMDQ_PROD = 0x098;
export const SMMU_CMDQ_CONS = 0x09c;
export const SMMU_EVENTQ_BASE = 0x0a0;
/** Page-0 alias of SMMU_EVENTQ_PROD. */
export const SMMU_EVENTQ_PROD_PAGE0 = 0x0a8;
/** Page-0 alias of SMMU_EVENTQ_CONS. */
export const SMMU_EVENTQ_CONS_PAGE0 = 0x0ac;
export const SMMU_EVENTQ_IRQ_CFG0 = 0x0b0;
export const SMMU_EVENTQ_IRQ_CFG1 = 0x0b8;
export const SMMU_EVENTQ_IRQ_CFG2 = 0x0bc;
export const SMMU_PRIQ_BASE = 0x0c0;
export const SMMU_PRIQ_PROD_PAGE0 = 0x0c8;
export const SMMU_PRIQ_CONS_PAGE0 = 0x0cc;
export const SMMU_PRIQ_IRQ_CFG0 = 0x0d0;
export const SMMU_PRIQ_IRQ_CFG1 = 0x0d8;
export const SMMU_PRIQ_IRQ_CFG2 = 0x0dc;
export const PRIQ_IRQ_CFG2_LO = (0 << 16) | (31 << 8) | 1;
export const SMMU_IDR6 = 0x190;
/**
 * 64-bit: offset of command queue control page 0 from the SMMU's base. CFG and STATUS
 * follow.
 */
export const SMMU_CMDQ_CONTROL_PAGE_BASE = 0x4000;
export const SMMU_CMDQ_CONTROL_PAGE_CFG = 0x4008;
export const SMMU_CMDQ_CONTROL_PAGE_STATUS = 0x400c;
export const SMMU_EVENTQ_PROD = 0x100a8;
export const SMMU_EVENTQ_CONS = 0x100ac;
export const SMMU_PRIQ_PROD = 0x100c8;
export const SMMU_PRIQ_CONS = 0x100cc;

/**
 * The command queue control page of this model, after page 1: the registers of all
 * ECMDQs, evenly spread over its 64 KiB.
 */
export const SMMU_ECMDQ_PAGE = 0x20000;
export const SMMU_ECMDQ_PAGE_SIZE = 0x10000;
/** 64-bit, in the format of SMMU_CMDQ_BASE. */
export const ECMDQ_BASE = 0x00;
export const ECMDQ_PROD = 0x08;
export const ECMDQ_CONS = 0x0c;
/** An error is active while ERR (in CONS) and ERRACK (in PROD) differ. */
export const ECMDQ_PROD_ERRACK = (0 << 16) | (23 << 8) | 1;
export const ECMDQ_PROD_EN = (0 << 16) | (31 << 8) | 1;
export const ECMDQ_CONS_ERR = (0 << 16) | (23 << 8) | 1;
export const ECMDQ_CONS_ERR_REASON = (0 << 16) | (24 << 8) | 3;
export const ECMDQ_CONS_ENACK = (0 << 16) | (31 << 8) | 1;
/** BASE: the queues' registers are in the SMMU, and the page has 64 KiB. */
export const CMDQ_CONTROL_PAGE_PRESET = (0 << 16) | (0 << 8) | 1;
export const CMDQ_CONTROL_PAGE_CMDQGS = (0 << 16) | (1 << 8) | 2;
/** In CFG (EN) and in STATUS (ENACK). */
export const CMDQ_CONTROL_PAGE_EN = (0 << 16) | (0 << 8) | 1;
/** log2 of the number of queues of a page, and of the number of pages. */
export const IDR6_LOG2NUMQ = (0 << 16) | (16 << 8) | 4;
export const IDR6_LOG2NUMP = (0 << 16) | (24 << 8) | 4;

// IDR0: implemented features.
export const IDR0_S2P = (0 << 16) | (0 << 8) | 1;
export const IDR0_S1P = (0 << 16) | (1 << 8) | 1;
/** Translation table formats; 2 is AArch64. */
export const IDR0_TTF = (0 << 16) | (2 << 8) | 2;
export const IDR0_COHACC = (0 << 16) | (4 << 8) | 1;
export const IDR0_BTM = (0 << 16) | (5 << 8) | 1;
export const IDR0_HTTU = (0 << 16) | (6 << 8) | 2;
export const IDR0_DORMHINT = (0 << 16) | (8 << 8) | 1;
export const IDR0_HYP = (0 << 16) | (9 << 8) | 1;
export const IDR0_ATS = (0 << 16) | (10 << 8) | 1;
/** Split-stage ATS is not implemented. */
export const IDR0_NS1ATS = (0 << 16) | (11 << 8) | 1;
export const IDR0_ASID16 = (0 << 16) | (12 << 8) | 1;
export const IDR0_MSI = (0 << 16) | (13 << 8) | 1;
export const IDR0_SEV = (0 << 16) | (14 << 8) | 1;
export const IDR0_ATOS = (0 << 16) | (15 << 8) | 1;
export const IDR0_PRI = (0 << 16) | (16 << 8) | 1;
/** VMID wildcards (CR0.VMW). */
export const IDR0_VMW = (0 << 16) | (17 << 8) | 1;
export const IDR0_VMID16 = (0 << 16) | (18 << 8) | 1;
export const IDR0_CD2L = (0 << 16) | (19 << 8) | 1;
export const IDR0_VATOS = (0 << 16) | (20 << 8) | 1;
/** Table endianness; 2 is little-endian only. */
export const IDR0_TTENDIAN = (0 << 16) | (21 << 8) | 2;
/** TTENDIAN: tables of either endianness, by CD.ENDI and STE.S2ENDI. */
export const TTENDIAN_MIXED = 0;
export const TTENDIAN_LITTLE = 2;
/** CR2.REC_CFG_ATS is implemented. */
export const IDR0_ATSRECERR = (0 << 16) | (23 << 8) | 1;
export const IDR0_STALL_MODEL = (0 << 16) | (24 << 8) | 2;
/** Faults stall where CD.S or STE.S2S is set; never; always. */
export const STALL_MODEL_BOTH = 0;
export const STALL_MODEL_TERMINATE = 1;
export const STALL_MODEL_FORCED = 2;
export const IDR0_TERM_MODEL = (0 << 16) | (26 << 8) | 1;
/** 1 when 2-level stream tables are supported. */
export const IDR0_ST_LEVEL = (0 << 16) | (27 << 8) | 2;
export const IDR0_RME_IMPL = (0 << 16) | (30 << 8) | 1;

// IDR1: sizes, as log2.
export const IDR1_SIDSIZE = (0 << 16) | (0 << 8) | 6;
export const IDR1_SSIDSIZE = (0 << 16) | (6 << 8) | 5;
export const IDR1_PRIQS = (0 << 16) | (11 << 8) | 5;
export const IDR1_EVENTQS = (0 << 16) | (16 << 8) | 5;
export const IDR1_CMDQS = (0 << 16) | (21 << 8) | 5;
/** Enhanced command queues; IDR6 has their number. */
export const IDR1_ECMDQ = (0 << 16) | (31 << 8) | 1;

/** Hierarchical attributes can be disabled (CD.HAD0 and HAD1). */
export const IDR3_HAD = (0 << 16) | (2 << 8) | 1;
/** XN[1:0] of stage 2: execution by privilege. */
export const IDR3_XNX = (0 << 16) | (4 << 8) | 1;
export const IDR3_FWB = (0 << 16) | (8 << 8) | 1;
/** Range invalidation. */
export const IDR3_RIL = (0 << 16) | (10 << 8) | 1;

// IDR5: output address size and granules.
/** 0 to 6: 32, 36, 40, 42, 44, 48, 52 bits. */
export const IDR5_OAS = (0 << 16) | (0 << 8) | 3;
export const IDR5_GRAN4K = (0 << 16) | (4 << 8) | 1;
export const IDR5_GRAN16K = (0 << 16) | (5 << 8) | 1;
export const IDR5_GRAN64K = (0 << 16) | (6 << 8) | 1;
/** 52-bit addresses with granules of 4 and 16 KiB (FEAT_LPA2). */
export const IDR5_DS = (0 << 16) | (7 << 8) | 1;
/** 1: 52-bit VAs, with 64 KiB granules and, with DS, all others. */
export const IDR5_VAX = (0 << 16) | (10 << 8) | 2;
/** The most transactions that can be stalled at once. */
export const IDR5_STALL_MAX = (0 << 16) | (16 << 8) | 16;

export const CR0_SMMUEN = (0 << 16) | (0 << 8) | 1;
export const CR0_PRIQEN = (0 << 16) | (1 << 8) | 1;
export const CR0_EVENTQEN = (0 << 16) | (2 << 8) | 1;
export const CR0_CMDQEN = (0 << 16) | (3 << 8) | 1;
export const CR0_ATSCHK = (0 << 16) | (4 << 8) | 1;
/** Bits of CR0 that are not reserved: SMMUEN to ATSCHK and VMW. */
export const CR0_WRITABLE = 0x1df;

export const CR2_E2H = (0 << 16) | (0 << 8) | 1;
export const CR2_RECINVSID = (0 << 16) | (1 << 8) | 1;
export const CR2_PTM = (0 << 16) | (2 << 8) | 1;
/** Record configuration errors of ATS traffic as well. */
export const CR2_REC_CFG_ATS = (0 << 16) | (3 << 8) | 1;

export const GBPA_ABORT = (0 << 16) | (20 << 8) | 1;
export const GBPA_UPDATE = (0 << 16) | (31 << 8) | 1;

export const IRQ_CTRL_GERROR_IRQEN = (0 << 16) | (0 << 8) | 1;
export const IRQ_CTRL_PRIQ_IRQEN = (0 << 16) | (1 << 8) | 1;
export const IRQ_CTRL_EVENTQ_IRQEN = (0 << 16) | (2 << 8) | 1;

// GERROR and GERRORN share one layout; an error is active where they differ (IHI 0070
// section 7.5).
export const GERROR_CMDQ_ERR = (0 << 16) | (0 << 8) | 1;
export const GERROR_EVENTQ_ABT_ERR = (0 << 16) | (2 << 8) | 1;
export const GERROR_PRIQ_ABT_ERR = (0 << 16) | (3 << 8) | 1;
/** An MSI was terminated with an abort: of a CMD_SYNC, the event queue, GERROR itself. */
export const GERROR_MSI_CMDQ_ABT_ERR = (0 << 16) | (4 << 8) | 1;
export const GERROR_MSI_EVENTQ_ABT_ERR = (0 << 16) | (5 << 8) | 1;
export const GERROR_MSI_PRIQ_ABT_ERR = (0 << 16) | (6 << 8) | 1;
export const GERROR_MSI_GERROR_ABT_ERR = (0 << 16) | (7 << 8) | 1;
/** An ECMDQ has stopped at an error; the CONS registers tell which. */
export const GERROR_CMDQP_ERR = (0 << 16) | (9 << 8) | 1;
/** Bits of GERROR that are not reserved. */
export const GERROR_VALID = 0x3fd;

// STRTAB_BASE and queue bases are 64-bit: address bits, then LOG2SIZE where the register
// has one.
export const STRTAB_BASE_CFG_LOG2SIZE = (0 << 16) | (0 << 8) | 6;
/** Bits of a StreamID that index the level-2 table: 6, 8 or 10. */
export const STRTAB_BASE_CFG_SPLIT = (0 << 16) | (6 << 8) | 5;
/** 0 linear, 1 two-level. */
export const STRTAB_BASE_CFG_FMT = (0 << 16) | (16 << 8) | 2;
export const STRTAB_FMT_2LEVEL = 1;
/** In CMDQ_BASE, EVENTQ_BASE and PRIQ_BASE. */
export const Q_BASE_LOG2SIZE = (0 << 16) | (0 << 8) | 5;

/** Index and wrap bit of a queue register: at most 19 index bits and the wrap bit. */
export const Q_INDEX = (0 << 16) | (0 << 8) | 20;
export const CMDQ_CONS_ERR = (0 << 16) | (24 << 8) | 7;
/**
 * OVFLG of EVENTQ_PROD and PRIQ_PROD; the same bit of EVENTQ_CONS and PRIQ_CONS is
 * OVACKFLG.
 */
export const Q_OVFLG = (0 << 16) | (31 << 8) | 1;

// The same fields under the specification's names, by register.
export const CMDQ_BASE_LOG2SIZE = Q_BASE_LOG2SIZE;
export const CMDQ_PROD_WR = Q_INDEX;
export const CMDQ_CONS_RD = Q_INDEX;
export const EVENTQ_BASE_LOG2SIZE = Q_BASE_LOG2SIZE;
export const EVENTQ_PROD_WR = Q_INDEX;
export const EVENTQ_PROD_OVFLG = Q_OVFLG;
export const EVENTQ_CONS_RD = Q_INDEX;
export const EVENTQ_CONS_OVACKFLG = Q_OVFLG;
export const PRIQ_BASE_LOG2SIZE = Q_BASE_LOG2SIZE;
export const PRIQ_PROD_WR = Q_INDEX;
export const PRIQ_PROD_OVFLG = Q_OVFLG;
export const PRIQ_CONS_RD = Q_INDEX;
export const PRIQ_CONS_OVACKFLG = Q_OVFLG;

/** Bytes of a command, an event record and a PRI queue entry. */
export const CMDQ_ENTRY_SIZE = 16;
export const EVENTQ_ENTRY_SIZE = 32;
export const PRIQ_ENTRY_SIZE = 16;

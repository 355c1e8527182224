// SPDX-License-Identifier: MIT
// Register maps of a GICv3 (IHI 0069, chapter 12): distributor, redistributor, CPU
// interface.

export const GICD_SIZE = 0x10000;
export const GICD_CTLR = 0x0000;
export const GICD_TYPER = 0x0004;
export const GICD_IIDR = 0x0008;
export const GICD_IROUTER = 0x6000;

/** A redistributor without virtual LPIs: RD frame, then SGI frame. */
export const GICR_SIZE = 0x20000;
export const GICR_SGI_FRAME = 0x10000;
export const GICR_CTLR = 0x0000;
export const GICR_IIDR = 0x0004;
export const GICR_TYPER = 0x0008;
export const GICR_WAKER = 0x0014;
/** 64 bits. */
export const GICR_PROPBASER = 0x0070;
/** 64 bits. */
export const GICR_PENDBASER = 0x0078;

// Banks that have a register or field for each interrupt, at the same offsets in the
// distributor and in an SGI frame.
export const GIC_IGROUPR = 0x0080;
export const GIC_ISENABLER = 0x0100;
export const GIC_ICENABLER = 0x0180;
export const GIC_ISPENDR = 0x0200;
export const GIC_ICPENDR = 0x0280;
export const GIC_ISACTIVER = 0x0300;
export const GIC_ICACTIVER = 0x0380;
export const GIC_IPRIORITYR = 0x0400;
export const GIC_ICFGR = 0x0c00;
/** Identification registers, one word each: PIDR4 to 7, PIDR0 to 3, CIDR0 to 3. */
export const GIC_IDENTIFICATION = 0xffd0;

export const GICD_CTLR_ENABLE_GRP0 = 0x1;
export const GICD_CTLR_ENABLE_GRP1 = 0x2;
/** ARE and DS, which are always set: affinity routing, one security state. */
export const GICD_CTLR_FIXED = 0x50;
/** No 1 of N routing; 16 bits of INTID; ITLinesNumber has to be added. */
export const GICD_TYPER_FIXED = 0x02780000;
/** Arm, product 0. */
export const GIC_IIDR_VALUE = 0x0000043b;
/** LPIs exist. */
export const GICD_TYPER_LPIS = 0x20000;
export const GICR_CTLR_ENABLE_LPIS = 0x1;
/** Physical LPIs exist. */
export const GICR_TYPER_PLPIS = 0x1;
export const GICR_TYPER_LAST = 0x10;
export const GICR_TYPER_PROCESSOR_SHIFT = 8;
export const GICR_WAKER_PROCESSOR_SLEEP = 0x2;
export const GICR_WAKER_CHILDREN_ASLEEP = 0x4;

// Bits of GICR_PROPBASER and GICR_PENDBASER that software writes, by halves:
// cacheability, shareability, address; IDbits or PTZ.
export const GICR_PROPBASER_LO = 0xffffff9f;
export const GICR_PROPBASER_HI = 0x070fffff;
export const GICR_PENDBASER_LO = 0xffff0f80;
export const GICR_PENDBASER_HI = 0x470fffff;
/** In the high half: the pending table is zero. Write-only. */
export const GICR_PENDBASER_PTZ = 0x40000000;
export const GICR_PROPBASER_IDBITS = 0x1f;

// A byte of the LPI configuration table (IHI 0069 section 5.1.1).
export const LPI_CONFIG_ENABLE = 0x1;

// System registers, as op0:op1:CRn:CRm:op2 in 16 bits.
export const ICC_PMR_EL1 = 0xc230;
export const ICC_IAR0_EL1 = 0xc640;
export const ICC_EOIR0_EL1 = 0xc641;
export const ICC_HPPIR0_EL1 = 0xc642;
export const ICC_BPR0_EL1 = 0xc643;
export const ICC_AP0R0_EL1 = 0xc644;
export const ICC_AP1R0_EL1 = 0xc648;
export const ICC_DIR_EL1 = 0xc659;
export const ICC_RPR_EL1 = 0xc65b;
export const ICC_SGI1R_EL1 = 0xc65d;
export const ICC_ASGI1R_EL1 = 0xc65e;
export const ICC_SGI0R_EL1 = 0xc65f;
export const ICC_IAR1_EL1 = 0xc660;
export const ICC_EOIR1_EL1 = 0xc661;
export const ICC_HPPIR1_EL1 = 0xc662;
export const ICC_BPR1_EL1 = 0xc663;
export const ICC_CTLR_EL1 = 0xc664;
export const ICC_SRE_EL1 = 0xc665;
export const ICC_IGRPEN0_EL1 = 0xc666;
export const ICC_IGRPEN1_EL1 = 0xc667;

export const ICC_CTLR_CBPR = 0x1;
export const ICC_CTLR_EOIMODE = 0x2;
/** PRIbits - 1 = 4; 16 bits of INTID. */
export const ICC_CTLR_FIXED = 0x400;
/** SRE, DFB and DIB: system registers only, no bypass. */
export const ICC_SRE_VALUE = 0x7;
/** The INTID read when there is no interrupt to acknowledge. */
export const ICC_INTID_NONE = 1023;
/** INTIDs from here up to 1023 have special meanings. */
export const ICC_INTID_SPECIAL = 1020;
/** The implemented bits of a priority. */
export const GIC_PRIORITY_BITS = 0xf8;
/**
 * Least values of the binary points, with which all implemented bits are in the group
 * priority.
 */
export const ICC_MIN_BPR0 = 2;
export const ICC_MIN_BPR1 = 3;
/** Priority of a CPU interface that handles no interrupt. */
export const ICC_IDLE_PRIORITY = 0xff;

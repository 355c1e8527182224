// SPDX-License-Identifier: MIT
// The GIC's state in shared memory, on which the distributor, the redistributors, the CPU
// interfaces of all vCPUs and all devices operate. The block's address is a multiple of
// 0x1000. Everything is u32. "Atomic" words change by one read-modify-write; the others
// belong to the thread that runs the vCPU.

export const GIC_AT_VCPUS = 0x0;
/** INTIDs that exist, a multiple of 32: SGIs and PPIs are below 32, SPIs above. */
export const GIC_AT_INTIDS = 0x4;
/** Atomic: EnableGrp0 and EnableGrp1 of GICD_CTLR. */
export const GIC_AT_CTLR = 0x8;
/** Address of the LPI area; 0 when the GIC has no LPIs. */
export const GIC_AT_LPIS = 0xc;
// RAM, where the tables of LPIs and of the ITS are: gpa and address of its first byte,
// and its size in bytes.
export const GIC_AT_RAM_GPA = 0x10;
export const GIC_AT_RAM = 0x14;
export const GIC_AT_RAM_SIZE = 0x18;
/**
 * Work of the accesses that visit LPIs, for its host, which takes it away: an LPI counts
 * 1. Only the thread that accesses the frames uses it.
 */
export const GIC_AT_WORK = 0x1c;

// The ITS: registers as software reads them, except for fields that never change. u64
// where noted.
export const GIC_AT_ITS_CTLR = 0x100;
/** Offset of the next command to be executed. */
export const GIC_AT_ITS_CREADR = 0x104;
/** Offset after the last command. */
export const GIC_AT_ITS_CWRITER = 0x108;
/** Count of commands that ended in an error, modulo 2^32. */
export const GIC_AT_ITS_ERRORS = 0x10c;
/** Error code of the last such command, ITS_ERROR_*. */
export const GIC_AT_ITS_ERROR = 0x110;
/** u64. */
export const GIC_AT_ITS_CBASER = 0x118;
/** u64, the device table's. */
export const GIC_AT_ITS_BASER0 = 0x120;
/** u64, the collection table's. */
export const GIC_AT_ITS_BASER1 = 0x128;

/** By INTID from 32 on, atomic: the SPIs' words. */
export const GIC_SPIS = 0x1000;
/** By INTID from 32 on, atomic: Aff3.Aff2.Aff1.Aff0 of GICD_IROUTER, a byte each. */
export const GIC_ROUTES = 0x2000;
/** The vCPUs' blocks. */
export const GIC_CPUS = 0x3000;
export const GIC_CPU_SIZE = 0x200;

export const GIC_MAX_INTIDS = 1024;
export const GIC_MAX_VCPUS = 256;
/** INTIDs private to each vCPU: 16 SGIs, 16 PPIs. */
export const GIC_PRIVATE_INTIDS = 32;
export const GIC_SGIS = 16;
export const GIC_FIRST_LPI = 8192;
/** Number of LPIs: INTIDs have 16 bits. */
export const GIC_LPIS = 57344;

// The word of an interrupt. It has everything that decides whether the interrupt is
// delivered, and where, so that the compare-and-swaps of a claim and of a change that
// removes its reason are ordered.
/** Pending because of an edge or a write, regardless of the line. */
export const GIC_INT_LATCH = 0x1;
/** The line is high. */
export const GIC_INT_LINE = 0x2;
export const GIC_INT_ENABLED = 0x4;
export const GIC_INT_ACTIVE = 0x8;
/** Edge-triggered; level-sensitive without. */
export const GIC_INT_EDGE = 0x10;
export const GIC_INT_GROUP1 = 0x20;
/** It is in group 1, and GICD_CTLR.EnableGrp1 is set. */
export const GIC_INT_FORWARDED = 0x40;
export const GIC_INT_PRIORITY_SHIFT = 8;
export const GIC_INT_PRIORITY = 0xff00;
/** The vCPU that it is routed to, GIC_INT_NOWHERE for none. */
export const GIC_INT_TARGET_SHIFT = 16;
export const GIC_INT_TARGET = 0xffff0000;
export const GIC_INT_NOWHERE = 0xffff;

// The block of a vCPU.
/** By INTID below 32, atomic: words of SGIs and PPIs. */
export const GIC_CPU_PRIVATE = 0x0;
/**
 * Atomic: a bit for each INTID that may be deliverable to this vCPU. A set bit may be out
 * of date. A clear bit is accurate, except between the two steps by which a thread makes
 * an interrupt deliverable.
 */
export const GIC_CPU_CANDIDATES = 0x80;
/**
 * Address of the atomic word whose bit GIC_PENDING_IRQ asks the vCPU to check its
 * candidates.
 */
export const GIC_CPU_PENDING_AT = 0x100;
/** Address of the atomic word that is then set to 0, so that the vCPU checks soon. */
export const GIC_CPU_LIMIT_AT = 0x104;
/**
 * Atomic: not 0 while the vCPU's thread waits on the word at GIC_CPU_PENDING_AT, or is
 * about to.
 */
export const GIC_CPU_ASLEEP = 0x108;
/** Targets of the two addresses until the vCPU sets its own. */
export const GIC_CPU_OWN_PENDING = 0x10c;
export const GIC_CPU_OWN_LIMIT = 0x110;
/** GICR_WAKER.ProcessorSleep, at its position. */
export const GIC_CPU_WAKER = 0x114;
// The CPU interface, as its registers read.
export const GIC_CPU_PMR = 0x120;
export const GIC_CPU_BPR0 = 0x124;
export const GIC_CPU_BPR1 = 0x128;
export const GIC_CPU_IGRPEN0 = 0x12c;
export const GIC_CPU_IGRPEN1 = 0x130;
/** CBPR and EOImode. */
export const GIC_CPU_CTLR = 0x134;
export const GIC_CPU_AP0R = 0x138;
export const GIC_CPU_AP1R = 0x13c;
/** Atomic: GICR_CTLR.EnableLPIs, at its position. */
export const GIC_CPU_LPIS_ENABLED = 0x140;
/** u64: GICR_PROPBASER as software reads it. */
export const GIC_CPU_PROPBASER = 0x148;
/** u64: GICR_PENDBASER as software reads it, and PTZ. */
export const GIC_CPU_PENDBASER = 0x150;

export const GIC_PENDING_IRQ = 1;

// The LPI area: an atomic word for each LPI, with the bits of GIC_INT_*; then a block for
// each vCPU. Enable and priority are those last read from the LPI's byte in the
// configuration table (IHI 0069 section 5.1.1).
export const GIC_LPI_WORDS_SIZE = 0x38000;
export const GIC_LPI_CPU_SIZE = 0x4000;
/** In such a block, atomic: candidates, a bit for each LPI. */
export const GIC_LPI_CANDIDATES = 0x0;
/**
 * By priority, atomic: a bit for each word of the candidates that has one of this
 * priority, with the accuracy of GIC_CPU_CANDIDATES.
 */
export const GIC_LPI_SUMMARY = 0x1c00;
/** Bytes of the summary of a priority. */
export const GIC_LPI_SUMMARY_SIZE = 0xe0;
/**
 * Atomic: a bit for each of the 32 priorities whose summary is not 0, just as accurate.
 */
export const GIC_LPI_PRIORITIES = 0x3800;
/** The lowest bit of a priority that is implemented. */
export const GIC_PRIORITY_SHIFT = 3;

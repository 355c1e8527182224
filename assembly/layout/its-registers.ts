// SPDX-License-Identifier: MIT
// Register map of a GICv3 ITS (IHI 0069 sections 12.18 and 12.19): control frame, then
// translation frame.

export const GITS_SIZE = 0x20000;
/** Offset of the translation frame, which has a page of its own. */
export const GITS_TRANSLATION_FRAME = 0x10000;
export const GITS_CTLR = 0x0000;
export const GITS_IIDR = 0x0004;
/** 64 bits, like the registers below. */
export const GITS_TYPER = 0x0008;
export const GITS_CBASER = 0x0080;
export const GITS_CWRITER = 0x0088;
export const GITS_CREADR = 0x0090;
/** The first of eight. */
export const GITS_BASER = 0x0100;
/** In the translation frame: 32 bits, write-only. */
export const GITS_TRANSLATER = 0x0040;

export const GITS_CTLR_ENABLED = 0x1;
/** Enabled and ImDe. */
export const GITS_CTLR_WRITABLE = 0x3;
export const GITS_CTLR_QUIESCENT = 0x80000000;

/**
 * Physical LPIs; entries of 8 bytes; 16 bits of EventID and of DeviceID; a target is a
 * Processor_Number; no collections without a table.
 */
export const GITS_TYPER_VALUE = 0x0001ef71;

// Bits that software writes, by halves: valid, cacheability, address, shareability, size.
export const GITS_CBASER_LO = 0xfffffcff;
export const GITS_CBASER_HI = 0xb8efffff;
/** Page size and indirect in addition. */
export const GITS_BASER_LO = 0xffffffff;
export const GITS_BASER_HI = 0xf8e0ffff;
/** In the high half of GITS_CBASER and of a GITS_BASER. */
export const GITS_VALID_HI = 0x80000000;
/** In the high half: type of the table, and bytes of an entry less 1. */
export const GITS_BASER0_FIXED_HI = 0x01070000;
export const GITS_BASER1_FIXED_HI = 0x04070000;
export const GITS_BASER_INDIRECT_HI = 0x40000000;
/** 64 KiB; 0x100: 16 KiB, 0: 4 KiB. */
export const GITS_BASER_PAGE_64K = 0x200;
export const GITS_BASER_PAGE_SIZE = 0x300;
export const GITS_BASER_PAGE_SHIFT = 8;
/** Pages less 1, of GITS_CBASER (4 KiB each) and of a GITS_BASER. */
export const GITS_PAGES = 0xff;
/** Offset field of GITS_CWRITER and GITS_CREADR. */
export const GITS_COMMAND_OFFSET = 0xfffe0;

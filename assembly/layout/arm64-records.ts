// SPDX-License-Identifier: MIT
// Decoded instructions: one record page per page of code, shared by all vCPUs and found
// by the physical page. Offsets in bytes.

/**
 * A record is one aligned u64: handler (u16), a (u8), b (u8), c (u32). All zero: not
 * decoded yet. A page has 1024 records, and one that continues on the next page.
 */
export const ARM64_RECORD_SIZE = 8;
export const ARM64_PAGE_RECORDS = 1024;

// A record page has a header before its records, u32 each: the host address of the code;
// and the number of times its records have been discarded, which a region checks that was
// entered from another page.
export const ARM64_PAGE_HEADER = 16;
export const ARM64_PAGE_CODE = 16;
export const ARM64_PAGE_GENERATION = 12;
export const ARM64_PAGE_STRIDE =
  ARM64_PAGE_HEADER + (ARM64_PAGE_RECORDS + 1) * ARM64_RECORD_SIZE + 40;

// With ARM64_POOL_CHECK each record page is followed by the words before they were stored
// to, 16 bytes each: the word (u32), flags (u32), PC of the store (u64).
export const ARM64_SHADOW = ARM64_PAGE_STRIDE - ARM64_PAGE_HEADER;
export const ARM64_SHADOW_SIZE = 16;
export const ARM64_SHADOW_FLAGS = 4;
export const ARM64_SHADOW_PC = 8;
export const ARM64_CHECKED_STRIDE = ARM64_PAGE_STRIDE + ARM64_PAGE_RECORDS * ARM64_SHADOW_SIZE;

// ARM64_STALE_WHY: IC is missing, or the context synchronization that has to follow it.
export const ARM64_STALE_NO_IC = 0;
export const ARM64_STALE_NO_ISB = 1;

// The pool: u32 words, then one u32 per 4 KiB of RAM (the record page, or 0), then record
// pages.
export const ARM64_POOL_END = 0x04;
/** Address of the next free record page; shared. */
export const ARM64_POOL_NEXT = 0x08;
/** Set by the host: stores to instructions are checked (icache-check.ts). */
export const ARM64_POOL_CHECK = 0x0c;
export const ARM64_POOL_TABLE = 0x40;

// Decoded instructions: one record page per page of code, shared by all vCPUs, found by
// the physical page. Offsets in bytes.

/**
 * A record is one aligned u64: handler (u16), a (u8), b (u8), c (u32). All zero: not
 * decoded yet. 1024 of a page, and one that goes on to the next page.
 */
export const ARM64_RECORD_SIZE = 8;
export const ARM64_PAGE_RECORDS = 1024;

// A record page has a header before its records: host address of the code.
export const ARM64_PAGE_HEADER = 16;
export const ARM64_PAGE_CODE = 16;
export const ARM64_PAGE_STRIDE =
  ARM64_PAGE_HEADER + (ARM64_PAGE_RECORDS + 1) * ARM64_RECORD_SIZE + 40;

// The pool: u32 words, then one u32 per 4 KiB of RAM (the record page, or 0), then record
// pages.
export const ARM64_POOL_END = 0x04;
/** Address of the next record page to be handed out; shared. */
export const ARM64_POOL_NEXT = 0x08;
export const ARM64_POOL_TABLE = 0x40;

// SPDX-License-Identifier: MIT
// Regions: WebAssembly functions, generated while the guest runs, that execute the
// instructions of records. The record of an instruction at which a region can be entered
// is replaced by one with the handler REGION, whose c is the address of the region's
// entry. That record is the only way into the region, so whatever discards records, such
// as IC, discards the region with them.

/**
 * An entry, in record pages without code. Offsets in bytes. It begins with the replaced
 * record, decoded for this place, followed by a record that returns to the original page.
 */
export const ARM64_ENTRY_SIZE = 32;
export const ARM64_ENTRY_RESUME = 0x08;
/** u32: index of the region in the function table; its argument. */
export const ARM64_ENTRY_FUNCTION = 0x10;
export const ARM64_ENTRY_NUMBER = 0x14;
/**
 * u32: the most that a region executes before it checks ARM64_LIMIT, in the unit of that
 * word. A region is entered only if this much is left of the slice.
 */
export const ARM64_ENTRY_LONGEST = 0x18;

// Results of a region. The region has stored all state that it changed. ARM64_DP is the
// next record, which may belong to another region; with INTERPRET the interpreter has to
// execute it first.
export const ARM64_REGION_NEXT = 0;
export const ARM64_REGION_INTERPRET = 1;
/**
 * ARM64_PC is the next address, and ARM64_ACC the count itself: the record has to be
 * looked up.
 */
export const ARM64_REGION_FAR = 2;

// SPDX-License-Identifier: MIT
// Regions: functions of WebAssembly that do what records say, made while the guest runs. The
// record of an instruction at which a region can be entered is replaced by one with the
// handler REGION, whose c is the address of the region's entry. Whatever forgets records, as
// IC does, forgets the region with them: there is no other way to it.

/**
 * An entry, in a record page of its own. Offsets in bytes. It begins with the record that was
 * replaced, decoded for this place, and behind it one that goes back.
 */
export const ARM64_ENTRY_SIZE = 32;
export const ARM64_ENTRY_RESUME = 0x08;
/** u32: index of the region in the table; what it is called with. */
export const ARM64_ENTRY_FUNCTION = 0x10;
export const ARM64_ENTRY_NUMBER = 0x14;
/**
 * u32: the most that a region executes before it looks at ARM64_LIMIT, in its unit. It is
 * entered only where that fits.
 */
export const ARM64_ENTRY_LONGEST = 0x18;

// What a region returns. It has stored what it has changed; ARM64_DP is the record that is
// next, which is for the region that it may lead to, or for the interpreter first.
export const ARM64_REGION_NEXT = 0;
export const ARM64_REGION_INTERPRET = 1;
/**
 * ARM64_PC is what is next, and ARM64_ACC the count itself: the record is to be looked for.
 */
export const ARM64_REGION_FAR = 2;

// SPDX-License-Identifier: MIT
// Attributes of an access, the `attributes` argument of the IOMMUs' `translate` and the
// value of THREAD_ATTRIBUTES: a sum of ACCESS_*, 0 for an unprivileged read of data.

/** Write access; otherwise a read. */
export const ACCESS_WRITE = 1;
/** Privileged; otherwise unprivileged. */
export const ACCESS_PRIVILEGED = 2;
/**
 * Instruction fetch; otherwise data. A write is data even with this bit (IHI 0070 section
 * 13.1.2).
 */
export const ACCESS_INSTRUCTION = 4;
/**
 * With ACCESS_WRITE: an atomic operation, which also reads the bytes that it overwrites.
 */
export const ACCESS_ATOMIC = 8;
/** Of a page request: not the last of its group. */
export const ACCESS_MORE = 16;
/** In place of a SubstreamID, or of a PASID: the access has none. */
export const ACCESS_NO_SSID = -1;

// Used by the SMMU core alone.
/**
 * An ATS Translation Request: it does not stall, and its faults are not recorded but
 * returned to the requester.
 */
export const ACCESS_ATS_REQUEST = 0x40000000;
/** Not an access: the walk updates no descriptor. */
export const ACCESS_LOOK = 0x80000000;

// SPDX-License-Identifier: MIT
// Attributes of an access, as the IOMMUs' `translate` takes them and THREAD_ATTRIBUTES
// has them: a sum of ACCESS_*, 0 for an unprivileged read of data.

/** Write access; otherwise a read. */
export const ACCESS_WRITE = 1;
/** Privileged; otherwise unprivileged. */
export const ACCESS_PRIVILEGED = 2;
/**
 * Instruction fetch; otherwise data. A write is data whatever this says (IHI 0070 section
 * 13.1.2).
 */
export const ACCESS_INSTRUCTION = 4;
/** With ACCESS_WRITE: an atomic operation, which reads what it overwrites. */
export const ACCESS_ATOMIC = 8;
/** Of a page request: others of its group follow it. */
export const ACCESS_MORE = 16;
/** In place of a SubstreamID, or of a PASID: the access has none. */
export const ACCESS_NO_SSID = -1;

// What only the SMMU core itself says.
/**
 * An ATS Translation Request: it neither stalls nor has its faults recorded, they are the
 * requester's affair.
 */
export const ACCESS_ATS_REQUEST = 0x40000000;
/** No access at all: a walk that only looks, and updates no descriptor. */
export const ACCESS_LOOK = 0x80000000;

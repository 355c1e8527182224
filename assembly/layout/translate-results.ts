// SPDX-License-Identifier: MIT
// What a translation comes to: results of `translate`, of the SMMU core and of the AMD
// IOMMU.

/** The access goes to THREAD_PA. */
export const TRANSLATE_OK = 0;
/** Refused; any event has been recorded. */
export const TRANSLATE_ABORT = 1;
/** A fault whose CD says that reads are zero and writes are ignored. */
export const TRANSLATE_RAZWI = 2;
/**
 * The transaction has stalled and its event is recorded, with the STAG in THREAD_EVENT.
 */
export const TRANSLATE_STALLED = 3;
/**
 * The transaction would stall, and the SMMU has no room for it or its record now: it
 * waits in front of the SMMU, to be translated again later.
 */
export const TRANSLATE_WAIT = 4;

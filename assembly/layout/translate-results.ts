// SPDX-License-Identifier: MIT
// Results of `translate`, of the SMMU core and of the AMD IOMMU.

/** The access may proceed, at THREAD_PA. */
export const TRANSLATE_OK = 0;
/** Refused; any event has been recorded. */
export const TRANSLATE_ABORT = 1;
/** A fault whose CD makes reads return zero and writes have no effect. */
export const TRANSLATE_RAZWI = 2;
/**
 * The transaction has stalled and its event is recorded, with the STAG in THREAD_EVENT.
 */
export const TRANSLATE_STALLED = 3;
/**
 * The transaction would stall, but the SMMU has no room for it or its record now: it
 * waits in front of the SMMU, to be translated again later.
 */
export const TRANSLATE_WAIT = 4;

// SPDX-License-Identifier: MIT
// The SMMU core with the sanitizer (docs/sanitizer.md): the same exports, the same
// results.

export { atcAccess, atcForget, atcSetMode } from '../smmu-core/atc';
export { translationRequest } from '../smmu-core/ats';
export { accessBegin, accessEnd } from '../smmu-core/in-flight';
export { pageRequest } from '../smmu-core/page-request';
export { stallAbandon, stallAnswer, stallForget } from '../smmu-core/stall';
export { clock, endTraceRun, traceDoorbell, traceRun } from '../smmu-core/trace-writer';
export { pageHint, translate } from './checked-translate';
export { judgeCfgi } from './compare-reading';
export { judgeTlbi } from './shadow-invalidate';

/** Tells the loader that this core has the sanitizer. */
export const checked: bool = true;

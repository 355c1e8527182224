// SPDX-License-Identifier: MIT
// The SMMU core: translation on behalf of bus masters. See
// docs/internals/architecture.md.

export { atcAccess, atcForget, atcSetMode } from './atc';
export { translationRequest } from './ats';
export { accessBegin, accessEnd } from './in-flight';
export { judgeCfgi, judgeTlbi } from './judge-nothing';
export { pageHint } from './page-hint';
export { pageRequest } from './page-request';
export { stallAbandon, stallAnswer, stallForget } from './stall';
export { clock, endTraceRun, traceDoorbell, traceRun } from './trace-writer';
export { translate } from './translate';
export { translateSegments } from './translate-segments';

// The SMMU core: translation on behalf of bus masters. See docs/architecture.md.

export { accessBegin, accessEnd } from './in-flight';
export { stallAbandon, stallAnswer, stallForget } from './stall';
export { endTraceRun, traceDoorbell, traceRun } from './trace';
export { translate } from './translate';

// The SMMU core with the sanitizer in it (docs/sanitizer.md): the same exports, the same results.

export { accessBegin, accessEnd } from '../smmu-core/in-flight';
export { stallAbandon, stallAnswer, stallForget } from '../smmu-core/stall';
export { endTraceRun, traceDoorbell, traceRun } from '../smmu-core/trace';
export { translate } from './translate';

/** What this core is told by. */
export const checked: bool = true;

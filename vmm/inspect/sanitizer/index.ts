// SPDX-License-Identifier: MIT

export type { Change, Finding, StreamOwner } from './finding.ts';
export { BETWEEN_STEPS } from './finding.ts';
export { type FindingOwner, HostSanitizer } from './host-sanitizer.ts';
export { Sanitizer, type SanitizerCounts } from './sanitizer.ts';
export type { UnadvertisedUse } from './unadvertised-use.ts';

// SPDX-License-Identifier: MIT

export * from './chrome.ts';
export * from './hot-record.ts';
export * from './read-trace.ts';
export * from './summary.ts';
export * from './times.ts';
export * from './trace.ts';
export * from './trace-record.ts';
export * from './trace-ring.ts';

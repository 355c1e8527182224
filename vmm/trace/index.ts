export * from './chrome.ts';
export * from './hot-record.ts';
export * from './ring.ts';
export * from './summary.ts';
export * from './times.ts';
export * from './trace.ts';

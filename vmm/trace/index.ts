export * from './chrome.ts';
export * from './ring.ts';
export * from './summary.ts';
export * from './trace.ts';

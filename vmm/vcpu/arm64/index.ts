export * from './arm64-board.ts';
export * from './arm64-guest.ts';
export * from './arm64-memory.ts';
export { COUNTER_HZ } from './arm64-timers.ts';

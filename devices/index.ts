// Entry "vsmmu/devices": the plugin interface, the device models, and what they stand on.

export { type HotModules, isChecked, loadHotModules, type MemoryRegion } from '../assembly/load.ts';
export type { Clock } from './bus/clock.ts';
export { type PendingTimer, TimerQueue } from './bus/timer-queue.ts';
export * from './checkpoint/index.ts';
export * from './cmdqv/index.ts';
export * from './decode/index.ts';
export * from './dma-engine/index.ts';
export * from './pl011/index.ts';
export * from './plugin/index.ts';
export * from './smmuv3/index.ts';
export * from './tables/index.ts';
export * from './unit/index.ts';

// SPDX-License-Identifier: MIT
// Entry "vsmmu/devices": the plugin interface, the device models, and what they build on.

export {
  type HotModuleOptions,
  type HotModules,
  type HotModuleUrls,
  isChecked,
  type MemoryRegion,
} from '../assembly/load.ts';
export { Bus, type BusMount, type BusStatistics, type RegisterCounter } from './bus/bus.ts';
export { type Clock, SYSTEM_CLOCK } from './bus/clock.ts';
export { DeviceComplex, type DeviceComplexOptions } from './bus/device-complex.ts';
export type { DirectMapper, DirectRange } from './bus/direct-mapper.ts';
export { guestMemoryOf } from './bus/guest-memory.ts';
export type { InterruptSink } from './bus/interrupt-sink.ts';
export type { DoorbellPages, MsiController, MsiSink } from './bus/msi-sink.ts';
export type { Placement } from './bus/placement.ts';
export { type PendingTimer, TimerQueue } from './bus/timer-queue.ts';
export * from './checkpoint/index.ts';
export * from './cmdqv/index.ts';
export * from './decode/index.ts';
export * from './dma-engine/index.ts';
export * from './pcie/index.ts';
export * from './pl011/index.ts';
// Before the library's own, of which they are the names.
export {
  bitsOf,
  fieldOf,
  maskInWord,
  setField,
  withBits,
  wordOf,
} from './plugin/checked-bit-fields.ts';
export * from './plugin/index.ts';
export * from './smmuv3/index.ts';
export * from './tables/index.ts';
export * from './unit/index.ts';
export * from './virtio/index.ts';

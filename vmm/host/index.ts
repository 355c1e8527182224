export * from './errors.ts';
export * from './footprint.ts';
export * from './host.ts';
export type {
  HostInspection,
  QueueInspection,
  SidPairInspection,
  VintfInspection,
  ViommuInspection,
  VmInspection,
} from './inspect.ts';
export type {
  QueueErrorDecision,
  QueueErrorEvent,
  QueueErrorPolicy,
  QueueErrorReason,
} from './queue-error-policy.ts';
export type { Change, Finding, SanitizerCounts } from './sanitizer/index.ts';
export type { SmmuCounters } from './statistics.ts';
export type { Vintf } from './vintf.ts';
export type { Viommu, ViommuStatistics } from './viommu.ts';
export type { Vm } from './vm.ts';
export { VmidAllocator, type VmidHolder } from './vmid-allocator.ts';

// SPDX-License-Identifier: MIT

export * from './driver.ts';
export {
  type FaultQueue,
  PGFAULT_ANSWER_SIZE,
  PGFAULT_SIZE,
  VEVENT_FLAG_LOST,
  VEVENT_HEADER_SIZE,
  type Veventq,
} from './event-files.ts';
export { FaultGroups, PGFAULT_GROUP_MOST } from './fault-groups.ts';
export * from './gate.ts';
export type { IovaRange, IovaRanges, MapRequest } from './ioas.ts';
export * from './iommufd.ts';
export { type Errno, IommufdError } from './iommufd-error.ts';
export type { ObjectType } from './object.ts';
export * from './requests.ts';
export * from './uapi.ts';
export type { MappedPage } from './viommu.ts';

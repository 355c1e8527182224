// SPDX-License-Identifier: MIT

export * from './amd-inspection.ts';
export * from './footprint.ts';
export * from './host-inspection.ts';
export * from './inspected.ts';
export * from './iotlb-view.ts';
export * from './owned-inspection.ts';
export * from './queue-text.ts';
export * from './smmu-counters.ts';

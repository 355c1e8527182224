// SPDX-License-Identifier: MIT

export * from './guest-id-registers.ts';
export * from './id-registers.ts';
export * from './physical-smmu.ts';
export type { SmmuRefusal } from './refusal-watch.ts';
export * from './viommu-backend.ts';
export * from './virtual-smmu.ts';

// SPDX-License-Identifier: MIT

export * from './amd-register-specs.ts';
export * from './amd-unit.ts';
export * from './backend.ts';
export * from './guest-block.ts';
export * from './physical-amd-iommu.ts';
export * from './tables.ts';
export * from './virtual-amd-iommu.ts';

// SPDX-License-Identifier: MIT

export * from './amd-device.ts';
export * from './amd-iommu.ts';
export * from './amd-viommu.ts';

// SPDX-License-Identifier: MIT

export * from './amd-guest-iommu.ts';
export * from './amd-host.ts';

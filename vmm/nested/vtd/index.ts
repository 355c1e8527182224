// SPDX-License-Identifier: MIT

export * from './vtd-guest-iommu.ts';
export * from './vtd-host.ts';
export * from './vtd-vm.ts';

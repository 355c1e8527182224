// SPDX-License-Identifier: MIT

export * from './physical-iommu.ts';
export { steDoublewordsInUse } from './ste-update.ts';
export * from './thread-allocator.ts';
export * from './vm.ts';
export * from './vm-vmids.ts';
export * from './vmid-account.ts';
export * from './vmid-allocator.ts';

// SPDX-License-Identifier: MIT

export { MOCK_INVALIDATE_DATA } from './mock-invalidations.ts';
export * from './mock-iommu.ts';

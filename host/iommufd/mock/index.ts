// SPDX-License-Identifier: MIT

export * from './mock-iommu.ts';

export * from './mock-iommu.ts';

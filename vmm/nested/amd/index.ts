export * from './amd-guest-iommu.ts';
export * from './amd-host.ts';

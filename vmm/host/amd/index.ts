export * from './amd-device.ts';
export * from './amd-guest-iommu.ts';
export * from './amd-host.ts';
export * from './amd-iommu.ts';
export * from './amd-viommu.ts';

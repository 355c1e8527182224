export * from './id-registers.ts';
export * from './physical.ts';
export * from './viommu-backend.ts';
export * from './virtual.ts';

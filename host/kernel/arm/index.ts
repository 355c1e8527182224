// SPDX-License-Identifier: MIT

export { ArmDevice } from './arm-device.ts';
export { ArmIommu, type ArmIommuOptions } from './arm-iommu.ts';
export { vsteBytes } from './arm-nested.ts';
export type { ArmViommu } from './arm-viommu.ts';
export { TEGRA241_VIOMMU_DATA_SIZE } from './tegra241-viommu.ts';

// SPDX-License-Identifier: MIT

export * from './vtd-device.ts';
export * from './vtd-hardware.ts';
export * from './vtd-iommu.ts';
export * from './vtd-nested.ts';
export * from './vtd-second-stage.ts';

// SPDX-License-Identifier: MIT

export * from './invalidation-descriptors.ts';
export * from './physical-vtd.ts';
export * from './virtual-vtd.ts';
export * from './vtd-dma-port.ts';
export * from './vtd-registers.ts';
export * from './vtd-structures.ts';

// SPDX-License-Identifier: MIT

export type { StaleInstruction } from '../../vcpu/arm64/index.ts';
export * from './affinity.ts';
export * from './psci.ts';
export * from './semihosting.ts';
export * from './virt-board.ts';
export * from './virt-boot.ts';
export * from './virt-device-tree.ts';
export * from './virt-memory-map.ts';
export type { VirtMsi } from './virt-msis.ts';

// SPDX-License-Identifier: MIT

export * from './blob-disk.ts';
export type { Disk } from './disk.ts';
export * from './memory-disk.ts';
export * from './testdev-commands.ts';
export * from './virtio-block.ts';
export * from './virtio-console.ts';
export * from './virtio-entropy.ts';
export * from './virtio-function.ts';
export * from './virtio-mmio.ts';
export * from './virtio-net.ts';
export * from './virtio-pci.ts';

// SPDX-License-Identifier: MIT

export * from './arm64-image.ts';
export * from './boot-placement.ts';
export * from './device-tree.ts';
export { isGzip } from './gunzip.ts';
export * from './kernel-image.ts';
export * from './kernel-image-error.ts';
export * from './loadable.ts';

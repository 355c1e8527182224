// SPDX-License-Identifier: MIT

export { DmaEngine } from './dma-engine.ts';
export * from './dma-engine-pci.ts';

export { DmaEngine } from './dma-engine.ts';
export * from './dma-engine-pci.ts';

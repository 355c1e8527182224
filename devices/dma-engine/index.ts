export { DmaEngine } from './dma-engine.ts';

export { Gicv3, type Gicv3Options, gicBlockSize } from './gicv3.ts';
export { GicCpuInterface, type GicPlace } from './gic-cpu-interface.ts';

export { GicCpuInterface, type GicPlace } from './gic-cpu-interface.ts';
export { Gicv3, type Gicv3Options, gicBlockSize } from './gicv3.ts';

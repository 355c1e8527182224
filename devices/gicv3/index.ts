// SPDX-License-Identifier: MIT

export { GicCpuInterface, type GicPlace } from './gic-cpu-interface.ts';
export { Gicv2mFrame, type Gicv2mOptions } from './gicv2m-frame.ts';
export { Gicv3, type Gicv3Options, gicBlockSize } from './gicv3.ts';
export { GicIts } from './its.ts';
export * from './its-inspection.ts';

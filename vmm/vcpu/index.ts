// SPDX-License-Identifier: MIT

export type * from './debug-target.ts';
export * from './exit-counter.ts';
export * from './guest.ts';
export { TrappedBatches } from './trapped-batches.ts';
export * from './vcpu.ts';
export * from './vcpu-set.ts';

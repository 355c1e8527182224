// SPDX-License-Identifier: MIT

export * from './abi-direct-maps.ts';
export * from './abi-interrupts.ts';
export * from './abi-words.ts';
export * from './guest-errors.ts';
export * from './guest-image.ts';
export type { InsideCalls } from './guest-imports.ts';
export * from './ram-regions.ts';
export { probeStack } from './stack-probe.ts';
export * from './wasi/index.ts';
export * from './wasm-guest.ts';
export * from './wasm-program.ts';
export * from './wasm-vcpu.ts';

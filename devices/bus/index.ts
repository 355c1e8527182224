// SPDX-License-Identifier: MIT

export * from './address-range.ts';
export * from './attached-devices.ts';
export * from './background-loops.ts';
export * from './bus.ts';
export * from './clock.ts';
export * from './device-complex.ts';
export * from './device-lease.ts';
export * from './direct-mapper.ts';
export * from './guest-memory.ts';
export * from './interrupt-sink.ts';
export * from './msi-sink.ts';
export * from './placement.ts';
export * from './port-msis.ts';
export * from './random.ts';
export * from './register-counts.ts';
export * from './timer-queue.ts';
export * from './version-1.ts';

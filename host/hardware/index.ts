// SPDX-License-Identifier: MIT

export * from './device-registers.ts';
export * from './host-error.ts';
export * from './host-ram.ts';
export * from './interrupt-latch.ts';
export * from './platform.ts';
export * from './ram-size.ts';

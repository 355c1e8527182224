// SPDX-License-Identifier: MIT

export * from './direct-maps.ts';
export * from './machine-core.ts';
export * from './machine-core-options.ts';
export * from './machine-state.ts';

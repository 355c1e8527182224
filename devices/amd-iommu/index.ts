export * from './backend.ts';
export * from './guest-block.ts';
export * from './physical.ts';
export * from './registers.ts';
export * from './tables.ts';
export * from './unit.ts';
export * from './virtual.ts';

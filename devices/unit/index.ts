export * from './actions.ts';
export * from './context-block.ts';
export * from './create-host-memory.ts';
export * from './queue-block.ts';
export * from './unit.ts';

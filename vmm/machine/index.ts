export * from './direct-maps.ts';
export * from './machine-core.ts';
export * from './machine-options.ts';

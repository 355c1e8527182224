export * from './exit-counter.ts';
export * from './vcpu.ts';

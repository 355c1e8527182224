export * from './define-device.ts';
export * from './device.ts';
export * from './fields.ts';
export * from './host.ts';
export * from './register-file.ts';
export * from './register-name.ts';
export * from './state.ts';

export * from './bit-fields.ts';
export * from './define-device.ts';
export * from './device.ts';
export * from './device-host.ts';
export * from './errors.ts';
export * from './register-file.ts';
export * from './register-name.ts';
export * from './state.ts';

// SPDX-License-Identifier: MIT

export * from './bit-fields.ts';
export * from './define-device.ts';
export * from './device.ts';
export * from './device-host.ts';
export * from './errors.ts';
export {
  checkFunction,
  checkGiven,
  checkNames,
  checkRequiredFunction,
  unknownName,
} from './known-names.ts';
export * from './pasid.ts';
export { printable } from './printable.ts';
export * from './register-file.ts';
export * from './register-name.ts';
export * from './state.ts';

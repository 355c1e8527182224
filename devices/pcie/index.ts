// SPDX-License-Identifier: MIT

export type { BarSpec, CapabilitySpec, FunctionIdentity } from './configuration-space.ts';
export { reaches, writtenTo } from './configuration-space.ts';
export * from './pcie-endpoint.ts';
export * from './pcie-function.ts';
export * from './pcie-host.ts';
export * from './pcie-root-port.ts';
export * from './pcie-test-device.ts';

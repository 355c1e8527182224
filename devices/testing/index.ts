// SPDX-License-Identifier: MIT

export { Random } from '../bus/random.ts';
export * from '../faults/index.ts';
export { type CmdqvQuirks, QuirkyCmdqv } from './cmdqv-quirks.ts';
export { type ContractCase, type ContractOptions, deviceContract } from './contract.ts';
export { DeviceBus } from './device-bus.ts';
export { FakeHost, type FakeHostOptions, type GrantedMap } from './fake-host.ts';
export type { DeviceFactory, Stimulus } from './subject.ts';

// SPDX-License-Identifier: MIT

export { cmdqvRegionSize } from './address.ts';
export { PhysicalCmdqv, type PhysicalCmdqvOptions } from './physical-cmdqv.ts';
export type { ResolvePa, UnitOf } from './physical-vcmdq.ts';
export type { VintfBackend } from './vintf-backend.ts';
export { VirtualCmdqv, type VirtualCmdqvOptions } from './virtual-cmdqv.ts';

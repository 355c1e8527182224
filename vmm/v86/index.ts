// SPDX-License-Identifier: MIT

export type { V86Cpu, V86Loop } from './emulator.ts';
export { V86_MSI } from './msi-controller.ts';
export * from './plug.ts';
export * from './smmu-board.ts';
export { V86_BLOCK } from './taken-ranges.ts';

// SPDX-License-Identifier: MIT

export { AssemblyError, assembleProgram } from './a64-program.ts';
export { Arm64Block } from './arm64-block.ts';
export * from './arm64-board.ts';
export { COUNTER_HZ } from './arm64-counter.ts';
export { Arm64DirectMaps } from './arm64-direct-maps.ts';
export * from './arm64-guest.ts';
export * from './arm64-memory.ts';
export { Arm64Runner, type ThreadInterrupts } from './arm64-runner.ts';
export * from './arm64-transport.ts';
export { PostedClient, type PostedMemory, type PostedRegisters } from './posted-registers.ts';
export type { StaleInstruction } from './stale-instruction.ts';

// SPDX-License-Identifier: MIT

export * from './board.ts';
export type { BoardHost } from './board-host.ts';
export type { MachineWatch, WatchedDma } from './machine-watch.ts';
export * from './place-devices.ts';
export { type AmdBoardOptions, createAmdToyMachine } from './toy/amd-toy-board.ts';
export * from './toy/toy-board.ts';
export * from './toy/toy-experiments.ts';

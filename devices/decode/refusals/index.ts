// SPDX-License-Identifier: MIT

export * from './cd-refusals.ts';
export * from './command-refusals.ts';
export type { JudgingRegisters, Refusal } from './refusal.ts';
export * from './ste-refusals.ts';
export * from './walk-refusal.ts';

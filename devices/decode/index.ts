// SPDX-License-Identifier: MIT

export * from './decode-cd.ts';
export { commandSummary, decodeCommand } from './decode-commands.ts';
export * from './decode-events.ts';
export * from './decode-log.ts';
export * from './decode-pte.ts';
export * from './decode-ste.ts';
export * from './decoded-text.ts';
export type { Decoded, DecodedField, Words } from './structure.ts';
export * from './words.ts';

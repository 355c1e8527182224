export * from './cd.ts';
export * from './commands.ts';
export * from './events.ts';
export * from './pte.ts';
export * from './ste.ts';
export type { Decoded, DecodedField, Words } from './structure.ts';
export * from './words.ts';

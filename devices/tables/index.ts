// SPDX-License-Identifier: MIT

export * from './command-builders.ts';
export * from './context-descriptor.ts';
export * from './event-table.ts';
export * from './granule.ts';
export * from './memory.ts';
export * from './page-request-records.ts';
export * from './page-table.ts';
export * from './stream-table-entry.ts';

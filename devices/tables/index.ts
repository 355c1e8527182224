export * from './commands.ts';
export * from './context-descriptor.ts';
export * from './events.ts';
export * from './granule.ts';
export * from './memory.ts';
export * from './page-requests.ts';
export * from './page-table.ts';
export * from './stream-table-entry.ts';

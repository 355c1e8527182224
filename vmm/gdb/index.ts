export * from './gdb-session.ts';
export * from './monitor.ts';

// SPDX-License-Identifier: MIT

export * from './gdb-session.ts';
export * from './monitor.ts';

// SPDX-License-Identifier: MIT

export {
  PRI_RESP_FAILURE,
  PRI_RESP_INVALID,
  PRI_RESP_SUCCESS,
  SYNC_CS_IRQ,
  SYNC_CS_NONE,
  SYNC_CS_SEV,
} from '../../assembly/layout/commands.ts';
export * from './command-builders.ts';
export * from './context-descriptor.ts';
export * from './event-table.ts';
export * from './granule.ts';
export * from './memory.ts';
export * from './page-request-records.ts';
export * from './page-table.ts';
export * from './stream-table-entry.ts';

// SPDX-License-Identifier: MIT
// The stream table, CD and page tables of a hostile guest before it corrupts them: one
// stream whose pages are mapped.

import { guestMemoryOf } from '../../devices/bus/index.ts';
import {
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  storeStructure,
  writeSte,
} from '../../devices/tables/index.ts';
import { tableMemory } from '../support/table-memory.ts';
import { CD, DATA, IOVA, MAPPED_PAGES, RAM, STREAM, STREAM_TABLE, TABLES } from './operations.ts';

export function buildTables(memory: WebAssembly.Memory): void {
  new Uint8Array(memory.buffer).fill(0, STREAM_TABLE, DATA);
  const regions = [{ gpa: RAM, offset: 0, size: memory.buffer.byteLength }];
  const tables = tableMemory(guestMemoryOf(memory, regions), RAM + TABLES);
  const pages = new PageTable(tables, { stage: 1, inputBits: 48 });
  pages.map(IOVA, RAM + DATA, MAPPED_PAGES * 0x1000, S1_READ_WRITE, { blocks: false });
  storeStructure(
    tables,
    RAM + CD,
    contextDescriptor({ asid: 1, outputBits: 40, lower: { ttb: pages.root, inputBits: 48 } }),
  );
  writeSte(tables, RAM + STREAM_TABLE, STREAM, stage1Ste({ contextPtr: RAM + CD }));
}

// The stream table, CD and page tables of a hostile guest before it breaks them: one stream whose pages are mapped.

import {
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  storeStructure,
  type TableMemory,
  writeSte,
} from '../../devices/tables/index.ts';
import { CD, DATA, IOVA, MAPPED_PAGES, RAM, STREAM, STREAM_TABLE, TABLES } from './operations.ts';

function tableMemory(memory: WebAssembly.Memory): TableMemory {
  const view = new DataView(memory.buffer);
  let free = TABLES;
  return {
    load64: (gpa) => view.getBigUint64(gpa - RAM, true),
    store64: (gpa, value) => view.setBigUint64(gpa - RAM, value, true),
    allocate(size, alignment) {
      const at = Math.ceil(free / alignment) * alignment;
      free = at + size;
      return RAM + at;
    },
  };
}

export function buildTables(memory: WebAssembly.Memory): void {
  new Uint8Array(memory.buffer).fill(0, STREAM_TABLE, DATA);
  const tables = tableMemory(memory);
  const pages = new PageTable(tables, { stage: 1, inputBits: 48 });
  pages.map(IOVA, RAM + DATA, MAPPED_PAGES * 0x1000, S1_READ_WRITE, { blocks: false });
  storeStructure(
    tables,
    RAM + CD,
    contextDescriptor({ asid: 1, outputBits: 40, lower: { ttb: pages.root, inputBits: 48 } }),
  );
  writeSte(tables, RAM + STREAM_TABLE, STREAM, stage1Ste({ contextPtr: RAM + CD }));
}

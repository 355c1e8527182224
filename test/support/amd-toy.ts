// SPDX-License-Identifier: MIT
// A machine with an AMD IOMMU that runs the toy.

import { readFile } from 'node:fs/promises';
import { createAmdToyMachine } from '../../vmm/boards/index.ts';
import type { AmdHost } from '../../vmm/nested/amd/index.ts';

const TOY = new URL('../../guest-driver/toy.wasm', import.meta.url);

/** The booted machine, and its output so far. */
export async function bootAmdToy(host: AmdHost) {
  const guest = Uint8Array.from(await readFile(TOY));
  const decoder = new TextDecoder();
  let output = '';
  const board = await createAmdToyMachine({
    host,
    name: 'vm0',
    index: 0,
    guest,
    args: ['toy'],
    onOutput: (bytes) => {
      output += decoder.decode(bytes, { stream: true });
    },
  });
  await board.machine.boot();
  return { board, output: () => output };
}

// SPDX-License-Identifier: MIT
// The toy's driver of an AMD IOMMU reports exhausted memory, however much there is.

import { expect, it } from 'vitest';
import { ABI_AT_MEMORY_SIZE } from '../../assembly/layout/guest-abi.ts';
import { AmdHost } from '../../vmm/nested/amd/index.ts';
import { bootAmdToy } from '../support/amd-toy.ts';

const PAGE = 4096;

it('reports exhausted memory unless all its tables are made', {
  timeout: 60_000,
}, async () => {
  const host = await AmdHost.create();

  /** The checks of bring-up and first DMA, with this many pages of memory. */
  async function checksWith(pages: number): Promise<readonly string[]> {
    const { board, output } = await bootAmdToy(host);
    new DataView(board.machine.memory.buffer).setUint32(ABI_AT_MEMORY_SIZE, pages * PAGE, true);
    while (!output().includes('dma-copy') && board.machine.step() === 'running');
    board.destroy();
    return [...output().matchAll(/(ok|FAIL) +(amd-reset|dma-copy)|error \d+/g)].map(([text]) =>
      text.replace(/ +/, ' '),
    );
  }

  // The program ends above 1 MiB, and needs less than 2 MiB for its tables.
  let [tooFew, enough] = [0x101, 0x301];
  while (enough - tooFew > 1) {
    const pages = (tooFew + enough) >> 1;
    if ((await checksWith(pages))[0] === 'ok amd-reset') enough = pages;
    else tooFew = pages;
  }
  expect(await checksWith(enough)).toEqual(['ok amd-reset', 'ok dma-copy']);
  // The guest's tables need the last pages: levels 4 and 3, and levels 2 and 1 for each
  // of the two buffers.
  for (let missing = 0; missing < 6; missing++)
    expect(await checksWith(tooFew - missing)).toEqual(['FAIL amd-reset', 'error 3']);
});

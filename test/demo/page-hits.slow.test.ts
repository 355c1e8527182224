// SPDX-License-Identifier: MIT
// Hits of IOTLB pages in the demo's snapshots, compared with the SMMU's own counter at
// each access.

import { describe, expect, it } from 'vitest';
import type { Frame, PagePicture } from '../../demo/protocol.ts';
import { runSession } from './recorded-session.ts';

const holds = ({ vm, iova, size }: PagePicture, owner: string, address: number) =>
  vm === owner && address >= Number(iova) && address < Number(iova) + size;

/** The content of a DMA event: the address, and the hits by the SMMU's own counter. */
function told({ text }: Frame): { readonly iova: number; readonly hits: number } {
  const [, iova = '', rest = ''] = /at iova (0x[0-9a-f]+): (.*)/.exec(text) ?? [];
  const [, count] = /(an|\d+) IOTLB hits?/.exec(rest) ?? [];
  return { iova: Number(iova), hits: count === undefined ? 0 : count === 'an' ? 1 : Number(count) };
}

const keyOf = ({ vmid, asid, iova, pa }: PagePicture) => `${vmid} ${asid} ${iova} ${pa}`;

describe('hits of a page', () => {
  it.each([
    ['experiment=stale-dma&vms=2', 30],
    ['experiment=btm', 30],
  ])('are the accesses that it has answered: %s', { timeout: 120_000 }, async (query, steps) => {
    const { frames } = await runSession(`${query}&events=yes`, steps);
    const dma = frames.filter(({ kind }) => kind.startsWith('dma-'));
    const hit = dma.filter((frame) => told(frame).hits > 0);
    expect(hit.length).toBeGreaterThan(3);
    let looked = 0;
    for (const frame of frames) {
      const before = frames[frame.number - 1 - (frames[0]?.number ?? 0)];
      if (!before) continue;
      const had = new Map(before.picture.pages.map((page) => [keyOf(page), page.hits]));
      const risen = frame.picture.pages.filter(
        (page) => page.hits !== 0 && had.get(keyOf(page)) !== page.hits,
      );
      if (frame.kind === 'check' || risen.length === 0) continue;
      // Only an access increases hits: that of this event, of the machine, at the page.
      expect([frame.text, frame.kind]).toEqual([
        frame.text,
        expect.stringMatching(/^(dma-|suspect)/),
      ]);
      if (!frame.kind.startsWith('dma-')) continue;
      const { iova, hits } = told(frame);
      const more = risen.map((page) => (page.hits ?? 0) - (had.get(keyOf(page)) ?? 0));
      expect(more.reduce((sum, one) => sum + one, 0)).toBe(hits);
      expect(risen.some((page) => holds(page, frame.vm, iova))).toBe(true);
      looked++;
    }
    expect(looked).toBe(hit.length);
  });
});

// SPDX-License-Identifier: MIT
// The IOTLB keeps the translations of several address spaces of one machine for the same
// address (IHI 0070 section 3.17).

import { expect, it } from 'vitest';
import { THREAD_TLB_MISSES } from '../../assembly/layout/thread-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { prepare } from '../reference/judge.ts';
import { Scenario } from '../reference/scenario.ts';
import { harness } from '../support/unit-harness.ts';

const geometry = { granule: 12n, bits: 39n, start: 1, leaf: 3 };
/** As many streams as a set of the IOTLB has ways; ASIDs 1 to 4. */
const STREAMS = [5, 6, 7, 8];
const offset = (pa: bigint) => Number(pa & 0xffff_ffffn);

it('the same page of several ASIDs hits for each of them, and TLBI_NH_VA removes only that of its ASID', async () => {
  const h = await harness();
  prepare(h);
  const scenario = new Scenario({ mode: 'stage 1', stage1: geometry, stage2: geometry });
  for (const [pa, value] of scenario.words) h.guestRam64(offset(pa), value);
  for (const [i, sid] of STREAMS.entries()) {
    const shift = 64n * BigInt(i);
    for (let at = 0n; at < 64n; at += 8n)
      h.guestRam64(offset(scenario.cd + shift + at), scenario.get(scenario.cd + at));
    h.guestRam64(offset(scenario.cd + shift), scenario.get(scenario.cd) + (BigInt(i) << 48n));
    h.ste(sid, [(scenario.ste[0] ?? 0n) + shift, ...scenario.ste.slice(1)]);
  }
  const misses = () => h.unit.threadBlock.count(THREAD_TLB_MISSES);
  const round = () => {
    const before = misses();
    for (const sid of STREAMS) expect(h.translate(sid, scenario.address).status).toBe(TRANSLATE_OK);
    return misses() - before;
  };
  expect([round(), round(), round()]).toEqual([4, 0, 0]);
  h.vcmdq(0, 1);
  h.put(0, 0x0002_0000_0000_0012n, (scenario.address & ~0xfffn) | 1n);
  h.store(1, 4, 1);
  expect([round(), round()]).toEqual([1, 0]);
});

it('a global page is one for the ASIDs of one ASET, and another for those of the other', async () => {
  const h = await harness();
  prepare(h);
  const scenario = new Scenario({ mode: 'stage 1', stage1: geometry, stage2: geometry });
  const [leaf = 0n] = [scenario.slots1.get(geometry.leaf)];
  // nG 0; the other half of the streams has tables of its own, whose leaf maps another
  // page.
  scenario.change(leaf, 0n, 1n << 11n);
  for (const [pa, value] of scenario.words) h.guestRam64(offset(pa), value);
  const ASET = 1n << 47n;
  const cds = [
    [5, 1n, 0n],
    [6, 2n, ASET],
    [7, 3n, 0n],
    [8, 4n, ASET],
  ] as const;
  for (const [i, [sid, asid, aset]] of cds.entries()) {
    const shift = 64n * BigInt(i);
    for (let at = 0n; at < 64n; at += 8n)
      h.guestRam64(offset(scenario.cd + shift + at), scenario.get(scenario.cd + at));
    const first = scenario.get(scenario.cd) & ~(0xffffn << 48n) & ~ASET;
    h.guestRam64(offset(scenario.cd + shift), first | (asid << 48n) | aset);
    h.ste(sid, [(scenario.ste[0] ?? 0n) + shift, ...scenario.ste.slice(1)]);
  }
  const page = (sid: number) => h.translate(sid, scenario.address).pa & ~0xfffn;
  const before = page(5);
  h.guestRam64(offset(leaf), scenario.get(leaf) + 0x1000n);
  // ASET 0 has the page from before the change, ASET 1 the one after it; each keeps its
  // own.
  expect([7, 6, 8, 5, 7, 6].map((sid) => page(sid) - before)).toEqual([
    0n,
    0x1000n,
    0x1000n,
    0n,
    0n,
    0x1000n,
  ]);
  expect(h.missing()).not.toEqual([]);
});

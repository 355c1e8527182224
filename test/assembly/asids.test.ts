// The IOTLB keeps what several address spaces of one machine map at the same address (IHI 0070 section 3.17).

import { expect, it } from 'vitest';
import { THREAD_TLB_MISSES } from '../../assembly/layout/thread-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { prepare } from '../reference/judge.ts';
import { Scenario } from '../reference/scenario.ts';
import { harness } from '../support/unit-harness.ts';

const geometry = { granule: 12n, bits: 39n, start: 1, leaf: 3 };
/** As many as a set of the IOTLB has ways; ASIDs 1 to 4. */
const STREAMS = [5, 6, 7, 8];
const offset = (pa: bigint) => Number(pa & 0xffff_ffffn);

it('the same page of several ASIDs hits for each of them, and TLBI_NH_VA takes that of its own', async () => {
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

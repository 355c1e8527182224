// SPDX-License-Identifier: MIT
// The entries of the IOTLB after pages have been cached again.

import { expect, it } from 'vitest';
import {
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_VALID,
  TLB_SETS,
  TLB_WAYS,
} from '../../assembly/layout/iotlb-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { withBits } from '../../devices/plugin/index.ts';
import { eachLiveTlbEntry, IotlbView } from '../../vmm/inspect/index.ts';
import { prepare } from '../reference/judge.ts';
import { Scenario } from '../reference/scenario.ts';
import { checkedModules } from '../support/findings.ts';
import { Harness } from '../support/unit-harness.ts';

const SID = 5;
/** AP[2]. */
const RO = 1n << 7n;

it('a page that is cached again with more permissions takes the place of its entry', async () => {
  const h = new Harness(await checkedModules(), {});
  prepare(h);
  const geometry = { granule: 12n, bits: 39n, start: 1, leaf: 3 };
  const scenario = new Scenario({ mode: 'stage 1', stage1: geometry, stage2: geometry });
  const offset = (pa: bigint) => Number(pa & 0xffff_ffffn);
  const leaf = scenario.slots1.get(3) ?? 0n;
  const store = () => {
    for (const [pa, value] of scenario.words) h.guestRam64(offset(pa), value);
  };
  scenario.change(leaf, RO);
  store();
  h.ste(SID, scenario.ste);
  const view = new IotlbView(h.hostMemory, h.smmu);
  const live = () =>
    Array.from({ length: TLB_SETS * TLB_WAYS }, (_, index) => index).filter((index) =>
      view.isLive(index),
    );
  expect(h.translate(SID, scenario.address).status).toBe(TRANSLATE_OK);
  const before = live();
  expect(before).toHaveLength(1);
  scenario.change(leaf, 0n, RO);
  store();
  expect(h.write(SID, scenario.address).status).toBe(TRANSLATE_OK);
  expect(h.write(SID, scenario.address).status).toBe(TRANSLATE_OK);
  expect(live()).toEqual(before);
});

it('all live entries are visited, in order, and no other', async () => {
  const h = new Harness(await checkedModules(), {});
  const view = new IotlbView(h.hostMemory, h.smmu);
  const words = new Uint32Array(h.hostMemory.buffer);
  const last = TLB_SETS * TLB_WAYS - 1;
  const valid = [0, 1, 6, TLB_WAYS * 9 + 3, last - 1, last];
  // Entries that only look like one: everything is set except that they are valid.
  const others = [2, 5, last - 2];
  const global = withBits(0, TLB_META_GLOBAL, 1);
  for (const index of valid)
    words[(view.addressOf(index) + TLB_META) >> 2] = withBits(global, TLB_META_VALID, 1);
  for (const index of others) words[(view.addressOf(index) + TLB_META) >> 2] = 0x7fffffff;
  const visited: number[] = [];
  eachLiveTlbEntry(h.hostMemory, h.smmu, ({ address }) => visited.push(address));
  expect(visited).toEqual(valid.map((index) => view.addressOf(index)));
});

// SPDX-License-Identifier: MIT
// Some runs of each target of the fuzzer.

import { expect, it } from 'vitest';
import { rings } from './targets/rings.ts';
import { TARGETS } from './targets.ts';

const RUNS = 3;
/** Seeds that no results contain. */
const FIRST_SEED = 0xf000_0000;

it.each(TARGETS)('$name finds nothing in some runs', { timeout: 60_000 }, async (target) => {
  const fuzzer = await target.create();
  for (let i = 0; i < RUNS; i++) expect(await fuzzer.run(FIRST_SEED + i)).toBeGreaterThan(0);
});

it('a seed has the same run again', { timeout: 60_000 }, async () => {
  // The number of commands that the queues execute depends on the whole history of the
  // rings.
  const taken = async () => {
    const fuzzer = await rings.create();
    return [await fuzzer.run(FIRST_SEED), await fuzzer.run(FIRST_SEED + 1)];
  };
  expect(await taken()).toEqual(await taken());
});

// SPDX-License-Identifier: MIT
// How often a run of commands raises the generation of a VMID
// (docs/internals/architecture.md, "One raise for a run of commands").

import { expect, it } from 'vitest';
import { QUEUE_KIND_VCMDQ_HYP } from '../../assembly/layout/queue-memory.ts';
import {
  SMMU_AT_VMIDS,
  VMID_ALL_GEN,
  VMID_ANY_GEN,
  VMID_ASID_GEN,
  VMID_STRIDE,
} from '../../assembly/layout/vmid-memory.ts';
import { Random } from '../../devices/testing/index.ts';
import { type Harness, harness } from '../support/unit-harness.ts';

const NH_ASID = 0x0001_0000_0000_0011n;
const NH_VA = 0x0001_0000_0000_0012n;
const VMALL = 0x28n;
const SYNC = 0x46n;
const CFGI_STE = 0x0000_0005_0000_0003n;

const generation = (h: Harness, vmid: number, which = VMID_ANY_GEN) =>
  h.hostBytes.getBigInt64(h.smmu + SMMU_AT_VMIDS + vmid * VMID_STRIDE + which, true);
const vmid = (number: bigint) => number << 32n;

/** Has a queue of VINTF 0, of a guest or of a hypervisor, execute commands in one run. */
async function runOf(commands: readonly bigint[], hypervisor: boolean): Promise<Harness> {
  const h = await harness();
  const { queue, context } = h.vcmdq(0, 1);
  if (hypervisor) {
    context.hypOwn = true;
    queue.kind = QUEUE_KIND_VCMDQ_HYP;
  }
  commands.forEach((d0, slot) => {
    h.put(slot, d0, 0x1000n);
  });
  h.store(1, 4, commands.length);
  expect(queue.cons).toBe(commands.length);
  return h;
}

it.each([
  ['a guest’s invalidations: once a run', [NH_VA, NH_ASID, VMALL, SYNC, NH_VA], false, [1n, 0n]],
  ['no invalidation: not at all', [SYNC, SYNC], false, [0n, 0n]],
  [
    'another VMID in between: again',
    [VMALL | vmid(7n), VMALL | vmid(8n), VMALL | vmid(7n)],
    true,
    [2n, 1n],
  ],
  [
    'a CFGI in between: again, for walks with the configuration that it removes',
    [VMALL | vmid(7n), CFGI_STE, VMALL | vmid(7n)],
    true,
    [2n, 0n],
  ],
] as const)('%s', async (_name, commands, hypervisor, expected) => {
  const h = await runOf(commands, hypervisor);
  expect([generation(h, 7), generation(h, 8)]).toEqual(expected);
});

/** Generations of a VMID: of any invalidation, of all entries, of ASIDs 1 and 2. */
type Generations = Record<'any' | 'all' | 1 | 2, bigint>;

it('what a command invalidates has the generation of its own raise', async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const expected = new Map<bigint, Generations>();
    let raised: bigint | undefined;
    const commands = Array.from({ length: 7 }, () => {
      const what = random.pick(['asid', 'asid', 'all', 'all', 'va', 'va', 'cfgi'] as const);
      if (what === 'cfgi') {
        raised = undefined;
        return CFGI_STE;
      }
      const number = random.pick([7n, 8n]);
      const generations = expected.get(number) ?? { any: 0n, all: 0n, 1: 0n, 2: 0n };
      expected.set(number, generations);
      if (raised !== number) generations.any++;
      raised = number;
      const asid = random.pick([1, 2] as const);
      if (what === 'all') generations.all = generations.any;
      if (what === 'asid') generations[asid] = generations.any;
      return what === 'all'
        ? VMALL | vmid(number)
        : (what === 'asid' ? 0x11n : 0x12n) | vmid(number) | (BigInt(asid) << 48n);
    });
    const h = await runOf(commands, true);
    for (const [number, generations] of expected) {
      const of = (which: number) => generation(h, Number(number), which);
      expect(
        {
          any: of(VMID_ANY_GEN),
          all: of(VMID_ALL_GEN),
          1: of(VMID_ASID_GEN + 8),
          2: of(VMID_ASID_GEN + 16),
        },
        `seed ${seed}`,
      ).toEqual(generations);
    }
  }
});

it('a run that continues after a pause raises the generation again', async () => {
  const h = await harness();
  h.vcmdq(0, 1);
  h.put(0, VMALL);
  h.put(1, VMALL);
  h.store(1, 4, 1);
  h.store(1, 4, 2);
  expect(generation(h, 7)).toBe(2n);
});

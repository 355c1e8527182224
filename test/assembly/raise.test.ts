// SPDX-License-Identifier: MIT
// How often a run of commands raises the generation of a VMID
// (docs/internals/architecture.md, "One raise for a run of commands").

import { expect, it } from 'vitest';
import { QUEUE_KIND_VCMDQ_HYP } from '../../assembly/layout/queue-memory.ts';
import { SMMU_AT_VMIDS, VMID_ANY_GEN, VMID_STRIDE } from '../../assembly/layout/vmid-memory.ts';
import { type Harness, harness } from '../support/unit-harness.ts';

const NH_ASID = 0x0001_0000_0000_0011n;
const NH_VA = 0x0001_0000_0000_0012n;
const VMALL = 0x28n;
const SYNC = 0x46n;
const CFGI_STE = 0x0000_0005_0000_0003n;

const generation = (h: Harness, vmid: number) =>
  h.hostBytes.getBigInt64(h.smmu + SMMU_AT_VMIDS + vmid * VMID_STRIDE + VMID_ANY_GEN, true);
const vmid = (number: bigint) => number << 32n;

async function raises(
  commands: readonly bigint[],
  hypervisor: boolean,
): Promise<readonly bigint[]> {
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
  return [generation(h, 7), generation(h, 8)];
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
  expect(await raises(commands, hypervisor)).toEqual(expected);
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

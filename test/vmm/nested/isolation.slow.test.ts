// SPDX-License-Identifier: MIT
// Eight VMs of one host, each of which in turn attacks the others. Whatever one sends,
// the others' IOTLB entries, queues, endpoints, events and memory stay unchanged.

import { beforeAll, describe, expect, it } from 'vitest';
import { type HotModules, loadHotModules, loadSeparateModules } from '../../../assembly/load.ts';
import { sync, tlbiNhAsid } from '../../../devices/tables/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import { ASID, sendOnCmdq } from '../../support/lent-vm.ts';
import { mutatedModules } from '../../support/mutated-modules.ts';
import { PAGES, Siege } from '../../support/siege.ts';
import { steps } from '../../support/thorough.ts';

const COMMANDS = steps(100_000, 1_000_000);
/** Within this many commands, a mutant affects a neighbour. */
const MUTANT_COMMANDS = 100_000;

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

describe('eight VMs of one host', () => {
  it(`lose nothing by ${COMMANDS} commands of their neighbours`, { timeout: 120_000 }, async () => {
    const siege = new Siege(await VmHost.create({ modules }));
    const entries = () =>
      siege.vms.map(({ viommu, vintf }) => footprintOf(viommu, vintf)['IOTLB entries'].count);
    expect(entries()).toEqual(siege.vms.map(() => PAGES));
    const { taken, lost } = siege.run(COMMANDS);
    expect(lost).toEqual([]);
    expect(taken).toBeGreaterThanOrEqual(COMMANDS);
    expect(entries()).toEqual(siege.vms.map(() => PAGES));
    // Each interface was used, and every kind of refusal occurred.
    const { smmu, strayEvents } = siege.host.statistics;
    for (const counter of [
      'illegalOpcode',
      'illegalSecure',
      'illegalCompletion',
      'illegalStream',
      'illegalRange',
      'repairs',
      'prodOutOfRange',
      'errorsPublished',
      'errorsSkipped',
      'atcInvalidations',
      'configInvalidations',
    ] as const) {
      expect(smmu[counter], counter).toBeGreaterThan(0);
    }
    expect([strayEvents, siege.vms.map(({ events }) => events.length)]).toEqual([
      0,
      siege.vms.map(() => 1),
    ]);
    // Every VM's queue still works.
    for (const [i, lent] of siege.vms.entries()) {
      sendOnCmdq(lent, tlbiNhAsid(0, ASID), sync());
      expect(entries()).toEqual(siege.vms.map((_, other) => (other <= i ? 0 : PAGES)));
    }
  });

  it.each([
    [
      'VMIDs as they are written',
      'vcmdq-drain/run-commands.ts',
      ': load<u32>(context, CTX_VMID);',
      ': named;',
    ],
    [
      'StreamIDs as they are written',
      'vcmdq-drain/endpoint-commands.ts',
      'return NO_SID;',
      'return u64(virtSid);',
    ],
  ])('would lose something if a guest’s queue took %s', async (_, file, original, mutant) => {
    const mutated = await mutatedModules(await loadSeparateModules(), 'vcmdqDrain', [
      { file, original, mutant },
    ]);
    const siege = new Siege(await VmHost.create({ modules: mutated }));
    expect(siege.run(MUTANT_COMMANDS).lost).not.toEqual([]);
  });
});

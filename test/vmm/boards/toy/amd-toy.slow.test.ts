// SPDX-License-Identifier: MIT
// The footprint of a toy with an AMD IOMMU detects entries that a neighbour's command
// removes, if the IOMMU allows that.

import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { loadAmdModules, loadSeparateAmdModules } from '../../../../assembly/load.ts';
import { createAmdToyMachine } from '../../../../vmm/boards/index.ts';
import { amdFootprint } from '../../../../vmm/inspect/index.ts';
import { AmdHost, type AmdHostOptions } from '../../../../vmm/nested/amd/index.ts';
import { mutatedAmdIommu } from '../../../support/mutated-modules.ts';

/** IOTLB entries of the first machine before and after the second has run to its end. */
async function entriesOfVictim(modules: AmdHostOptions['modules']) {
  const host = await AmdHost.create(modules ? { modules } : {});
  const guest = await readFile(new URL('../../../../dist/guest-driver/toy.wasm', import.meta.url));
  const boards = await Promise.all(
    [0, 1].map((index) =>
      createAmdToyMachine({
        host,
        name: `vm${index}`,
        index,
        guest: Uint8Array.from(guest),
        args: ['toy', 'vms=2', `machine=${index}`],
        onOutput: () => undefined,
      }),
    ),
  );
  for (const { machine } of boards) await machine.boot();
  const [victim, attacker] = boards;
  if (!victim?.amd || !attacker) throw new Error('two machines');
  const { amd, machine } = victim;
  const count = () => amdFootprint(machine.memory, amd)['IOTLB entries'].count;
  while (count() < 8) machine.step();
  const before = count();
  while (attacker.machine.step() === 'running');
  const after = count();
  for (const board of boards) board.destroy();
  return [before, after] as const;
}

it('another VM’s commands remove nothing', { timeout: 60_000 }, async () => {
  const [before, after] = await entriesOfVictim(await loadAmdModules());
  expect(after).toBe(before);
});

it('they would without the translation of DomainIDs', { timeout: 60_000 }, async () => {
  const amdIommu = await mutatedAmdIommu([
    {
      file: 'amd-iommu/amd-commands.ts',
      original: 'return bits(entry, AMD_MAP_HOST_ID);',
      mutant: 'return id;',
    },
    {
      file: 'amd-iommu/amd-commands.ts',
      original: 'if (!bits(entry, AMD_MAP_VALID)) return NONE;',
      mutant: 'if (!bits(entry, AMD_MAP_VALID)) return id;',
    },
  ]);
  const [before, after] = await entriesOfVictim({
    ...(await loadSeparateAmdModules()),
    amdIommu,
  });
  expect(before).toBeGreaterThanOrEqual(8);
  expect(after).toBe(0);
});

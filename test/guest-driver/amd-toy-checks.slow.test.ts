// SPDX-License-Identifier: MIT
// The report of a toy with an AMD IOMMU names page requests that are not completed.

import { expect, it } from 'vitest';
import { loadSeparateAmdModules } from '../../assembly/load.ts';
import { AmdHost } from '../../vmm/nested/amd/index.ts';
import { bootAmdToy } from '../support/amd-toy.ts';
import { mutatedAmdIommu } from '../support/mutated-modules.ts';

it('the toy’s device waits for good when its page request is never completed', {
  timeout: 60_000,
}, async () => {
  const amdIommu = await mutatedAmdIommu([
    {
      file: 'amd-iommu/amd-commands.ts',
      original: 'if (device != NONE) completeRequest(iommu, device, d0, d1);',
      mutant: 'if (device == NONE) completeRequest(iommu, device, d0, d1);',
    },
  ]);
  const host = await AmdHost.create({ modules: { ...(await loadSeparateAmdModules()), amdIommu } });
  const { board, output } = await bootAmdToy(host);
  while (board.machine.step() === 'running');
  board.destroy();
  expect(output().match(/FAIL.*/g)).toEqual([
    expect.stringMatching(/^FAIL +page-request: DMA status 7, .*; mapped and completed: 7$/),
  ]);
});

// SPDX-License-Identifier: MIT

import { expect, it } from 'vitest';
import { loadAmdModules } from '../../../../assembly/load.ts';
import { AmdHost } from '../../../../vmm/nested/amd/index.ts';
import { AmdVm } from '../../../support/amd-vm.ts';

it('a host with AMD IOMMUs counts and shows a VM until it is destroyed', async () => {
  const host = await AmdHost.create({ modules: await loadAmdModules() });
  const [goes] = ['goes', 'stays'].map((name) => new AmdVm(host, name));
  const shown = () => [host.statistics.vms, host.inspect().vms.map(({ name }) => name)];
  expect(shown()).toEqual([2, ['goes', 'stays']]);
  if (goes) host.destroyVm(goes.iommu.vm);
  expect(shown()).toEqual([1, ['stays']]);
});

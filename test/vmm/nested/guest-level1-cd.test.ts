// SPDX-License-Identifier: MIT
// The sanitizer on a guest's level-1 CD descriptor: Leaf of its CFGI_CD reaches the
// physical SMMU.

import { describe, expect, it } from 'vitest';
import { CD_SIZE } from '../../../assembly/layout/cd.ts';
import { STE_S1FMT_4K } from '../../../assembly/layout/ste.ts';
import {
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  storeStructure,
} from '../../../devices/tables/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost, takeFindings } from '../../support/findings.ts';
import { ASID, DATA_GPA, IOVA, lendVm, STREAM } from '../../support/lent-vm.ts';

const PASID = 1;
const CD_MAX = 7;

describe('a level-1 CD descriptor of a guest', () => {
  it.each([
    ['Leaf = 1', true, ['CFGI_CD SubstreamID=0x1 StreamID=0x8 Leaf=0x0']],
    ['Leaf = 0', false, []],
  ])('that leads elsewhere needs its CFGI_CD: %s', async (_name, leaf, missing) => {
    const host = await checkedHost(VmHost);
    const { viommu, memory } = lendVm(host);
    const pages = new PageTable(memory, { stage: 1 });
    pages.map(IOVA, DATA_GPA, 0x1000, S1_READ_WRITE);
    const lower = { ttb: pages.root, inputBits: 48 };
    const level1 = memory.allocate(0x1000, 0x1000);
    const leadTo = () => {
      const cds = memory.allocate(0x1000, 0x1000);
      const cd = contextDescriptor({ asid: ASID, outputBits: 48, lower });
      storeStructure(memory, cds + CD_SIZE * PASID, cd);
      memory.store64(level1, BigInt(cds) | 1n);
    };
    leadTo();
    const ste = { contextPtr: level1, cdMax: CD_MAX, format: STE_S1FMT_4K };
    viommu.attachStream(STREAM, stage1Ste(ste));
    const port = host.dmaPort(viommu, STREAM);
    const access = () => port.read(IOVA, new Uint8Array(1), { pasid: PASID }).ok;
    expect(access()).toBe(true);
    leadTo();
    viommu.invalidateContextDescriptors(STREAM, PASID, leaf);
    expect(access()).toBe(true);
    expect(takeFindings(host).map(({ command }) => command.text)).toEqual(missing);
  });
});

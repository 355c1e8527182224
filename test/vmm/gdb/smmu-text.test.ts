// SPDX-License-Identifier: MIT
// The IOTLB entries of a guest as shown by a debugger's monitor.

import { expect, it } from 'vitest';
import { S1_READ_WRITE } from '../../../devices/tables/index.ts';
import { iotlbText } from '../../../vmm/gdb/smmu-text.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { attachStage1, DATA_GPA, IOVA, lendVm, STREAM } from '../../support/lent-vm.ts';

const PAGE = 0x1000;

it('IOTLB entries of a guest are shown line by line, up to 256', async () => {
  const host = await checkedHost(VmHost);
  const [first, other] = [lendVm(host, 'first'), lendVm(host, 'other')];
  const port = host.dmaPort(first.viommu, STREAM);
  const table = attachStage1(first);
  const smmu = { smmu: first.viommu, vintf: first.vintf };
  const target = new Uint8Array(1);
  /** Maps up to this many pages, and reads each. */
  let mapped = 1;
  const read = (pages: number) => {
    for (; mapped < pages; mapped++) table.map(IOVA + PAGE * mapped, DATA_GPA, PAGE, S1_READ_WRITE);
    for (let page = 0; page < pages; page++)
      expect(port.read(IOVA + PAGE * page, target).ok).toBe(true);
  };
  expect(iotlbText(smmu, false)).toBe('0 entries\n');
  read(2);
  // 2 MiB of RAM at window 1; DATA_GPA is 0x80140000.
  expect(iotlbText(smmu, false).trimEnd().split('\n').sort()).toEqual([
    '2 entries',
    'VMID 1, ASID 5: 0x100000000 is 0x180140000, 0x1000 bytes, rwu',
    'VMID 1, ASID 5: 0x100001000 is 0x180140000, 0x1000 bytes, rwu',
  ]);
  read(300);
  const lines = iotlbText(smmu, true).trimEnd().split('\n');
  expect([lines[0], lines.length]).toEqual(['300 entries, the first 256 of them', 257]);
  // The VMID of the other guest has none.
  expect(iotlbText({ smmu: other.viommu, vintf: other.vintf }, false)).toBe('0 entries\n');
  expect(iotlbText({ smmu: other.viommu, vintf: other.vintf }, true)).toContain('300 entries');
});

// SPDX-License-Identifier: MIT
// The event of a guest's SMMU when its CDs or tables are outside its RAM: IHI 0070
// sections 7.3.10 (F_CD_FETCH) and 7.3.12 (F_WALK_EABT), as literal records.

import { expect, it } from 'vitest';
import {
  contextDescriptor,
  S1_READ_WRITE,
  stage1Ste,
  storeStructure,
} from '../../../devices/tables/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { attachStage1, IOVA, type LentVm, lendVm, STREAM } from '../../support/lent-vm.ts';

/** ipa at which the VM has no memory. */
const OUTSIDE = 0x1_2345_6000;

/** The records of a read of IOVA in the guest's event queue, as doublewords. */
async function eventsOf(prepare: (lent: LentVm) => void, linuxCompat = false): Promise<string[]> {
  const host = await checkedHost(VmHost, { linuxCompat });
  const lent = lendVm(host);
  prepare(lent);
  expect(host.dmaPort(lent.viommu, STREAM).read(IOVA, new Uint8Array(1)).ok).toBe(false);
  host.service(true);
  expect(lent.viommu.statistics.stage2Faults).toBe(1);
  return lent.events.map((record) =>
    [...new BigUint64Array(record.slice().buffer)].map((word) => word.toString(16)).join(' '),
  );
}

const stream = BigInt(STREAM).toString(16);
const iova = BigInt(IOVA).toString(16);

const cdOutside = ({ viommu }: LentVm) => {
  viommu.attachStream(STREAM, stage1Ste({ contextPtr: OUTSIDE + 0x40 }));
};

const rootOutside = ({ viommu, memory }: LentVm) => {
  const cd = memory.allocate(64, 64);
  const lower = { ttb: OUTSIDE, inputBits: 48 };
  storeStructure(memory, cd, contextDescriptor({ asid: 1, outputBits: 48, lower }));
  viommu.attachStream(STREAM, stage1Ste({ contextPtr: cd }));
};

const tableOutside = (lent: LentVm) => {
  const { root } = attachStage1(lent);
  lent.memory.store64(root, BigInt(OUTSIDE) | 3n);
};

const pageOutside = (lent: LentVm) => {
  const table = attachStage1(lent);
  table.unmap(IOVA, 0x1000);
  table.map(IOVA, OUTSIDE, 0x1000, S1_READ_WRITE);
};

it('F_CD_FETCH for a CD, with its IPA as FetchAddr', async () => {
  expect(await eventsOf(cdOutside)).toEqual([`${stream}00000009 0 0 123456000`]);
});

it.each([
  ['the first table', rootOutside],
  ['a table after another one', tableOutside],
])('F_WALK_EABT for %s, with its IPA as FetchAddr', async (_, prepare) => {
  // CLASS TT, RnW 1; S2 is 0.
  expect(await eventsOf(prepare)).toEqual([`${stream}0000000b 10800000000 ${iova} 123456000`]);
});

it('nothing for what a leaf names: the fault of stage 2 is the host’s', async () => {
  expect(await eventsOf(pageOutside)).toEqual([]);
});

it('nothing at all with linuxCompat', async () => {
  for (const prepare of [cdOutside, rootOutside, tableOutside, pageOutside])
    expect(await eventsOf(prepare, true)).toEqual([]);
});

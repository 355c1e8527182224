// SPDX-License-Identifier: MIT
// The IOTLB entry for which an access is counted: of one page and of many, after an
// invalidation, of read-only pages.

import { beforeAll, describe, expect, it } from 'vitest';
import { THREAD_TLB_HITS } from '../../assembly/layout/thread-memory.ts';
import { type HotModules, loadHotModules } from '../../assembly/load.ts';
import { TlbHits } from '../../demo/vmm/tlb-hits.ts';
import {
  S1_READ_ONLY,
  S1_READ_WRITE,
  sync,
  tlbiNhAsid,
  tlbiNhVa,
} from '../../devices/tables/index.ts';
import type { BoardMachine } from '../../vmm/boards/index.ts';
import { eachLiveTlbEntry } from '../../vmm/inspect/index.ts';
import { VmHost } from '../../vmm/nested/index.ts';
import {
  ASID,
  attachStage1,
  DATA_GPA,
  IOVA,
  lendVm,
  STREAM,
  sendOnVcmdq,
  startVcmdq,
} from '../support/lent-vm.ts';

const PAGE = 0x1000;
let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

/** A VM with eight pages, the last one read-only, whose accesses are counted. */
async function countedVm() {
  const host = await VmHost.create({ modules });
  const lent = lendVm(host);
  const table = attachStage1(lent);
  for (let page = 1; page < 8; page++)
    table.map(
      IOVA + page * PAGE,
      DATA_GPA + page * PAGE,
      PAGE,
      page === 7 ? S1_READ_ONLY : S1_READ_WRITE,
    );
  startVcmdq(lent);
  const port = host.dmaPort(lent.viommu, STREAM);
  const { unit } = lent.vm;
  const hits = new TlbHits();
  const counting = hits.port();
  const board = { vm: lent.vm, smmus: [{ smmu: { smmuBlock: lent.viommu.smmuBlock } }] };
  counting.attach(board as unknown as BoardMachine);
  const access = (iova: number, length: number, write = false) =>
    counting.dma({ device: 'd', iova, length, write }, () =>
      port[write ? 'write' : 'read'](iova, new Uint8Array(length)),
    );
  /** By page; undefined for one that is not in the IOTLB. */
  const counts = () => {
    const found: (number | undefined)[] = Array.from({ length: 8 }, () => undefined);
    eachLiveTlbEntry(unit.hostMemory, lent.viommu.smmuBlock, ({ address, iova }) => {
      found[(Number(iova) - IOVA) / PAGE] = hits.at(address);
    });
    return found;
  };
  const total = () => unit.threadBlock.count(THREAD_TLB_HITS);
  return { lent, access, counts, total };
}

const none = undefined;

describe('hits of IOTLB entries', () => {
  it('are those of the page that is accessed', async () => {
    const { access, counts } = await countedVm();
    access(IOVA, 64);
    expect(counts().slice(0, 2)).toEqual([0, none]);
    for (let i = 0; i < 3; i++) access(IOVA + 64 * i, 64);
    access(IOVA + PAGE, 64);
    access(IOVA + PAGE + 8, 8, true);
    expect(counts().slice(0, 3)).toEqual([3, 1, none]);
  });

  it('of an access of several pages are one for each that was there before', async () => {
    const { access, counts, total } = await countedVm();
    access(IOVA + PAGE, 64);
    access(IOVA + 3 * PAGE, 64);
    access(IOVA + PAGE / 2, 4 * PAGE);
    expect(counts()).toEqual([0, 1, 0, 1, 0, none, none, none]);
    access(IOVA, 8 * PAGE);
    expect(counts()).toEqual([1, 2, 1, 2, 1, 0, 0, 0]);
    access(IOVA + 8 * PAGE - 8, 16);
    access(IOVA + 4 * PAGE + 8, PAGE);
    expect(counts()).toEqual([1, 2, 1, 2, 2, 1, 0, 1]);
    expect(counts().reduce<number>((sum, one) => sum + (one ?? 0), 0)).toBe(total());
  });

  it('begin with the walk that fills the entry', async () => {
    const { lent, access, counts } = await countedVm();
    for (let i = 0; i < 3; i++) access(IOVA, 2 * PAGE);
    expect(counts().slice(0, 3)).toEqual([2, 2, none]);
    sendOnVcmdq(lent, tlbiNhVa(0, ASID, { address: IOVA }), sync());
    expect(counts().slice(0, 3)).toEqual([none, 2, none]);
    access(IOVA, 64);
    expect(counts().slice(0, 3)).toEqual([0, 2, none]);
    access(IOVA, 64);
    expect(counts().slice(0, 3)).toEqual([1, 2, none]);
    sendOnVcmdq(lent, tlbiNhAsid(0, ASID), sync());
    access(IOVA, 2 * PAGE);
    expect(counts().slice(0, 3)).toEqual([0, 0, none]);
  });

  it('are none where the entry does not allow the access', async () => {
    const { access, counts, total } = await countedVm();
    access(IOVA + 7 * PAGE, 64);
    expect(access(IOVA + 7 * PAGE, 64, true).ok).toBe(false);
    expect(access(IOVA + 6 * PAGE, 2 * PAGE, true).ok).toBe(false);
    expect([counts()[7], total()]).toEqual([0, 0]);
  });
});

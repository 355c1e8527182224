// SPDX-License-Identifier: MIT
// A VM's RAM in stage 2: in the largest possible blocks, so that few entries of the IOTLB
// are parts of a guest's pages.

import { expect, it } from 'vitest';
import { THREAD_TLB_MISSES } from '../../../assembly/layout/thread-memory.ts';
import { bypassSte } from '../../../devices/tables/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { ramRegions } from '../../../vmm/vcpu/wasm/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { RAM_GPA_BASE, STREAM } from '../../support/lent-vm.ts';

const MIB = 0x10_0000;
const PAGES = 160;

it('is one entry of the IOTLB for each 2 MiB', async () => {
  const host = await checkedHost(VmHost);
  const wasm = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  const vm = host.createVm('vm', wasm, ramRegions(wasm, RAM_GPA_BASE), {});
  const viommu = host.createViommu(vm, [STREAM], { cmdqv: true });
  viommu.attachStream(STREAM, bypassSte());
  const port = host.dmaPort(viommu, STREAM);
  const misses = () => vm.unit.threadBlock.count(THREAD_TLB_MISSES);
  // 2 MiB to 8 MiB of RAM, by its pages.
  const before = misses();
  for (let at = 2 * MIB; at < 8 * MIB; at += 0x1000)
    expect(port.read(RAM_GPA_BASE + at, new Uint8Array(8)).ok).toBe(true);
  expect(misses() - before).toBe(3);
});

// SPDX-License-Identifier: MIT
// The output of `Host.inspect` for a host with a known state.

import { describe, expect, it } from 'vitest';
import { sync, tlbiNhAsid, tlbiNsnhAll } from '../../../devices/tables/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost } from '../../support/findings.ts';
import {
  attachStage1,
  lendVm,
  STREAM,
  sendOnCmdq,
  sendOnVcmdq,
  startVcmdq,
} from '../../support/lent-vm.ts';

async function inspected() {
  const host = await checkedHost(VmHost);
  const lent = lendVm(host, 'vm0');
  attachStage1(lent);
  startVcmdq(lent);
  return { host, lent };
}

const viommuOf = (host: VmHost) => host.inspect().vms[0]?.viommus[0];

describe('the inspection of a host', () => {
  it('has VMs, their streams, VMIDs and StreamID pairs', async () => {
    const { host, lent } = await inspected();
    const { vmids, vms, smmus } = host.inspect();
    expect(vmids).toMatchObject({ bits: 16, pinned: 1, generation: 1 });
    expect(smmus).toMatchObject([{ vintfsInUse: 1, counts: { illegalOpcode: 0 } }]);
    expect(vms).toMatchObject([{ name: 'vm0', window: 1, memory: 0x200000, references: 1 }]);
    const pair = { pair: 0, virtual: STREAM, physical: 0x100 };
    expect(viommuOf(host)).toMatchObject({
      smmu: 0,
      index: 0,
      vmid: 1,
      streams: [{ virtual: STREAM, physical: 0x100 }],
      sidPairs: [pair],
      vintf: { index: lent.vintf.index, enabled: true, vmid: 1, sidPairs: [pair] },
    });
  });

  it('has PROD and CONS of each queue, and what it has done', async () => {
    const { host, lent } = await inspected();
    sendOnVcmdq(lent, tlbiNhAsid(0, 5), sync());
    sendOnCmdq(lent, tlbiNhAsid(0, 5));
    const seen = viommuOf(host);
    expect(seen?.vintf?.queues[0]).toMatchObject({
      name: 'LVCMDQ 0',
      kind: 'VCMDQ',
      allocated: true,
      entries: 16,
      prod: 2,
      cons: 2,
    });
    expect(seen?.vintf?.queues[0]).toMatchObject({
      state: 'running',
      error: 0,
      commands: 2,
      syncs: 1,
      errors: 0,
      rewrites: 1,
    });
    expect(seen?.vintf?.queues[1]).toMatchObject({
      allocated: false,
      entries: 0,
      prod: 0,
      cons: 0,
      commands: 0,
    });
    expect(seen?.queues).toMatchObject([
      { name: 'CMDQ', kind: 'trapped', entries: 16, prod: 1, cons: 1, commands: 1 },
    ]);
  });

  it('shows a queue that has stopped at a bad command', async () => {
    const { host, lent } = await inspected();
    sendOnVcmdq(lent, tlbiNsnhAll(), sync());
    expect(viommuOf(host)?.vintf?.queues[0]).toMatchObject({
      prod: 2,
      cons: 0,
      state: 'error held',
      error: 1,
      errors: 1,
    });
    host.service(true);
    expect(viommuOf(host)?.vintf?.queues[0]?.state).toBe('error published');
    expect(host.inspect().smmus[0]?.counts.illegalOpcode).toBe(1);
  });

  it('has every object of the iommufd, with references that add up', async () => {
    const { host } = await inspected();
    const objects = viommuOf(host)?.objects ?? [];
    expect(objects.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['IOAS', 'HWPT_PAGING', 'VIOMMU', 'VDEVICE', 'HW_QUEUE', 'DEVICE']),
    );
    for (const { id, users, type } of objects) {
      const keepers = objects.flatMap(({ keeps }) => keeps).filter((kept) => kept === id).length;
      // In addition to the table: the mapping of the direct page, open files of event
      // queues, the binding of a device.
      const others = { VIOMMU: 1, VEVENTQ: 1, FAULT: 1, DEVICE: 1 }[type as string] ?? 0;
      expect([type, users]).toEqual([type, 1 + keepers + others]);
    }
  });

  it('is plain data, and a copy', async () => {
    const { host, lent } = await inspected();
    const before = host.inspect();
    expect(JSON.parse(JSON.stringify(before))).toEqual(before);
    sendOnVcmdq(lent, sync());
    expect(before.vms[0]?.viommus[0]?.vintf?.queues[0]?.prod).toBe(0);
    host.destroyVm(lent.vm);
    expect(host.inspect().vms).toEqual([]);
  });
});

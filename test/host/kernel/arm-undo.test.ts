// SPDX-License-Identifier: MIT
// What the drivers of the SMMUv3 leave behind: after a request that fails half-way, and
// after an object that was destroyed.

import { describe, expect, it, vi } from 'vitest';
import { decodeCommand } from '../../../devices/decode/index.ts';
import { sync, writeCommand } from '../../../devices/tables/index.ts';
import { HW_QUEUE_TYPE_CMDQ_OVERLAY, type ResourceGate } from '../../../host/iommufd/index.ts';
import { ArmIommu } from '../../../host/kernel/arm/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { FailNth } from '../../support/fail-nth.ts';
import { checkedHost } from '../../support/findings.ts';
import { attachStage1, DATA_GPA, guestRam, RING_GPA, STREAM } from '../../support/lent-vm.ts';

async function setup() {
  let fault: FailNth | undefined;
  const gate: ResourceGate = (...what) => {
    if (what[1] === 'host RAM') fault?.gate(...what);
  };
  const host = await checkedHost(VmHost, { gate });
  const seen = vi.spyOn(ArmIommu.prototype, 'addDevice');
  const { wasm, regions, memory } = guestRam();
  const vm = host.createVm('vm', wasm, regions);
  const lent = { vm, memory, viommu: host.createViommu(vm, [STREAM], {}) };
  const iommu = seen.mock.contexts.at(-1) as ArmIommu;
  seen.mockRestore();
  const { fd, id: viommu } = lent.viommu;
  const idOf = (type: string) => fd.describe().find((object) => object.type === type)?.id ?? 0;
  return {
    host,
    lent,
    iommu,
    fd,
    viommu,
    idOf,
    ioas: idOf('IOAS'),
    /** Host RAM is exhausted after this many pieces, until the returned function is called. */
    exhaust: (pieces: number) => {
      const failing = new FailNth(pieces);
      fault = failing;
      return () => {
        fault = undefined;
        return failing.refused;
      };
    },
  };
}

describe('a mapping of stage 2', () => {
  it('that host RAM does not suffice for maps nothing, and can be made later', async () => {
    const { host, lent, fd, ioas, exhaust } = await setup();
    const port = host.dmaPort(lent.viommu, STREAM);
    // The last page below 1 GiB and the first one above: two tables each.
    const iova = 0x3fff_f000;
    const reads = () => [0, 0x1000].map((at) => port.read(iova + at, new Uint8Array(1)).ok);
    const map = () =>
      fd.ioasMap(ioas, {
        iova: BigInt(iova),
        length: 0x2000n,
        memory: lent.vm,
        address: DATA_GPA,
      });
    const recover = exhaust(2);
    expect(map).toThrow(expect.objectContaining({ errno: 'ENOMEM' }));
    expect(recover()).toBe('host RAM');
    expect(reads()).toEqual([false, false]);
    map();
    expect(reads()).toEqual([true, true]);
  });
});

describe('a vDEVICE that is destroyed', () => {
  it('has no ATC that an unmap of stage 2 would invalidate: its stream may be another VM’s', async () => {
    const { lent, iommu, fd, idOf, ioas } = await setup();
    attachStage1(lent, { eats: 1 });
    const issued = vi.spyOn(iommu.smmu, 'issue');
    const map = (iova: bigint) =>
      fd.ioasMap(ioas, { iova, length: 0x1000n, memory: lent.vm, address: DATA_GPA });
    const unmapped = (iova: bigint) => {
      map(iova);
      issued.mockClear();
      fd.ioasUnmap(ioas, iova, 0x1000n);
      return issued.mock.calls.flatMap(([all]) => all.map((words) => decodeCommand(words).name));
    };
    expect(unmapped(0x4000_0000n)).toEqual(['TLBI_S12_VMALL', 'ATC_INV']);
    fd.detach(idOf('DEVICE'));
    fd.destroy(idOf('VDEVICE'));
    expect(unmapped(0x4000_0000n)).toEqual(['TLBI_S12_VMALL']);
  });
});

describe('a command queue that its guest drives itself', () => {
  const request = (viommu: number) => ({
    viommu,
    type: HW_QUEUE_TYPE_CMDQ_OVERLAY,
    index: 0,
    iova: BigInt(RING_GPA),
    length: 0x2000n,
  });

  it('has a ring that is aligned to its size', async () => {
    const { fd, viommu } = await setup();
    const iova = BigInt(RING_GPA + 0x1000);
    expect(() => fd.hwQueueAlloc({ ...request(viommu), iova })).toThrow(
      expect.objectContaining({ errno: 'EINVAL' }),
    );
    fd.destroy(fd.hwQueueAlloc(request(viommu)));
  });

  it('that is freed at an error runs when it is allocated again', async () => {
    const { lent, fd, viommu } = await setup();
    const { commandQueue } = lent.viommu;
    const run = (prod: number) => {
      commandQueue.allocated = true;
      commandQueue.prod = prod;
      lent.vm.unit.drain.serve(commandQueue.smmu, commandQueue.index);
      return commandQueue.cons;
    };
    const queue = fd.hwQueueAlloc(request(viommu));
    writeCommand(lent.memory, RING_GPA, 0, Uint32Array.of(0, 0, 0, 0));
    expect([run(1), commandQueue.error]).toEqual([0, 1]);
    fd.destroy(queue);
    fd.hwQueueAlloc(request(viommu));
    writeCommand(lent.memory, RING_GPA, 0, sync());
    expect(run(1)).toBe(1);
  });
});

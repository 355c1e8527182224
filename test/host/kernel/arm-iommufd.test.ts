// SPDX-License-Identifier: MIT
// The host object model on real drivers: errors of the SMMUv3's and the CMDQV's, as in
// Linux, and the effects of an invalidation.

import { describe, expect, it } from 'vitest';
import { CERROR_ABT } from '../../../assembly/layout/commands.ts';
import type { MemoryRegion } from '../../../assembly/load.ts';
import {
  atcInv,
  cfgiCd,
  cfgiSte,
  contextDescriptor,
  nestedSte,
  resume,
  stage1Ste,
  stallTerm,
  sync,
  tlbiNhAll,
  tlbiNhAsid,
  tlbiNhVa,
  tlbiNsnhAll,
  tlbiS12Vmall,
  writeCd,
  writeCommand,
} from '../../../devices/tables/index.ts';
import {
  type Errno,
  HW_QUEUE_TYPE_TEGRA241_CMDQV,
  HWPT_DATA_ARM_SMMUV3,
  INVALIDATE_DATA_ARM_SMMUV3,
  VIOMMU_TYPE_TEGRA241_CMDQV,
} from '../../../host/iommufd/index.ts';
import { createToyMachine } from '../../../vmm/boards/index.ts';
import { VmHost, type VmHostOptions } from '../../../vmm/nested/index.ts';
import { loadGuestImage } from '../../../vmm/vcpu/wasm/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import {
  ASID,
  attachStage1,
  guestRam,
  IOVA,
  type LentVm,
  lendVm,
  RING_GPA,
  STREAM,
  sendOnCmdq,
} from '../../support/lent-vm.ts';
import { reactor } from '../../support/wat.ts';

async function setup(options: VmHostOptions = {}) {
  const host = await checkedHost(VmHost, options);
  const lent = lendVm(host);
  const { fd, id: viommu } = lent.viommu;
  const idOf = (type: string) => fd.describe().find((object) => object.type === type)?.id ?? 0;
  return {
    host,
    lent,
    fd,
    viommu,
    device: idOf('DEVICE'),
    ioas: idOf('IOAS'),
    parent: idOf('HWPT_PAGING'),
  };
}

function fails(action: () => unknown, errno: Errno, handled?: number): void {
  expect(action).toThrow(
    expect.objectContaining(handled === undefined ? { errno } : { errno, handled }),
  );
}

const bytesOf = (...structures: readonly Uint32Array[]) => {
  const bytes = new Uint8Array(structures.reduce((total, { byteLength }) => total + byteLength, 0));
  let at = 0;
  for (const structure of structures) {
    bytes.set(new Uint8Array(structure.buffer), at);
    at += structure.byteLength;
  }
  return bytes;
};

const vste = (ste: Uint32Array, bytes = 16) => ({
  type: HWPT_DATA_ARM_SMMUV3,
  bytes: bytesOf(ste).subarray(0, bytes),
});

function invalidation(...commands: readonly Uint32Array[]) {
  return {
    dataType: INVALIDATE_DATA_ARM_SMMUV3,
    entryLength: 16,
    entries: bytesOf(...commands),
    count: commands.length,
  };
}

const entries = ({ viommu, vintf }: LentVm) => footprintOf(viommu, vintf)['IOTLB entries'].count;

function touch(host: VmHost, lent: LentVm): void {
  expect(host.dmaPort(lent.viommu, STREAM).read(IOVA, new Uint8Array(1)).ok).toBe(true);
}

describe('GET_HW_INFO', () => {
  it('has the raw ID registers of the SMMU, and the numbers of its CMDQV', async () => {
    const { fd, device } = await setup({ vintfs: 4, vcmdqs: 16 });
    const { type, bytes } = fd.hwInfo(device);
    const words = new Uint32Array(bytes.slice().buffer);
    expect([type, words.length, words[2]?.toString(16)]).toEqual([2, 10, words[2]?.toString(16)]);
    // IDR0.S1P and S2P.
    expect((words[2] ?? 0) & 3).toBe(3);
    // Version 1, 4 LVCMDQs for each VINTF, 16 StreamIDs.
    expect(fd.hwInfo(device, 3)).toMatchObject({
      type: 3,
      bytes: Uint8Array.of(0, 0, 0, 0, 1, 2, 4, 0),
    });
    fails(() => fd.hwInfo(device, 1), 'EOPNOTSUPP');
  });
});

describe('a nested HWPT of an SMMUv3', () => {
  it('accepts a vSTE of two doublewords with the fields that a guest may use', async () => {
    const { fd, viommu, device, parent } = await setup();
    const alloc = (data: ReturnType<typeof vste>, on = viommu) =>
      fd.hwptAlloc({ device, parent: on, data });
    const stage2 = { vmid: 1, ttb: 0x1000, inputBits: 48 };
    fails(() => alloc(vste(stage1Ste({ contextPtr: 0 }), 8)), 'EINVAL');
    fails(() => alloc(vste(stage1Ste({ contextPtr: 0 }), 32)), 'EINVAL');
    fails(() => alloc({ ...vste(stage1Ste({ contextPtr: 0 })), type: 1 }), 'EINVAL');
    fails(() => alloc(vste(stage1Ste({ contextPtr: 0, strw: 2 }))), 'EIO');
    fails(() => alloc(vste(stage1Ste({ contextPtr: 0, eats: 2 }))), 'EIO');
    fails(() => alloc(vste(nestedSte({ contextPtr: 0 }, stage2))), 'EIO');
    for (const config of [1, 2, 3])
      fails(() => alloc(vste(Uint32Array.of((config << 1) | 1, 0, 0, 0))), 'EIO');
    fails(() => alloc(vste(Uint32Array.of(1, 0x00100000, 0, 0))), 'EIO');
    // Arm supports nesting only on vIOMMUs.
    fails(() => alloc(vste(stage1Ste({ contextPtr: 0 })), parent), 'EOPNOTSUPP');
    fails(
      () =>
        fd.hwptAlloc({
          device,
          parent,
          nestParent: true,
          data: vste(stage1Ste({ contextPtr: 0 })),
        }),
      'EOPNOTSUPP',
    );
    for (const good of [
      stage1Ste({ contextPtr: 0x1000, cdMax: 3, eats: 1 }),
      Uint32Array.of(0, 0, 0, 0),
      Uint32Array.of(9, 0, 0, 0),
    ]) {
      fd.destroy(alloc(vste(good)));
    }
  });

  it('wants a vDEVICE for stage 1, and none to abort or bypass', async () => {
    const { host, fd, viommu, device, lent } = await setup();
    const vdevice = fd.describe().find(({ type }) => type === 'VDEVICE')?.id ?? 0;
    const nested = fd.hwptAlloc({
      device,
      parent: viommu,
      data: vste(stage1Ste({ contextPtr: 0 })),
    });
    const abort = fd.hwptAlloc({ device, parent: viommu, data: vste(Uint32Array.of(1, 0, 0, 0)) });
    fd.destroy(vdevice);
    fails(() => fd.replace(device, nested), 'ENOENT');
    fd.replace(device, abort);
    expect(host.dmaPort(lent.viommu, STREAM).read(RING_GPA, new Uint8Array(1)).ok).toBe(false);
    fails(() => fd.vdeviceAlloc({ viommu, device, virtId: 2n ** 20n }), 'EINVAL');
    fd.vdeviceAlloc({ viommu, device, virtId: 2n ** 20n - 1n });
    fd.replace(device, nested);
  });
});

describe('a vDEVICE', () => {
  it('maps StreamIDs in commands: its pair is in both command contexts while it exists', async () => {
    const { fd, viommu, device, lent } = await setup();
    const contexts = [lent.viommu.context, lent.vintf.context];
    const pairs = () => contexts.map((context) => [context.sidMatch(0), context.sidReplace(0)]);
    const command = () => fd.hwptInvalidate(viommu, invalidation(cfgiCd(STREAM, 0)));
    const [made, own] = pairs();
    // SID_MATCH: ENABLE is bit 0, VIRT_SID follows.
    expect([made?.[0], own?.[0], command()]).toEqual([2 * STREAM + 1, 2 * STREAM + 1, 1]);
    fd.destroy(fd.describe().find(({ type }) => type === 'VDEVICE')?.id ?? 0);
    expect(pairs()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    fails(command, 'EIO', 0);
    fd.vdeviceAlloc({ viommu, device, virtId: BigInt(STREAM) });
    expect([pairs(), command()]).toEqual([[made, own], 1]);
  });
});

describe('a vIOMMU of an SMMUv3', () => {
  it('with a CMDQV requires 16 bytes of driver data, a VM, and a stage 2 of the same SMMU', async () => {
    const { fd, device, parent, lent } = await setup({ vintfs: 4 });
    const request = {
      device,
      hwpt: parent,
      type: VIOMMU_TYPE_TEGRA241_CMDQV,
      data: new Uint8Array(16),
      vm: lent.vm,
    };
    const { data: _data, ...withoutData } = request;
    const { vm: _vm, ...withoutVm } = request;
    fails(() => fd.viommuAlloc(withoutData), 'EINVAL');
    fails(() => fd.viommuAlloc({ ...request, data: new Uint8Array(15) }), 'EINVAL');
    fails(() => fd.viommuAlloc(withoutVm), 'EINVAL');
    fails(() => fd.viommuAlloc({ ...request, type: 9 }), 'EOPNOTSUPP');
    // Two VINTFs are left; then there is none, and the failed attempt leaves nothing.
    const made = [fd.viommuAlloc(request), fd.viommuAlloc(request)];
    expect(lent.vm.references).toBe(3);
    fails(() => fd.viommuAlloc(request), 'ENOSPC');
    expect(lent.vm.references).toBe(3);
    expect(made.map(({ mmap }) => mmap?.length)).toEqual([0x10000, 0x10000]);
    for (const { id } of made) fd.destroy(id);
  });

  it('lends HW queues by the rules of the CMDQV', async () => {
    const { fd, ioas, viommu } = await setup({ vintfs: 4, vcmdqs: 16 });
    const request = {
      viommu,
      type: HW_QUEUE_TYPE_TEGRA241_CMDQV,
      index: 0,
      iova: BigInt(RING_GPA),
      length: 256n,
    };
    fails(() => fd.hwQueueAlloc({ ...request, type: 2 }), 'EOPNOTSUPP');
    fails(() => fd.hwQueueAlloc({ ...request, index: 4 }), 'EINVAL');
    fails(() => fd.hwQueueAlloc({ ...request, index: 1 }), 'EIO');
    for (const length of [16n, 48n, 2n ** 15n])
      fails(() => fd.hwQueueAlloc({ ...request, length }), 'EINVAL');
    fails(() => fd.hwQueueAlloc({ ...request, iova: request.iova + 16n }), 'EINVAL');
    fails(() => fd.hwQueueAlloc({ ...request, iova: 0x1000n }), 'ENOENT');
    const first = fd.hwQueueAlloc(request);
    fails(() => fd.hwQueueAlloc(request), 'EEXIST');
    fails(() => fd.ioasUnmap(ioas, 0n, 2n ** 64n - 1n), 'EBUSY');
    const second = fd.hwQueueAlloc({ ...request, index: 1 });
    fails(() => fd.destroy(first), 'EBUSY');
    fd.destroy(second);
    fd.destroy(first);
  });

  it('without a CMDQV has streams by the dozen, with StreamIDs of any length, on every queue', async () => {
    for (const overlay of [false, true]) {
      const host = await checkedHost(VmHost);
      const { wasm, regions, memory } = guestRam();
      const vm = host.createVm('vm', wasm, regions);
      const sids = [STREAM, ...Array.from({ length: 40 }, (_, i) => 100 + i), 0xfedcba98];
      const viommu = host.createViommu(vm, sids, { overlay });
      const table = attachStage1({ viommu, memory });
      const cd = memory.allocate(64, 64);
      const lower = { ttb: table.root, inputBits: 48 };
      writeCd(memory, cd, 0, contextDescriptor({ asid: ASID, outputBits: 48, lower }));
      const ports = [100, 139, 0xfedcba98].map((sid) => {
        viommu.attachStream(sid, stage1Ste({ contextPtr: cd, eats: 1 }));
        const port = host.dmaPort(viommu, sid);
        port.ats?.configure({ enabled: true, pageRequests: false, silent: false });
        return { sid, reads: () => port.read(IOVA, new Uint8Array(1)).ok };
      });
      viommu.setSmmuEnabled(true);
      expect(ports.map(({ reads }) => reads())).toEqual([true, true, true]);
      table.unmap(IOVA, 0x1000);
      sendOnCmdq({ viommu, memory }, tlbiNhAsid(0, ASID), sync());
      // Only the ATCs are left; each ATC_INV invalidates its own.
      ports.forEach(({ sid }, i) => {
        expect(ports.map(({ reads }) => reads())).toEqual(ports.map((_, other) => other >= i));
        sendOnCmdq({ viommu, memory }, atcInv({ streamId: sid, address: 0, size: 52 }), sync());
      });
      expect(viommu.commandQueue.error).toBe(0);
      expect(host.inspect().vms[0]?.viommus[0]?.sidPairs.map(({ virtual }) => virtual)).toEqual(
        sids,
      );
      // A stream that the guest does not have, and one that it no longer has.
      sendOnCmdq({ viommu, memory }, atcInv({ streamId: 140, address: 0, size: 52 }));
      expect(viommu.commandQueue.error).toBe(1);
      viommu.fd.close();
      const { context } = viommu;
      expect(context.streams).toEqual([]);
    }
  });

  it('without a CMDQV accepts virtual IDs of 64 bits, and 256 devices', async () => {
    const host = await checkedHost(VmHost);
    const { vm } = lendVm(host);
    const streams = (count: number) => Array.from({ length: count }, (_, i) => 1000 + i);
    expect(() => host.createViommu(vm, streams(257))).toThrow('at most 256 StreamIDs');
    const { fd, id: viommu } = host.createViommu(vm, streams(256));
    const [vdevice] = fd.describe().filter(({ type }) => type === 'VDEVICE');
    const [device] = fd.describe().filter(({ type }) => type === 'DEVICE');
    fd.destroy(vdevice?.id ?? 0);
    fd.vdeviceAlloc({ viommu, device: device?.id ?? 0, virtId: 2n ** 64n - 1n });
  });

  it('can be there 63 times, none of them in the host’s own command context', async () => {
    const host = await checkedHost(VmHost);
    const { vm, viommu: first, memory } = lendVm(host);
    const others = Array.from({ length: 62 }, () => host.createViommu(vm, [STREAM]));
    const last = others.at(-1);
    if (!last) throw new Error('no vIOMMU');
    expect([first.index, last.index, last.context.index]).toEqual([0, 62, 126]);
    // "Everything" of a guest is everything of its own VMID, in the last context as in
    // the first.
    sendOnCmdq({ viommu: last, memory }, tlbiNsnhAll(), sync());
    expect([last.commandQueue.error, last.commandQueue.cons, last.context.hypOwn]).toEqual([
      0,
      2,
      false,
    ]);
    expect(() => host.createViommu(vm, [STREAM])).toThrow('at most 63 vIOMMUs');
    // The host continues to issue its own commands, and can lend all of them again.
    host.destroyVm(vm);
    expect(lendVm(host).viommu.index).toBe(0);
  });

  it('with a CMDQV has 16 StreamIDs', async () => {
    const host = await checkedHost(VmHost);
    const { vm } = lendVm(host);
    const streams = (count: number) => Array.from({ length: count }, (_, i) => 100 + i);
    fails(() => host.createViommu(vm, streams(17), { cmdqv: true }), 'ENOSPC');
    expect(host.createViommu(vm, streams(16), { cmdqv: true }).streams.size).toBe(16);
    expect(host.statistics.vmidsInUse).toBe(2);
  });
});

describe('linuxCompat', () => {
  it('shows STALL_MODEL 1, and refuses RESUME and STALL_TERM', async () => {
    for (const linuxCompat of [false, true]) {
      const { fd, device, viommu, lent } = await setup({ linuxCompat });
      const words = new Uint32Array(fd.hwInfo(device).bytes.slice().buffer);
      // IDR0.STALL_MODEL [25:24], IDR5.STALL_MAX [31:16].
      expect([((words[2] ?? 0) >>> 24) & 3, (words[7] ?? 0) >>> 16]).toEqual(
        linuxCompat ? [1, 0] : [0, 0x400],
      );
      for (const command of [resume(STREAM, 1, 'retry'), stallTerm(STREAM)]) {
        const queue = lent.viommu.commandQueue;
        const before = queue.cons;
        sendOnCmdq(lent, command, sync());
        expect([queue.error, queue.cons - before]).toEqual(linuxCompat ? [1, 0] : [0, 2]);
        fails(() => fd.hwptInvalidate(viommu, invalidation(command)), 'EIO', 0);
        if (!linuxCompat) continue;
        lent.vm.unit.drain.stepOver(queue.smmu, queue.index);
        lent.viommu.serveCommandQueue();
      }
    }
  });

  it('a CD that stalls is C_BAD_CD, and terminates what it does not refuse otherwise', async () => {
    for (const linuxCompat of [false, true]) {
      const { host, lent } = await setup({ linuxCompat });
      attachStage1(lent, { stall: true });
      const { ok, stalled = false } = host
        .dmaPort(lent.viommu, STREAM)
        .read(IOVA + 0x1000, new Uint8Array(1));
      host.service(true);
      expect([ok, stalled, (lent.events[0]?.[0] ?? 0) & 0xff]).toEqual(
        linuxCompat ? [false, false, 0x0a] : [false, true, 0x10],
      );
    }
  });

  it('is shown to a guest of the standard board', async () => {
    const image = await loadGuestImage(
      reactor('(func $run (param i32) (result i32) (i32.const 0))'),
    );
    for (const linuxCompat of [false, true]) {
      const { machine } = createToyMachine({
        host: await checkedHost(VmHost, { linuxCompat }),
        name: 'vm',
        index: 0,
        image,
        onOutput: () => undefined,
      });
      const idr0 = machine.devices.bus.read(0x09050000, 4);
      expect((idr0 >>> 24) & 3).toBe(linuxCompat ? 1 : 0);
    }
  });
});

describe('an invalidation through an SMMUv3’s vIOMMU', () => {
  it('is refused for its shape as by Linux', async () => {
    const { fd, viommu, parent } = await setup();
    const good = invalidation(tlbiNhAll(0));
    fails(() => fd.hwptInvalidate(viommu, invalidation()), 'EINVAL');
    fails(() => fd.hwptInvalidate(viommu, { ...good, dataType: 2 }), 'EINVAL');
    fails(
      () =>
        fd.hwptInvalidate(viommu, {
          ...good,
          entryLength: 24,
          entries: new Uint8Array(24).fill(0x30),
        }),
      'E2BIG',
    );
    fails(() => fd.hwptInvalidate(parent, good), 'EINVAL');
    const nested = fd.describe().find(({ type }) => type === 'HWPT_NESTED')?.id ?? 0;
    fails(() => fd.hwptInvalidate(nested, good), 'EOPNOTSUPP');
    expect(fd.hwptInvalidate(viommu, good)).toBe(1);
  });

  it('accepts the commands that a guest may send and no others, for its own VMID', async () => {
    const { host, fd, viommu, lent } = await setup();
    const other = lendVm(host);
    for (const vm of [lent, other]) attachStage1(vm);
    const own = [
      tlbiNsnhAll(),
      tlbiNhAll(other.viommu.vmid),
      tlbiNhAsid(other.viommu.vmid, ASID),
      tlbiNhVa(9, ASID, { address: IOVA }),
    ];
    for (const command of own) {
      for (const vm of [lent, other]) touch(host, vm);
      expect([entries(lent), entries(other)]).toEqual([1, 1]);
      expect(fd.hwptInvalidate(viommu, invalidation(command))).toBe(1);
      expect([entries(lent), entries(other)]).toEqual([0, 1]);
    }
    expect(
      fd.hwptInvalidate(
        viommu,
        invalidation(cfgiCd(STREAM, 0), atcInv({ streamId: STREAM, address: 0, size: 52 })),
      ),
    ).toBe(2);
    const secure = tlbiNhAll(0);
    secure[0] = (secure[0] ?? 0) | (1 << 10);
    for (const refused of [
      cfgiSte(STREAM),
      sync(),
      tlbiS12Vmall(1),
      secure,
      cfgiCd(0x100, 0),
      cfgiCd(STREAM + 1, 0),
    ]) {
      fails(() => fd.hwptInvalidate(viommu, invalidation(refused)), 'EIO', 0);
    }
  });

  it('that fails half-way has executed what it counts; Linux’s counts what it has dropped', async () => {
    for (const linuxCompat of [false, true]) {
      const { host, fd, viommu, lent } = await setup({ linuxCompat });
      attachStage1(lent);
      touch(host, lent);
      const commands = [
        ...Array.from({ length: 70 }, () => tlbiNhAsid(0, 98)),
        tlbiNhAll(0),
        cfgiSte(STREAM),
        tlbiNhAll(0),
      ];
      fails(() => fd.hwptInvalidate(viommu, invalidation(...commands)), 'EIO', 71);
      // The 71st would have removed the entry: it is in the chunk that Linux never sends.
      expect(entries(lent)).toBe(linuxCompat ? 1 : 0);
    }
  });

  it('by a queue continues after a command that the VMM has emulated, or at one that was corrected', async () => {
    const { fd, viommu, lent } = await setup();
    const ring = [
      sync(),
      cfgiSte(STREAM),
      sync(),
      cfgiSte(STREAM),
      sync(),
      Uint32Array.of(0, 0, 0, 0),
    ];
    ring.forEach((command, slot) => {
      writeCommand(lent.memory, RING_GPA, slot, command);
    });
    const run = (head: number, log2size = 4) =>
      fd.hwptInvalidateQueue(viommu, { base: BigInt(RING_GPA), log2size, head, tail: 6 });
    expect(run(0)).toEqual({ head: 1, progress: 'unsupported' });
    // A second call has the same result: the call has no memory of its own.
    expect(run(1)).toEqual({ head: 1, progress: 'unsupported' });
    expect(run(2)).toEqual({ head: 3, progress: 'unsupported' });
    expect(run(4)).toEqual({ head: 5, progress: 'error' });
    expect(run(5)).toEqual({ head: 5, progress: 'error' });
    writeCommand(lent.memory, RING_GPA, 5, sync());
    expect(run(5)).toEqual({ head: 6, progress: 'running' });
    for (const log2size of [-1, 0.5, 20, 31]) fails(() => run(0, log2size), 'EINVAL');
  });

  it('by a queue in the memory of the VMM does what the entries would, one by one', async () => {
    const { host, fd, viommu, lent } = await setup();
    attachStage1(lent);
    const run = (head: number, tail: number, ...commands: readonly Uint32Array[]) =>
      fd.hwptInvalidateQueue(viommu, { base: bytesOf(...commands), log2size: 2, head, tail });
    const other = tlbiNhAsid(0, 98);
    touch(host, lent);
    expect(run(0, 3, other, sync(), other, tlbiNhAll(0))).toEqual({ head: 3, progress: 'running' });
    expect(entries(lent)).toBe(1);
    // Across the end of the ring, with the wrap bit.
    expect(run(3, 4, other, sync(), other, tlbiNhAll(0))).toEqual({ head: 4, progress: 'running' });
    expect(entries(lent)).toBe(0);
    touch(host, lent);
    const emulated = [tlbiNhAll(0), cfgiSte(STREAM), sync(), other] as const;
    expect(run(4, 0, ...emulated)).toEqual({ head: 5, progress: 'unsupported' });
    expect(entries(lent)).toBe(0);
    expect(run(6, 0, ...emulated)).toEqual({ head: 0, progress: 'running' });
    fails(
      () => fd.hwptInvalidateQueue(viommu, { base: bytesOf(other), log2size: 2, head: 0, tail: 1 }),
      'EINVAL',
    );
  });

  it('by a queue finds its ring where it is mapped now', async () => {
    const { fd, viommu, ioas, lent } = await setup();
    for (let slot = 0; slot < 16; slot++) writeCommand(lent.memory, RING_GPA, slot, sync());
    const run = (head: number, tail: number, base = RING_GPA) =>
      fd.hwptInvalidateQueue(viommu, { base: BigInt(base), log2size: 4, head, tail });
    expect([run(0, 2), run(2, 4)]).toEqual([
      { head: 2, progress: 'running' },
      { head: 4, progress: 'running' },
    ]);
    // Another base, where there is no command.
    expect(run(4, 5, RING_GPA + 0x1000)).toEqual({ head: 4, progress: 'error' });
    expect(run(4, 5)).toEqual({ head: 5, progress: 'running' });
    fd.ioasUnmap(ioas, 0n, 2n ** 64n - 1n);
    expect(run(5, 6)).toEqual({ head: 5, progress: 'error' });
    expect(lent.viommu.commandQueue.error).toBe(CERROR_ABT);
    const [{ gpa, size }] = lent.vm.regions as [MemoryRegion];
    fd.ioasMap(ioas, { iova: BigInt(gpa), length: BigInt(size), memory: lent.vm, address: gpa });
    expect(run(5, 6)).toEqual({ head: 6, progress: 'running' });
    fails(
      () =>
        fd.hwptInvalidateQueue(viommu, {
          queue: 99,
          base: BigInt(RING_GPA),
          log2size: 4,
          head: 0,
          tail: 1,
        }),
      'EINVAL',
    );
  });
});

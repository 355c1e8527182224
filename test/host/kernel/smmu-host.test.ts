// SPDX-License-Identifier: MIT
// An iommufd over the SMMU, as used by a user of the package: DMA behaves as its objects
// describe.

import { describe, expect, it } from 'vitest';
import {
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_PROD,
} from '../../../assembly/layout/cmdqv-registers.ts';
import type { MemoryRegion } from '../../../assembly/load.ts';
import { guestMemoryOf } from '../../../devices/bus/index.ts';
import { GRACE_ID_REGISTERS, PHYSICAL_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import {
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  sync,
  tlbiNhVa,
  writeCd,
  writeCommand,
} from '../../../devices/tables/index.ts';
import {
  HW_QUEUE_TYPE_TEGRA241_CMDQV,
  HWPT_DATA_ARM_SMMUV3,
  Iommufd,
  VEVENTQ_TYPE_TEGRA241_CMDQV,
  VIOMMU_TYPE_TEGRA241_CMDQV,
} from '../../../host/iommufd/index.ts';
import { SmmuHost } from '../../../host/kernel/smmu-host.ts';
import { tableMemory } from '../../support/table-memory.ts';

const STREAM = 5;

async function setup() {
  const host = await SmmuHost.create();
  const fd = new Iommufd();
  const nic = host.addDevice('nic', STREAM);
  const device = fd.bind(nic);
  const ioas = fd.ioasAlloc();
  const page = host.allocate(0x1000);
  const map = (iova: bigint, writable = true) =>
    fd.ioasMap(ioas, { iova, length: 0x1000n, memory: host.memory, address: page, writable });
  const port = host.dmaPort(STREAM);
  const writes = (iova: number) => port.write(iova, Uint8Array.of(7)).ok;
  return { host, fd, nic, device, ioas, page, map, port, writes };
}

describe('an iommufd over the SMMU', () => {
  it('blocks a device that is bound, not attached, or taken back', async () => {
    const { host, fd, device, ioas, map, writes, page } = await setup();
    map(0x4000n);
    const seen = [writes(0x4000)];
    fd.attach(device, fd.hwptAlloc({ device, parent: ioas }));
    seen.push(writes(0x4000));
    fd.detach(device);
    seen.push(writes(0x4000));
    fd.close();
    seen.push(writes(0x4000));
    expect(seen).toEqual([false, true, false, false]);
    expect(host.bytes(page, 1)).toEqual(Uint8Array.of(7));
  });

  it('maps, protects and unmaps while the device is at it', async () => {
    const { host, fd, device, ioas, map, writes, port } = await setup();
    fd.attach(device, fd.hwptAlloc({ device, parent: ioas }));
    map(0x4000n);
    map(0x8000n, false);
    expect([writes(0x4000), writes(0x8000), port.read(0x8000, new Uint8Array(1)).ok]).toEqual([
      true,
      false,
      true,
    ]);
    expect(host.translate(STREAM, 0x8000, 4)).toMatchObject({ ok: true, length: 4 });
    fd.ioasUnmap(ioas, 0x4000n, 0x1000n);
    expect(writes(0x4000)).toBe(false);
    // The write to the read-only page, and the one to the unmapped page.
    expect([host.takeInterrupts(), host.takeInterrupts()]).toEqual([2, 0]);
  });

  it('maps existing RAM, and nothing else', async () => {
    const { host, fd, ioas } = await setup();
    const beyond = { iova: 0n, length: 0x1000n, memory: host.memory, address: 2 ** 32 };
    expect(() => fd.ioasMap(ioas, beyond)).toThrow(expect.objectContaining({ errno: 'EFAULT' }));
    expect(host.bytes(2 ** 32, 1)).toBeUndefined();
  });

  it('has bytes at addresses, and no memory anywhere else', async () => {
    const { host } = await setup();
    const NOT = [-1, 0.5, Number.NaN, '0', 0n, undefined] as readonly unknown[] as number[];
    for (const bad of NOT) {
      expect(() => host.bytes(bad, 1)).toThrow(/^bytes: pa must be /);
      expect(() => host.bytes(0, bad)).toThrow(/^bytes: length must be /);
    }
  });

  it('has devices that come and go', async () => {
    const { host, fd, nic, device } = await setup();
    fd.unbind(device);
    host.removeDevice(nic);
    const again = fd.bind(host.addDevice('nic', STREAM));
    expect(fd.describe().map(({ id }) => id)).toContain(again);
  });

  it('has RAM for the queues of its SMMU, however large', async () => {
    for (const [idRegisters, vcmdqs] of [
      [GRACE_ID_REGISTERS, 2],
      [GRACE_ID_REGISTERS, 8],
      [PHYSICAL_ID_REGISTERS, 128],
    ] as const) {
      const host = await SmmuHost.create({ idRegisters, vcmdqs });
      const page = host.allocate(0x1000);
      const fd = new Iommufd();
      const device = fd.bind(host.addDevice('nic', STREAM));
      const ioas = fd.ioasAlloc();
      fd.attach(device, fd.hwptAlloc({ device, parent: ioas }));
      fd.ioasMap(ioas, { iova: 0n, length: 0x1000n, memory: host.memory, address: page });
      expect(host.dmaPort(STREAM).read(0, new Uint8Array(1)).ok).toBe(true);
      fd.close();
    }
  });
});

describe('what an SmmuHost cannot have', () => {
  const { idr0, idr1 } = PHYSICAL_ID_REGISTERS;

  it('is a StreamID that its SMMU has not, or another device has', async () => {
    const host = await SmmuHost.create();
    for (const bad of [-1, 1.5, 2 ** 15, 2 ** 16, 2 ** 32 - 1, '5', undefined])
      expect(() => host.addDevice('nic', bad as number)).toThrow(/^addDevice: streamId must be/);
    const nic = host.addDevice('nic', 2 ** 15 - 1);
    expect(() => host.addDevice('other', 2 ** 15 - 1)).toThrow(
      expect.objectContaining({ code: 'in-use' }),
    );
    host.removeDevice(nic);
    host.addDevice('other', 2 ** 15 - 1);
    // IDR1.SIDSIZE 8.
    const idRegisters = { ...PHYSICAL_ID_REGISTERS, idr1: (idr1 & ~0x3f) | 8 };
    const small = await SmmuHost.create({ idRegisters });
    small.addDevice('last', 255);
    expect(() => small.addDevice('beyond', 256)).toThrow('from 0 to 255, not 256');
  });

  it('is an SMMU without stage 2', async () => {
    const idRegisters = { ...PHYSICAL_ID_REGISTERS, idr0: idr0 & ~1 };
    await expect(SmmuHost.create({ idRegisters })).rejects.toThrow('IDR0.S2P');
  });
});

describe('a VM of an SmmuHost', () => {
  const RAM = 0x80000000;
  const regions = [{ gpa: RAM, offset: 0x10000, size: 0x20000 }];
  const RING = RAM + 0x10000;
  const IOVA = 0x40_0000;
  const memory = (shared = true) =>
    new WebAssembly.Memory({ initial: 4, maximum: 4, shared: shared as true });

  /** A VM with a VCMDQ, and a device whose stage 1 maps nothing. */
  async function lend(guest = memory()) {
    const host = await SmmuHost.create({ vintfs: 2 });
    const vm = host.createVm('vm', guest, regions);
    const fd = new Iommufd();
    const nic = host.addDevice('nic', STREAM, vm);
    const device = fd.bind(nic);
    const ioas = fd.ioasAlloc();
    fd.ioasMap(ioas, { iova: BigInt(RAM), length: 0x20000n, memory: vm, address: RAM });
    const hwpt = fd.hwptAlloc({ device, parent: ioas, nestParent: true });
    const type = VIOMMU_TYPE_TEGRA241_CMDQV;
    const { id: viommu, mmap } = fd.viommuAlloc({
      device,
      hwpt,
      vm,
      type,
      data: new Uint8Array(16),
    });
    const { file } = fd.veventqAlloc({ viommu, type: VEVENTQ_TYPE_TEGRA241_CMDQV, depth: 4 });
    const queue = { viommu, type: HW_QUEUE_TYPE_TEGRA241_CMDQV, index: 0, length: 256n };
    fd.hwQueueAlloc({ ...queue, iova: BigInt(RING) });
    const { page, unmap } = fd.mmap(mmap?.offset ?? 0, mmap?.length ?? 0);
    page.write32(VCMDQ_CONFIG, 1);
    return { host, vm, fd, nic, device, hwpt, viommu, file, page, unmap, guest };
  }

  it.each([true, false])(
    'has DMA through its stage 2 alone, in its own memory: shared %s',
    async (shared) => {
      const { host, fd, device, hwpt, guest } = await lend(memory(shared));
      const other = host.createVm('other', memory(), regions);
      const port = host.dmaPort(STREAM);
      expect(port.write(RAM, Uint8Array.of(7)).ok).toBe(false);
      fd.attach(device, hwpt);
      expect([port.write(RAM, Uint8Array.of(7)).ok, port.write(0, Uint8Array.of(7)).ok]).toEqual([
        true,
        false,
      ]);
      expect(new Uint8Array(guest.buffer)[0x10000]).toBe(7);
      expect([...new Uint8Array(other.memory.buffer)].every((byte) => byte === 0)).toBe(true);
      expect(host.translate(STREAM, RAM + 4, 4)).toMatchObject({ ok: true, pa: 2 ** 32 + RAM + 4 });
    },
  );

  it('has stage 1 in its own memory, and its own commands drop what it has', async () => {
    const { host, vm, fd, device, viommu, page } = await lend();
    const tables = tableMemory(guestMemoryOf(vm.memory, vm.regions), RAM + 0x2000);
    const stage1 = new PageTable(tables, { stage: 1 });
    stage1.map(IOVA, RAM, 0x1000, S1_READ_WRITE);
    const cd = tables.allocate(64, 64);
    const lower = { ttb: stage1.root, inputBits: 48 };
    writeCd(tables, cd, 0, contextDescriptor({ asid: 3, lower }));
    const bytes = new Uint8Array(stage1Ste({ contextPtr: cd }).buffer, 0, 16);
    const data = { type: HWPT_DATA_ARM_SMMUV3, bytes };
    fd.vdeviceAlloc({ viommu, device, virtId: 0x20n });
    fd.attach(device, fd.hwptAlloc({ device, parent: viommu, data }));
    const port = host.dmaPort(STREAM);
    const reads = () => [IOVA, RAM].map((iova) => port.read(iova, new Uint8Array(1)).ok);
    expect(reads()).toEqual([true, false]);
    stage1.unmap(IOVA, 0x1000);
    expect(reads()).toEqual([true, false]);
    writeCommand(tables, RING, 0, tlbiNhVa(0, 3, { address: IOVA }));
    writeCommand(tables, RING, 1, sync());
    page.write32(VCMDQ_PROD, 2);
    expect([page.read32(VCMDQ_CONS), ...reads()]).toEqual([2, false, false]);
  });

  it('receives its queue’s error without a call', async () => {
    const { host, page, file, guest } = await lend();
    // CMDQ_OP_CFGI_ALL is not a command of a VCMDQ.
    new Uint32Array(guest.buffer)[(0x10000 + RING - RAM) / 4] = 0x04;
    page.write32(VCMDQ_PROD, 1);
    host.takeInterrupts();
    expect([page.read32(VCMDQ_GERROR) & 1, page.read32(VCMDQ_CONS) >>> 24]).toEqual([1, 1]);
    // The map of LVCMDQs with errors, after the header.
    expect([...file.read(64)].slice(8)).toEqual([1, ...Array(15).fill(0)]);
    host.takeInterrupts();
    expect(file.read(64)).toHaveLength(0);
  });

  it('stays while it has vIOMMUs or devices, and then releases its window', async () => {
    const { host, vm, fd, nic } = await lend();
    expect(() => host.destroyVm(vm)).toThrow('vm still has 1 vIOMMUs and 1 devices');
    fd.close();
    expect(() => host.destroyVm(vm)).toThrow(expect.objectContaining({ code: 'in-use' }));
    host.removeDevice(nic);
    host.destroyVm(vm);
    expect(() => host.destroyVm(vm)).toThrow(TypeError);
    expect(() => host.addDevice('late', STREAM, vm)).toThrow(TypeError);
    const others = Array.from({ length: 63 }, (_, i) => host.createVm(`vm${i}`, memory(), regions));
    expect(() => host.createVm('one more', memory(), regions)).toThrow('a host has at most 63 VMs');
    for (const other of others) host.destroyVm(other);
    host.createVm('again', memory(), regions);
  });

  it.each<[string, readonly MemoryRegion[], string]>([
    ['beyond its memory', [{ gpa: 0, offset: 0x30000, size: 0x20000 }], 'must lie in the memory'],
    ['beyond 4 GiB', [{ gpa: 0xfffff000, offset: 0, size: 0x2000 }], 'must lie below 4 GiB'],
    [
      'of half a page',
      [{ gpa: 0, offset: 0, size: 0x800 }],
      'regions[0] of a guest must be whole pages of 4 KiB',
    ],
    ['of no size', [{ gpa: 0, offset: 0 } as MemoryRegion], 'regions[0].size must be a number'],
  ])('has no RAM %s', async (_, bad, message) => {
    const host = await SmmuHost.create();
    expect(() => host.createVm('vm', memory(), bad)).toThrow(message);
    // It occupies nothing.
    for (let vm = 0; vm < 63; vm++) host.createVm(`vm${vm}`, memory(), regions);
  });
});

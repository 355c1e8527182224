// SPDX-License-Identifier: MIT
// The errors of the SMMUv3's and the CMDQV's drivers, request by request, as in iommufd
// and the two drivers of Linux 7.2. The state after a failed request is checked each
// time.

import { beforeAll, describe, expect, it } from 'vitest';
import { type HotModules, loadHotModules } from '../../../assembly/load.ts';
import { SYSTEM_CLOCK } from '../../../devices/bus/index.ts';
import { PHYSICAL_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import { tlbiNhAll } from '../../../devices/tables/index.ts';
import { createHostMemory, Unit } from '../../../devices/unit/index.ts';
import { HostRam } from '../../../host/hardware/host-ram.ts';
import {
  type Errno,
  HW_QUEUE_TYPE_TEGRA241_CMDQV,
  HWPT_DATA_ARM_SMMUV3,
  INVALIDATE_DATA_ARM_SMMUV3,
  Iommufd,
  VEVENTQ_TYPE_ARM_SMMUV3,
  VEVENTQ_TYPE_TEGRA241_CMDQV,
  VIOMMU_TYPE_ARM_SMMUV3,
  VIOMMU_TYPE_TEGRA241_CMDQV,
} from '../../../host/iommufd/index.ts';
import { VmidAllocator } from '../../../host/kernel/index.ts';
import { PhysicalIommu } from '../../../host/kernel/physical-iommu.ts';
import { Vm } from '../../../host/kernel/vm.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { guestRam, lendVm, RAM_GPA_BASE } from '../../support/lent-vm.ts';

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

const GPA = BigInt(RAM_GPA_BASE + 0x100000);
const PAGE = 4096n;

/**
 * Two SMMUs with four VINTFs of two queues each, a VM in two regions, and an iommufd with
 * a vIOMMU of the CMDQV on the first SMMU.
 */
function setup() {
  const hostMemory = createHostMemory({ smmus: 2, ramSize: 0x2000000 });
  const unit = new Unit({ modules, hostMemory, thread: 0 });
  const ram = new HostRam(hostMemory);
  const { wasm, regions } = guestRam();
  const [{ gpa, offset, size }] = regions as [(typeof regions)[number]];
  // Two pieces that are adjacent for the guest, but not in its memory.
  const pieces = [
    { gpa, offset: offset + size / 2, size: size / 2 },
    { gpa: gpa + size / 2, offset, size: size / 2 },
  ];
  const own = new Unit({
    modules,
    hostMemory,
    guest: { memory: wasm, regions: pieces, window: 1 },
    thread: 1,
  });
  const vm = new Vm('vm', 1, wasm, pieces, own);
  const vmids = new VmidAllocator({ bits: 16, cpus: 64, flush: () => undefined });
  const [zero, one] = [0, 1].map((smmuIndex) => {
    const unitOf = (window: number) => (window === 0 ? unit : window === 1 ? own : undefined);
    const pinVmid = () => {
      const holder = VmidAllocator.holder();
      return { vmid: vmids.pin(holder), sharedWith: undefined, unpin: () => vmids.unpin(holder) };
    };
    return new PhysicalIommu({
      unit,
      smmuIndex,
      vintfs: 4,
      vcmdqs: 8,
      ram,
      clock: SYSTEM_CLOCK,
      unitOf,
      pinVmid,
    });
  });
  if (!zero || !one) throw new Error('there are two SMMUs');
  const fd = new Iommufd();
  const device = fd.bind(zero.model.addDevice('nic', [0x100], { vm }));
  const two = fd.bind(zero.model.addDevice('two streams', [0x101, 0x102], { vm }));
  const none = fd.bind(zero.model.addDevice('no stream', [], { vm }));
  const elsewhere = fd.bind(one.model.addDevice('elsewhere', [0x100], { vm }));
  const ioas = fd.ioasAlloc();
  for (const piece of pieces)
    fd.ioasMap(ioas, {
      iova: BigInt(piece.gpa),
      length: BigInt(piece.size),
      memory: vm,
      address: piece.gpa,
    });
  const flat = fd.hwptAlloc({ device, parent: ioas });
  const parent = fd.hwptAlloc({ device, parent: ioas, nestParent: true });
  const data = new Uint8Array(16);
  const made = fd.viommuAlloc({ device, hwpt: parent, type: VIOMMU_TYPE_TEGRA241_CMDQV, data, vm });
  return {
    fd,
    vm,
    device,
    two,
    none,
    elsewhere,
    ioas,
    flat,
    parent,
    viommu: made.id,
    mmap: made.mmap ?? { offset: 0, length: 0 },
    pieces,
  };
}

type Setup = ReturnType<typeof setup>;
const S1 = {
  type: HWPT_DATA_ARM_SMMUV3,
  bytes: Uint8Array.of(0x0b, ...new Array<number>(15).fill(0)),
};
const ABORT = {
  type: HWPT_DATA_ARM_SMMUV3,
  bytes: Uint8Array.of(0x01, ...new Array<number>(15).fill(0)),
};
const queue = ({ viommu }: Setup, index = 0) => ({
  viommu,
  type: HW_QUEUE_TYPE_TEGRA241_CMDQV,
  index,
  iova: GPA,
  length: PAGE,
});
const command = (length = 16, count = 1) => ({
  dataType: INVALIDATE_DATA_ARM_SMMUV3,
  entryLength: length,
  entries: new Uint8Array(length * count).map(
    (_, i) => new Uint8Array(tlbiNhAll(0).buffer)[i % length] ?? 0,
  ),
  count,
});

const ROWS: readonly (readonly [string, Errno, (s: Setup) => unknown])[] = [
  [
    'hwptAlloc of a nest parent with a fault queue',
    'EOPNOTSUPP',
    ({ fd, device, ioas }) => {
      fd.hwptAlloc({ device, parent: ioas, nestParent: true, fault: fd.faultQueueAlloc().id });
    },
  ],
  [
    'hwptAlloc of a nest parent with dirty tracking',
    'EOPNOTSUPP',
    ({ fd, device, ioas }) =>
      fd.hwptAlloc({ device, parent: ioas, nestParent: true, dirtyTracking: true }),
  ],
  [
    'hwptAlloc on a device',
    'EINVAL',
    ({ fd, device, two }) => fd.hwptAlloc({ device, parent: two, data: S1 }),
  ],
  [
    'hwptAlloc of an unknown parent',
    'EINVAL',
    ({ fd, device }) => fd.hwptAlloc({ device, parent: 999 }),
  ],
  [
    'hwptAlloc for an unknown device',
    'ENOENT',
    ({ fd, ioas }) => fd.hwptAlloc({ device: 999, parent: ioas }),
  ],
  [
    'hwptAlloc nested without data',
    'EOPNOTSUPP',
    ({ fd, device, viommu }) => fd.hwptAlloc({ device, parent: viommu }),
  ],
  [
    'hwptAlloc nested on a HWPT',
    'EOPNOTSUPP',
    ({ fd, device, parent }) => fd.hwptAlloc({ device, parent, data: S1 }),
  ],
  [
    'hwptAlloc nested on a HWPT that is no parent',
    'EOPNOTSUPP',
    ({ fd, device, flat }) => fd.hwptAlloc({ device, parent: flat, data: S1 }),
  ],
  [
    'hwptAlloc nested for a device behind another SMMU',
    'EINVAL',
    ({ fd, elsewhere, viommu }) => fd.hwptAlloc({ device: elsewhere, parent: viommu, data: S1 }),
  ],
  [
    'attach of stage 1 without a vDEVICE',
    'ENOENT',
    ({ fd, device, viommu }) =>
      fd.attach(device, fd.hwptAlloc({ device, parent: viommu, data: S1 })),
  ],
  [
    'attach behind another SMMU',
    'EINVAL',
    ({ fd, device, elsewhere, viommu }) =>
      fd.attach(elsewhere, fd.hwptAlloc({ device, parent: viommu, data: ABORT })),
  ],
  [
    'attach of a paging HWPT behind another SMMU',
    'EINVAL',
    ({ fd, elsewhere, flat }) => fd.attach(elsewhere, flat),
  ],
  [
    'viommuAlloc on a HWPT that is not a nest parent',
    'EINVAL',
    ({ fd, device, flat, vm }) =>
      fd.viommuAlloc({ device, hwpt: flat, type: VIOMMU_TYPE_ARM_SMMUV3, vm }),
  ],
  [
    'viommuAlloc on an IOAS',
    'ENOENT',
    ({ fd, device, ioas, vm }) =>
      fd.viommuAlloc({ device, hwpt: ioas, type: VIOMMU_TYPE_ARM_SMMUV3, vm }),
  ],
  [
    'viommuAlloc with flags',
    'EOPNOTSUPP',
    ({ fd, device, parent, vm }) =>
      fd.viommuAlloc({ device, hwpt: parent, type: VIOMMU_TYPE_ARM_SMMUV3, flags: 2, vm }),
  ],
  [
    'viommuAlloc of no type',
    'EOPNOTSUPP',
    ({ fd, device, parent, vm }) => fd.viommuAlloc({ device, hwpt: parent, type: 0, vm }),
  ],
  [
    'viommuAlloc on the stage 2 of another SMMU',
    'EINVAL',
    ({ fd, elsewhere, parent, vm }) =>
      fd.viommuAlloc({ device: elsewhere, hwpt: parent, type: VIOMMU_TYPE_ARM_SMMUV3, vm }),
  ],
  [
    'vdeviceAlloc behind another SMMU',
    'EINVAL',
    ({ fd, elsewhere, viommu }) => fd.vdeviceAlloc({ viommu, device: elsewhere, virtId: 1n }),
  ],
  [
    'vdeviceAlloc of two streams',
    'EOPNOTSUPP',
    ({ fd, two, viommu }) => fd.vdeviceAlloc({ viommu, device: two, virtId: 1n }),
  ],
  [
    'vdeviceAlloc without a stream',
    'EOPNOTSUPP',
    ({ fd, none, viommu }) => fd.vdeviceAlloc({ viommu, device: none, virtId: 1n }),
  ],
  [
    'vdeviceAlloc of a StreamID above 20 bits',
    'EINVAL',
    ({ fd, device, viommu }) => fd.vdeviceAlloc({ viommu, device, virtId: 0x100000n }),
  ],
  [
    'vdeviceAlloc of a device that is one',
    'EEXIST',
    ({ fd, device, viommu }) => {
      fd.vdeviceAlloc({ viommu, device, virtId: 1n });
      fd.vdeviceAlloc({ viommu, device, virtId: 2n });
    },
  ],
  [
    'vdeviceAlloc on nothing',
    'ENOENT',
    ({ fd, device }) => fd.vdeviceAlloc({ viommu: 999, device, virtId: 1n }),
  ],
  [
    'veventqAlloc of no depth',
    'EINVAL',
    ({ fd, viommu }) => fd.veventqAlloc({ viommu, type: VEVENTQ_TYPE_ARM_SMMUV3, depth: 0 }),
  ],
  [
    'veventqAlloc of too many',
    'EINVAL',
    ({ fd, viommu }) =>
      fd.veventqAlloc({ viommu, type: VEVENTQ_TYPE_TEGRA241_CMDQV, depth: 2 ** 19 + 1 }),
  ],
  [
    'veventqAlloc for the second time',
    'EEXIST',
    ({ fd, viommu }) => {
      for (let i = 0; i < 2; i++)
        fd.veventqAlloc({ viommu, type: VEVENTQ_TYPE_TEGRA241_CMDQV, depth: 4 });
    },
  ],
  [
    'hwQueueAlloc of another type',
    'EOPNOTSUPP',
    (s) => s.fd.hwQueueAlloc({ ...queue(s), type: 2 }),
  ],
  ['hwQueueAlloc beyond the VINTF', 'EINVAL', (s) => s.fd.hwQueueAlloc(queue(s, 2))],
  ['hwQueueAlloc out of turn', 'EIO', (s) => s.fd.hwQueueAlloc(queue(s, 1))],
  [
    'hwQueueAlloc of a taken index',
    'EEXIST',
    (s) => {
      for (let i = 0; i < 2; i++) s.fd.hwQueueAlloc(queue(s));
    },
  ],
  ['hwQueueAlloc of no length', 'EINVAL', (s) => s.fd.hwQueueAlloc({ ...queue(s), length: 0n })],
  [
    'hwQueueAlloc of a length that is no power of two',
    'EINVAL',
    (s) => s.fd.hwQueueAlloc({ ...queue(s), length: 48n }),
  ],
  ['hwQueueAlloc of one command', 'EINVAL', (s) => s.fd.hwQueueAlloc({ ...queue(s), length: 16n })],
  [
    'hwQueueAlloc of more than IDR1.CMDQS',
    'EINVAL',
    (s) => s.fd.hwQueueAlloc({ ...queue(s), length: 32n * 1024n }),
  ],
  [
    'hwQueueAlloc that is not aligned to its length',
    'EINVAL',
    (s) => s.fd.hwQueueAlloc({ ...queue(s), iova: GPA + 2048n }),
  ],
  [
    'hwQueueAlloc at the end of the address space',
    'EOVERFLOW',
    (s) => s.fd.hwQueueAlloc({ ...queue(s), iova: 2n ** 64n - 1n }),
  ],
  [
    'hwQueueAlloc where nothing is mapped',
    'ENOENT',
    (s) => s.fd.hwQueueAlloc({ ...queue(s), iova: 0x1000n }),
  ],
  [
    'ioasUnmap of a pinned ring',
    'EBUSY',
    (s) => {
      s.fd.hwQueueAlloc(queue(s));
      s.fd.ioasUnmap(s.ioas, 0n, 2n ** 64n - 1n);
    },
  ],
  [
    'destroy of a queue below another',
    'EBUSY',
    (s) => {
      const first = s.fd.hwQueueAlloc(queue(s));
      s.fd.hwQueueAlloc({ ...queue(s, 1), iova: GPA + PAGE });
      s.fd.destroy(first);
    },
  ],
  [
    'destroy of a vIOMMU with a queue',
    'EBUSY',
    (s) => {
      s.fd.hwQueueAlloc(queue(s));
      s.fd.destroy(s.viommu);
    },
  ],
  [
    'destroy of a vIOMMU whose page 0 is mapped',
    'EBUSY',
    ({ fd, viommu, mmap }) => {
      fd.mmap(mmap.offset, mmap.length);
      fd.destroy(viommu);
    },
  ],
  ['destroy of the stage 2 of a vIOMMU', 'EBUSY', ({ fd, parent }) => fd.destroy(parent)],
  ['mmap of half a page 0', 'ENXIO', ({ fd, mmap }) => fd.mmap(mmap.offset, mmap.length / 2)],
  [
    'mmap beside page 0',
    'ENXIO',
    ({ fd, mmap }) => fd.mmap(mmap.offset + mmap.length, mmap.length),
  ],
  ['mmap that is not aligned', 'EINVAL', ({ fd, mmap }) => fd.mmap(mmap.offset + 1, mmap.length)],
  [
    'mmap that is private',
    'EINVAL',
    ({ fd, mmap }) => fd.mmap(mmap.offset, mmap.length, { shared: false }),
  ],
  [
    'mmap to execute',
    'EPERM',
    ({ fd, mmap }) => fd.mmap(mmap.offset, mmap.length, { executable: true }),
  ],
  [
    'hwptInvalidate of no entries',
    'EINVAL',
    ({ fd, viommu }) => fd.hwptInvalidate(viommu, command(16, 0)),
  ],
  [
    'hwptInvalidate of entries of more than a page',
    'EINVAL',
    ({ fd, viommu }) => fd.hwptInvalidate(viommu, command(4112)),
  ],
  [
    'hwptInvalidate of a paging HWPT',
    'EINVAL',
    ({ fd, parent }) => fd.hwptInvalidate(parent, command()),
  ],
  ['hwptInvalidate of nothing', 'ENOENT', ({ fd }) => fd.hwptInvalidate(999, command())],
  ['hwInfo of another vendor', 'EOPNOTSUPP', ({ fd, device }) => fd.hwInfo(device, 1)],
];

describe('a request to the drivers of the SMMUv3 and the CMDQV', () => {
  it.each(ROWS)('%s is %s', (_, errno, request) => {
    const s = setup();
    expect(() => request(s)).toThrow(expect.objectContaining({ errno }));
    // Whatever it was, everything is released.
    s.fd.close();
    expect([s.fd.describe(), s.vm.references]).toEqual([[], 0]);
  });

  it('that is right is executed: a longer entry whose rest is zero, a queue after another, the mapped page', () => {
    const s = setup();
    expect(s.fd.hwptInvalidate(s.viommu, { ...command(), entryLength: 16 })).toBe(1);
    const padded = command(32);
    padded.entries.fill(0, 16);
    expect(s.fd.hwptInvalidate(s.viommu, padded)).toBe(1);
    const first = s.fd.hwQueueAlloc(queue(s));
    const second = s.fd.hwQueueAlloc({ ...queue(s, 1), iova: GPA + PAGE });
    const page = s.fd.mmap(s.mmap.offset, s.mmap.length);
    for (const id of [second, first]) s.fd.destroy(id);
    page.unmap();
    s.fd.destroy(s.viommu);
  });
});

describe('a device', () => {
  it('with an SMMU that is not coherent cannot be bound', async () => {
    // IDR0.COHACC.
    const host = await VmHost.create({
      modules,
      idRegisters: { ...PHYSICAL_ID_REGISTERS, idr0: PHYSICAL_ID_REGISTERS.idr0 & ~(1 << 4) },
    });
    expect(() => lendVm(host)).toThrow(
      expect.objectContaining({ name: 'IommufdError', errno: 'EINVAL' }),
    );
    expect(host.statistics.vmidsInUse).toBe(0);
  });
});

// SPDX-License-Identifier: MIT
// Requests whose result depends on details of Linux 7.2, on the drivers of the SMMUv3 and
// the CMDQV: each names the kernel's function. test/host/iommufd/linux-rows.test.ts tests
// those of the core alone.

import { describe, expect, it, vi } from 'vitest';
import { ACCESS_MORE, ACCESS_WRITE } from '../../../assembly/layout/access.ts';
import { PRG_SUCCESS, PRG_WAITING } from '../../../assembly/layout/ats-memory.ts';
import { decodeCommand } from '../../../devices/decode/index.ts';
import { PHYSICAL_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import { atcInv, stage1Ste, tlbiNhAll, tlbiNhAsid } from '../../../devices/tables/index.ts';
import { smmuBase } from '../../../devices/unit/index.ts';
import {
  type Errno,
  HW_CAP_PCI_ATS_NOT_SUPPORTED,
  HW_CAP_PCI_PASID_EXEC,
  HW_CAP_PCI_PASID_PRIV,
  HWPT_DATA_ARM_SMMUV3,
  INVALIDATE_DATA_ARM_SMMUV3,
  PGFAULT_GROUP_MOST,
  PGFAULT_SIZE,
  VIOMMU_TYPE_ARM_SMMUV3,
  VIOMMU_TYPE_TEGRA241_CMDQV,
} from '../../../host/iommufd/index.ts';
import { ArmIommu } from '../../../host/kernel/arm/index.ts';
import { VmHost, type VmHostOptions } from '../../../vmm/nested/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import { ASID, attachStage1, IOVA, lendVm, STREAM } from '../../support/lent-vm.ts';

async function setup(options: VmHostOptions = {}) {
  const host = await checkedHost(VmHost, options);
  const seen = vi.spyOn(ArmIommu.prototype, 'addDevice');
  const lent = lendVm(host);
  const iommu = seen.mock.contexts.at(-1) as ArmIommu;
  seen.mockRestore();
  const { fd, id: viommu } = lent.viommu;
  const idOf = (type: string) => fd.describe().find((object) => object.type === type)?.id ?? 0;
  const device = idOf('DEVICE');
  const touch = () => host.dmaPort(lent.viommu, STREAM).read(IOVA, new Uint8Array(1)).ok;
  const entries = () => footprintOf(lent.viommu, lent.vintf)['IOTLB entries'].count;
  return {
    host,
    iommu,
    lent,
    fd,
    viommu,
    device,
    ioas: idOf('IOAS'),
    parent: idOf('HWPT_PAGING'),
    touch,
    entries,
  };
}

function fails(action: () => unknown, errno: Errno): void {
  expect(action).toThrow(expect.objectContaining({ errno }));
}

const bytesOf = (words: Uint32Array) => new Uint8Array(words.slice().buffer);
const invalidation = (words: Uint32Array, entryLength = 16) => ({
  dataType: INVALIDATE_DATA_ARM_SMMUV3,
  entryLength,
  entries: bytesOf(words).subarray(0, entryLength),
  count: 1,
});
const withIdr3 = (idr3: number) => ({ idRegisters: { ...PHYSICAL_ID_REGISTERS, idr3 } });
/** A TLBI with SSec. */
const secure = tlbiNhAll(0);
secure[0] = (secure[0] ?? 0) | (1 << 10);
// IDR3.FWB [8]; IDR0.ATS [10], PRI [16].
const FWB = 1 << 8;
const ATS = 1 << 10;
const PRI = 1 << 16;
/** Without PRI, IDR1.PRIQS [15:11] is 0. */
const WITHOUT_ATS = {
  idr0: PHYSICAL_ID_REGISTERS.idr0 & ~ATS & ~PRI,
  idr1: PHYSICAL_ID_REGISTERS.idr1 & ~(31 << 11),
};

describe('VIOMMU_ALLOC of an SMMUv3', () => {
  it('ignores data for a type that has none (arm_vsmmu_init)', async () => {
    const { fd, device, parent, lent } = await setup();
    const request = { device, hwpt: parent, type: VIOMMU_TYPE_ARM_SMMUV3, vm: lent.vm };
    for (const data of [new Uint8Array(8), new Uint8Array(16)]) {
      const { id, answer } = fd.viommuAlloc({ ...request, data });
      expect(answer).toBeUndefined();
      fd.destroy(id);
    }
  });

  it('checks the type before the HWPT, and an invalid HWPT is ENOENT', async () => {
    const { fd, device, ioas, lent } = await setup();
    fails(() => fd.viommuAlloc({ device, hwpt: ioas, type: 9, vm: lent.vm }), 'EOPNOTSUPP');
    for (const type of [VIOMMU_TYPE_ARM_SMMUV3, VIOMMU_TYPE_TEGRA241_CMDQV])
      fails(() => fd.viommuAlloc({ device, hwpt: ioas, type, vm: lent.vm }), 'ENOENT');
  });

  it('requires S2FWB, or a device whose root complex has CANWBS (arm_smmu_get_viommu_size)', async () => {
    for (const fwb of [0, FWB])
      for (const canwbs of [false, true]) {
        const { fd, iommu, parent, lent } = await setup(withIdr3(0x404 | fwb));
        const device = fd.bind(iommu.addDevice('other', [0x900], { vm: lent.vm, canwbs }));
        const alloc = () =>
          fd.viommuAlloc({ device, hwpt: parent, type: VIOMMU_TYPE_ARM_SMMUV3, vm: lent.vm });
        if (fwb || canwbs) alloc();
        else fails(alloc, 'EOPNOTSUPP');
      }
  });

  it('with a VINTF answers where page 0 is: offset and length for mmap', async () => {
    const { fd, device, parent, lent } = await setup({ vintfs: 4 });
    const made = fd.viommuAlloc({
      device,
      hwpt: parent,
      type: VIOMMU_TYPE_TEGRA241_CMDQV,
      data: new Uint8Array(16),
      vm: lent.vm,
    });
    const answer = new DataView((made.answer ?? new Uint8Array()).slice().buffer);
    const [offset, length] = [0, 8].map((at) => Number(answer.getBigUint64(at, true)));
    expect([answer.byteLength, offset, length]).toEqual([16, made.mmap?.offset, 0x10000]);
    // Each its own.
    expect(offset).not.toBe(lent.viommu.mmap?.offset);
    fd.mmap(offset ?? 0, length ?? 0).unmap();
  });
});

describe('HWPT_ALLOC on an SMMUv3', () => {
  it('has its data checked before its device, and none of a nested HWPT is EOPNOTSUPP', async () => {
    const { fd, viommu, device, ioas } = await setup();
    const none = { type: HWPT_DATA_ARM_SMMUV3, bytes: new Uint8Array() };
    for (const one of [device, 999])
      fails(() => fd.hwptAlloc({ device: one, parent: ioas, data: none }), 'EINVAL');
    fails(() => fd.hwptAlloc({ device, parent: viommu }), 'EOPNOTSUPP');
    const vste = {
      type: HWPT_DATA_ARM_SMMUV3,
      bytes: bytesOf(stage1Ste({ contextPtr: 0 })).subarray(0, 16),
    };
    fails(() => fd.hwptAlloc({ device, parent: ioas, data: vste }), 'EOPNOTSUPP');
  });
});

describe('GET_HW_INFO of an SMMUv3', () => {
  it('has PASIDs according to IDR1.SSIDSIZE, and reports where there is no ATS', async () => {
    const passid = HW_CAP_PCI_PASID_EXEC | HW_CAP_PCI_PASID_PRIV;
    const { idr1 } = PHYSICAL_ID_REGISTERS;
    for (const [registers, expected] of [
      [{}, [40, passid, (idr1 >>> 6) & 31]],
      [WITHOUT_ATS, [40, passid | HW_CAP_PCI_ATS_NOT_SUPPORTED, (idr1 >>> 6) & 31]],
      [{ idr1: idr1 & ~(31 << 6) }, [40, 0, 0]],
    ] as const) {
      const { fd, device } = await setup({
        idRegisters: { ...PHYSICAL_ID_REGISTERS, ...registers },
      });
      const { length, capabilities, maxPasidLog2 } = fd.hwInfo(device, 2);
      expect([length, capabilities, maxPasidLog2]).toEqual(expected);
    }
  });
});

describe('attach on an SMMUv3', () => {
  it('to an IOAS translates by an automatic HWPT, and moves to another without a vIOMMU', async () => {
    const { host, iommu, fd, lent, ioas, parent } = await setup();
    const device = fd.bind(iommu.addDevice('second', [0x900], { vm: lent.vm }));
    const vmids = () => host.statistics.vmidsInUse;
    const before = vmids();
    const hwpt = fd.attach(device, ioas);
    expect([vmids(), hwpt === parent]).toEqual([before + 1, false]);
    fails(() => fd.attach(device, parent), 'EBUSY');
    fails(
      () => fd.viommuAlloc({ device, hwpt, type: VIOMMU_TYPE_ARM_SMMUV3, vm: lent.vm }),
      'EINVAL',
    );
    fd.replace(device, parent);
    expect([vmids(), fd.describe().some(({ id }) => id === hwpt)]).toEqual([before, false]);
  });
});

describe('IOAS_UNMAP of an SMMUv3', () => {
  it('ends at a mapping that is pinned or partly covered: earlier ones are removed, later ones are not', async () => {
    const { host, fd, iommu, lent } = await setup();
    const [{ gpa } = { gpa: 0 }] = lent.vm.regions;
    const ioas = fd.ioasAlloc();
    const device = fd.bind(iommu.addDevice('second', [0x900], { vm: lent.vm }));
    fd.attach(device, ioas);
    const [first, second, third] = [0x10000n, 0x20000n, 0x30000n];
    for (const iova of [first, second, third])
      fd.ioasMap(ioas, { iova, length: 0x2000n, memory: lent.vm, address: gpa });
    fails(() => fd.ioasUnmap(ioas, first, second - first + 0x1000n), 'ENOENT');
    expect([host.statistics.vmidsInUse > 0, fd.ioasUnmap(ioas, 0n, 2n ** 64n - 1n)]).toEqual([
      true,
      0x4000n,
    ]);
    fails(
      () => fd.ioasMap(ioas, { length: 2n ** 63n, memory: lent.vm, address: gpa }),
      'EOVERFLOW',
    );
  });
});

describe('a vDEVICE of a CMDQV', () => {
  it('has its StreamID judged before its streams (tegra241_vintf_init_vsid)', async () => {
    const { fd, iommu, viommu, lent } = await setup();
    const device = fd.bind(iommu.addDevice('two', [0x900, 0x901], { vm: lent.vm }));
    fails(() => fd.vdeviceAlloc({ viommu, device, virtId: 2n ** 20n }), 'EINVAL');
    fails(() => fd.vdeviceAlloc({ viommu, device, virtId: 9n }), 'EOPNOTSUPP');
  });
});

describe('IOAS_IOVA_RANGES of an SMMUv3', () => {
  it('ends where stage 2 does, and ALLOW_IOVAS beyond it is EADDRINUSE', async () => {
    const { fd, ioas } = await setup();
    const { ranges, alignment } = fd.ioasIovaRanges(ioas);
    const last = 2n ** 48n - 1n;
    expect([ranges, alignment]).toEqual([[{ start: 0n, last }], 4096n]);
    fails(() => fd.ioasAllowIovas(ioas, [{ start: last, last: last + 1n }]), 'EADDRINUSE');
    fd.ioasAllowIovas(ioas, [{ start: 2n ** 40n, last: 2n ** 40n + 0x1fffn }]);
    const { vm } = (await setup()).lent;
    const place = fd.ioasMap(ioas, {
      length: 0x1000n,
      memory: vm,
      address: vm.regions[0]?.gpa ?? 0,
    });
    expect(place).toBe(2n ** 40n);
  });
});

describe('a FAULT of an SMMUv3', () => {
  const PAGES = [0x1000, 0x2000, 0x3000, 0x4000];

  async function withFaults() {
    const made = await setup();
    const { host, iommu, lent, fd, device, viommu } = made;
    const { id: fault, file } = fd.faultQueueAlloc();
    const ste = stage1Ste({ contextPtr: lent.memory.allocate(64, 64) });
    const vste = { type: HWPT_DATA_ARM_SMMUV3, bytes: bytesOf(ste).subarray(0, 16) };
    fd.replace(device, fd.hwptAlloc({ device, parent: viommu, data: vste, fault }));
    const responses: string[] = [];
    const { smmu } = iommu;
    const issue = smmu.issue.bind(smmu);
    vi.spyOn(smmu, 'issue').mockImplementation((commands, processor) => {
      for (const words of commands)
        if (decodeCommand(words).name === 'PRI_RESP')
          responses.push(
            decodeCommand(words)
              .fields.filter(({ name }) => ['PRGIndex', 'Resp'].includes(name))
              .map(({ value }) => value)
              .join(' '),
          );
      issue(commands, processor);
    });
    const [physSid = 0] = [...lent.viommu.streams.values()];
    /**
     * A page request, not the last of its group with `more`; the SMMU's response to it.
     */
    const ask = (group: number, page: number, more = 0) =>
      lent.vm.unit.core.pageRequest(smmuBase(0), physSid, -1, PAGES[page] ?? 0, 0, more, group);
    return { ...made, file, responses, ask, take: () => host.service(true) };
  }

  it('delivers the page requests of a group together, after the last one', async () => {
    const { file, responses, ask, take } = await withFaults();
    for (const [group, page, more] of [
      [5, 0, ACCESS_MORE],
      [6, 1, ACCESS_MORE | ACCESS_WRITE],
    ] as const)
      expect(ask(group, page, more)).toBe(PRG_WAITING);
    take();
    expect([file.readable, responses]).toEqual([false, []]);
    ask(6, 2);
    ask(5, 3);
    take();
    fails(() => file.read(PGFAULT_SIZE), 'EINVAL');
    const view = new DataView(file.read(5 * PGFAULT_SIZE).buffer);
    const records = Array.from({ length: view.byteLength / PGFAULT_SIZE }, (_, i) =>
      [0, 12, 16, 24, 36].map((at) => view.getUint32(PGFAULT_SIZE * i + at, true)),
    );
    // Flags (LAST_PAGE), group, permission, address, cookie.
    expect(records).toEqual([
      [0, 6, 2, 0x2000, 1],
      [2, 6, 1, 0x3000, 1],
      [0, 5, 1, 0x1000, 2],
      [2, 5, 1, 0x4000, 2],
    ]);
    file.write(Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]));
    // Success, and an invalid request.
    expect(responses).toEqual(['5 2', '6 1']);
  });

  it('refuses the group of a device without one at the last request only', async () => {
    const { fd, device, file, responses, ask, take } = await withFaults();
    ask(7, 0, ACCESS_MORE);
    take();
    fd.detach(device);
    ask(7, 1, ACCESS_MORE);
    take();
    expect(responses).toEqual([]);
    ask(7, 2);
    take();
    expect([responses, file.readable]).toEqual([['7 0'], false]);
  });

  it('ignores groups whose last request was lost in an overflow of the PRI queue', async () => {
    const { iommu, file, responses, ask, take } = await withFaults();
    const lost = () => iommu.smmu.pageRequests?.overflows;
    ask(8, 0, ACCESS_MORE);
    let answer = PRG_WAITING;
    for (let i = 0; answer === PRG_WAITING && i < 2 ** 16; i++) {
      answer = ask(9, 1, i % 2 === 0 ? ACCESS_MORE : 0);
      if (lost() !== 0) break;
    }
    expect(answer).toBe(PRG_SUCCESS);
    while (lost() === 0) take();
    // A later group with that index.
    ask(8, 3);
    take();
    let last: number[] = [];
    while (file.readable) {
      const view = new DataView(file.read(PGFAULT_GROUP_MOST * PGFAULT_SIZE).buffer);
      last = Array.from({ length: view.byteLength / PGFAULT_SIZE }, (_, i) =>
        view.getUint32(PGFAULT_SIZE * i + 12, true),
      );
    }
    expect(last.filter((group) => group === 8)).toEqual([8]);
    expect(responses).toEqual([]);
  });
});

describe('HWPT_INVALIDATE of an SMMUv3', () => {
  it('of no entries is EINVAL on a vIOMMU, ENOENT without one', async () => {
    const { fd, viommu } = await setup();
    const none = { ...invalidation(tlbiNhAll(0)), entryLength: 0, count: 0 };
    fails(() => fd.hwptInvalidate(viommu, none), 'EINVAL');
    fails(() => fd.hwptInvalidate(999, none), 'ENOENT');
  });

  it('fills a shorter entry up with zeros (iommu_copy_struct_from_full_user_array)', async () => {
    const { fd, viommu, lent, touch, entries } = await setup();
    attachStage1(lent);
    for (const [words, length, left] of [
      [tlbiNhAsid(0, ASID), 8, 0],
      // The ASID is in the missing bytes: another one.
      [tlbiNhAsid(0, ASID), 4, 1],
      [tlbiNhAll(0), 4, 0],
    ] as const) {
      expect([touch(), entries()]).toEqual([true, 1]);
      expect(fd.hwptInvalidate(viommu, invalidation(words, length))).toBe(1);
      expect(entries()).toBe(left);
    }
  });

  it('copies its entries before it checks the first: E2BIG, and none is executed', async () => {
    for (const linuxCompat of [false, true]) {
      const { fd, viommu, lent, touch, entries } = await setup({ linuxCompat });
      attachStage1(lent);
      expect(touch()).toBe(true);
      const bytes = new Uint8Array(96);
      // A valid one; one that a guest may not send; one that is too long.
      bytes.set(bytesOf(tlbiNhAll(0)));
      bytes[32] = 0x46;
      bytes[95] = 1;
      const request = {
        dataType: INVALIDATE_DATA_ARM_SMMUV3,
        entryLength: 32,
        entries: bytes,
        count: 3,
      };
      expect(() => fd.hwptInvalidate(viommu, request)).toThrow(
        expect.objectContaining({ errno: 'E2BIG', handled: 0 }),
      );
      expect(entries()).toBe(1);
    }
  });

  it('of an ATC on an SMMU without ATS is EIO; Linux forwards it and reports nothing', async () => {
    const idRegisters = { ...PHYSICAL_ID_REGISTERS, ...WITHOUT_ATS };
    for (const linuxCompat of [false, true]) {
      const { fd, viommu } = await setup({ linuxCompat, idRegisters });
      const request = invalidation(atcInv({ streamId: STREAM, address: 0, size: 52 }));
      if (linuxCompat) expect(fd.hwptInvalidate(viommu, request)).toBe(1);
      else fails(() => fd.hwptInvalidate(viommu, request), 'EIO');
    }
  });

  it('forwards a Secure command: the SMMU refuses it, which Linux does not report', async () => {
    for (const linuxCompat of [false, true]) {
      const { fd, iommu, viommu, lent, touch, entries } = await setup({ linuxCompat });
      attachStage1(lent);
      expect(touch()).toBe(true);
      const { errors } = iommu.smmu.commands;
      if (linuxCompat) expect(fd.hwptInvalidate(viommu, invalidation(secure))).toBe(1);
      else fails(() => fd.hwptInvalidate(viommu, invalidation(secure)), 'EIO');
      expect([iommu.smmu.commands.errors, entries()]).toEqual([errors + 1, 1]);
      // The host's queue continues.
      expect([fd.hwptInvalidate(viommu, invalidation(tlbiNhAll(0))), entries()]).toEqual([1, 0]);
    }
  });

  it('by a ring leaves a Secure command to the guest’s own SMMU', async () => {
    const { fd, iommu, viommu } = await setup();
    const ring = new Uint8Array(64);
    ring.set(bytesOf(secure));
    const { errors } = iommu.smmu.commands;
    expect(fd.hwptInvalidateQueue(viommu, { base: ring, log2size: 2, head: 0, tail: 1 })).toEqual({
      head: 0,
      progress: 'unsupported',
    });
    expect(iommu.smmu.commands.errors).toBe(errors);
  });
});

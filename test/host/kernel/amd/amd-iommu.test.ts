// SPDX-License-Identifier: MIT

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AMD_DTE_SIZE, AMD_STATUS } from '../../../../assembly/layout/amd-formats.ts';
import { type AmdModules, loadAmdModules } from '../../../../assembly/load.ts';
import {
  completionWait,
  invalidateDevtabEntry,
  invalidatePages,
  VirtualAmdIommu,
} from '../../../../devices/amd-iommu/index.ts';
import type { BackgroundLoop } from '../../../../devices/plugin/index.ts';
import { FakeHost, Random } from '../../../../devices/testing/index.ts';
import { smmuBase } from '../../../../devices/unit/index.ts';
import { Iommufd } from '../../../../host/iommufd/index.ts';
import {
  HW_QUEUE_TYPE_AMD_CMD,
  HWPT_DATA_AMD_GUEST,
  VIOMMU_TYPE_AMD,
} from '../../../../host/kernel/amd/index.ts';
import { AMD_INTERRUPTS, AmdHost } from '../../../../vmm/nested/amd/index.ts';
import { AmdVm, CONTROL, DATA, DEVICE, DOMAIN, PTE, RAM } from '../../../support/amd-vm.ts';

let modules: AmdModules;
let host: AmdHost;
let vm: AmdVm;
const IOVA = 0x123456000;
const CMD_BUF_RUN = 0x10;
const EVENT_OVERFLOW = 1;
const EVENT_LOG_EN = 4;
const EVENT_LOG_RUN = 8;

beforeAll(async () => {
  modules = await loadAmdModules();
});
beforeEach(async () => {
  host = await AmdHost.create({ modules });
  vm = new AmdVm(host).bringUp();
});

const page = (gpa: number, flags = PTE) => BigInt(gpa) | flags;

describe('interrupts of devices', () => {
  const message = (data: number) => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, data, true);
    return bytes;
  };

  it('go to the controller of the machine untranslated, regardless of its tables', () => {
    const taken: (number | undefined)[][] = [];
    const controlled = new AmdVm(host, 'with a controller', {
      doorbells: [AMD_INTERRUPTS],
      send(requesterId, address, data) {
        taken.push([requesterId, address, data]);
        return data !== 0x99;
      },
    }).bringUp();
    const { gpa, size } = AMD_INTERRUPTS;
    // The guest's tables map the page to another address.
    controlled.map(BigInt(gpa), page(DATA));
    expect(controlled.port.write(gpa + 0x1000, message(0x41)).ok).toBe(true);
    // The last word of the range; a vector that nothing handles.
    expect(controlled.port.write(gpa + size - 4, message(0x42)).ok).toBe(true);
    expect(controlled.port.write(gpa, message(0x99)).ok).toBe(false);
    expect(taken).toEqual([
      [DEVICE, gpa + 0x1000, 0x41],
      [DEVICE, gpa + size - 4, 0x42],
      [DEVICE, gpa, 0x99],
    ]);
    // A read, a byte, an address that is not aligned: no interrupts. With a PASID:
    // memory, which is mapped.
    expect([controlled.read(gpa), controlled.write(gpa, 1)]).toEqual([undefined, false]);
    expect(controlled.port.write(gpa + 2, message(0x41)).ok).toBe(false);
    expect(controlled.port.write(gpa, message(0x41), { pasid: 0 }).ok).toBe(true);
    expect([taken.length, controlled.byte(DATA), controlled.events()]).toEqual([3, 0x41, []]);
    // After the range there is memory again.
    expect(controlled.port.write(gpa + size, message(1)).ok).toBe(false);
    expect(controlled.events()).toHaveLength(1);
  });

  it.each([
    ['aborted (IntCtl 0)', 0n],
    ['passed on (IntCtl 1)', 1n],
    ['remapped (IntCtl 2)', 2n],
  ])('pass as they are, though the entry of the guest has IV and wants them %s', (_, intCtl) => {
    const taken: number[] = [];
    const controlled = new AmdVm(host, 'with a controller', {
      doorbells: [AMD_INTERRUPTS],
      send: (_requester, _address, data) => taken.push(data) > 0,
    }).bringUp();
    controlled.map(BigInt(IOVA), page(DATA));
    // IntTabRoot is zeroed memory: IRTEs with RemapEn 0. IntTabLen 9; IV.
    const remapping = (intCtl << 60n) | BigInt(DATA + 0x10000) | (9n << 1n) | 1n;
    controlled.writeRemapping(remapping);
    expect(controlled.complete(invalidateDevtabEntry(DEVICE))).toBe(true);
    expect(controlled.port.write(AMD_INTERRUPTS.gpa, message(0x41)).ok).toBe(true);
    // The entry's memory fields apply, and no event is logged.
    expect([controlled.write(IOVA, 5), controlled.byte(DATA)]).toEqual([true, 5]);
    expect([taken, controlled.events()]).toEqual([[0x41], []]);
  });

  it('are refused where the machine has no controller', () => {
    expect(vm.port.write(AMD_INTERRUPTS.gpa, message(0x41)).ok).toBe(false);
    expect(vm.events()).toEqual([]);
    const ram = [{ gpa: 0xfee00000, offset: 0, size: 0x1000 }];
    const controller = { doorbells: [AMD_INTERRUPTS], send: () => true };
    expect(() => host.createVm('x', vm.memory, ram, { msis: controller })).toThrow(
      'the MSI doorbell range (0xfee00000 to 0xfeefffff) overlaps RAM (0xfee00000 to 0xfee00fff)',
    );
  });
});

describe('translation by a guest and its host', () => {
  it('uses both tables; an unmapped page stays in the IOTLB until it is invalidated', () => {
    vm.map(BigInt(IOVA), page(DATA));
    expect([vm.write(IOVA, 1), vm.byte(DATA)]).toEqual([true, 1]);
    vm.map(BigInt(IOVA), 0n);
    expect(vm.write(IOVA, 2)).toBe(true);
    expect(vm.complete(invalidatePages(DOMAIN, 0, IOVA))).toBe(true);
    expect([vm.write(IOVA, 3), vm.byte(DATA)]).toEqual([false, 2]);
    expect(vm.events()).toEqual([[DEVICE, 0x20210000, 0x23456000, 1]]);
  });

  it('before its IOMMU is on a guest has its memory by gpa, and nothing else', () => {
    vm.iommu.setDeviceTable(undefined);
    expect([vm.write(DATA, 9), vm.byte(DATA), vm.write(RAM - 1, 1)]).toEqual([true, 9, false]);
    // The host's tables refused the access: the guest is not notified.
    host.service(true);
    expect([vm.events(), host.strayEvents]).toEqual([[], 1]);
  });

  it.each([
    ['a read-only page is read, and not written (PR, PE)', PTE & ~2n, 0x20710000],
    ['a page that is not a user’s is not there', PTE & ~4n, 0x20210000],
  ])('%s', (_what, flags, word1) => {
    vm.map(BigInt(IOVA), page(DATA, flags));
    expect(vm.read(IOVA)).toBe(flags === (PTE & ~2n) ? 0 : undefined);
    vm.events();
    expect(vm.write(IOVA, 1)).toBe(false);
    expect(vm.events()).toEqual([[DEVICE, word1, 0x23456000, 1]]);
  });

  it('the PASID of an access chooses among the tables of the GCR3 table', () => {
    vm.map(BigInt(IOVA), page(DATA));
    const GCR3 = 0x80040000;
    vm.store(GCR3 + 8, vm.load(GCR3));
    const write = (pasid: number, value: number) =>
      vm.port.write(IOVA, Uint8Array.of(value), { pasid }).ok;
    expect([write(0, 5), vm.byte(DATA), write(1, 6), vm.byte(DATA)]).toEqual([true, 5, true, 6]);
    expect([write(2, 7), vm.byte(DATA)]).toEqual([false, 6]);
    expect(vm.events()).toEqual([[DEVICE, 0x20210002, 0x23456000, 1]]);
  });

  it('a guest page beyond its memory is the host’s fault', () => {
    vm.map(BigInt(IOVA), page(0x40000000));
    expect(vm.write(IOVA, 1)).toBe(false);
    host.service(true);
    expect([vm.events(), host.strayEvents]).toEqual([[], 1]);
  });

  it('one invalidation removes all of a guest’s 2 MiB page, which the host maps in pages of 4 KiB', () => {
    vm.map(0x40000000n, page(0x80000000, PTE | 0x80n), 2);
    expect([
      vm.write(0x40100000, 1),
      vm.write(0x40101000, 2),
      vm.byte(DATA),
      vm.byte(DATA + 0x1000),
    ]).toEqual([true, true, 1, 2]);
    vm.map(0x40000000n, 0n, 2);
    expect(vm.write(0x40101000, 3)).toBe(true);
    vm.complete(invalidatePages(DOMAIN, 0, 0x40100000));
    expect(vm.write(0x40101000, 4)).toBe(false);
  });

  it('device table entries: V = 0 passes gpas, no tables of the guest block the device, as does an entry that no guest gets', () => {
    vm.writeDte(0n);
    expect(vm.complete(invalidateDevtabEntry(DEVICE))).toBe(true);
    expect([vm.write(DATA, 7), vm.byte(DATA)]).toEqual([true, 7]);
    for (const refused of [3n, 3n | (4n << 9n)]) {
      vm.writeDte(refused);
      expect(vm.complete(invalidateDevtabEntry(DEVICE))).toBe(true);
      expect(vm.write(DATA, 8)).toBe(false);
      expect(vm.events()).toEqual([[DEVICE, 0x20200000, DATA % 2 ** 32, 0]]);
    }
    expect(vm.iommu.entriesRead).toBe(3);
  });
});

describe('INVALIDATE_IOMMU_PAGES', () => {
  const PAGES = [0, 1, 15, 16].map((number) => IOVA + 0xa000 + 0x1000 * number);
  // 64 KiB from 0x123460000 on: S, and the lowest 0 at bit 15.
  const sized = () => {
    const command = invalidatePages(DOMAIN, 0, 0x123467000);
    command[2] = (command[2] ?? 0) | 1;
    return command;
  };

  it.each([
    ['one page', () => invalidatePages(DOMAIN, 0, PAGES[1]), [true, false, true, true]],
    ['a size', sized, [false, false, false, true]],
    ['everything of a PASID', () => invalidatePages(DOMAIN, 0), [false, false, false, false]],
    ['another PASID', () => invalidatePages(DOMAIN, 1), [true, true, true, true]],
    [
      'the host’s translations of the domain',
      () => invalidatePages(DOMAIN),
      [false, false, false, false],
    ],
    [
      'a DomainID that the guest does not use',
      () => invalidatePages(DOMAIN + 1),
      [true, true, true, true],
    ],
  ])('%s', (_what, command, left) => {
    PAGES.forEach((iova, i) => {
      vm.map(BigInt(iova), page(DATA + 0x1000 * i));
      vm.write(iova, 1);
      vm.map(BigInt(iova), 0n);
    });
    expect(vm.complete(command())).toBe(true);
    expect(PAGES.map((iova) => vm.write(iova, 2))).toEqual(left);
  });
});

describe('a command buffer', () => {
  it('halts at an illegal command, reports where, and continues when it is enabled again', () => {
    expect(vm.complete(Uint32Array.of(0, 0xf0000000, 0, 0))).toBe(false);
    expect(vm.events()).toEqual([[0, 0x50000000, vm.commandGpa(2), 0]]);
    expect(vm.status & CMD_BUF_RUN).toBe(0);
    vm.replace(2, invalidatePages(DOMAIN));
    vm.iommu.setControl(CONTROL & ~0x1000);
    vm.iommu.setControl(CONTROL);
    expect([vm.completed, vm.status & CMD_BUF_RUN]).toEqual([true, CMD_BUF_RUN]);
  });

  it('INVALIDATE_IOMMU_ALL is not a guest’s', () => {
    expect(vm.complete(Uint32Array.of(0, 0x80000000, 0, 0))).toBe(false);
    expect(vm.events()).toEqual([[0, 0x50000000, vm.commandGpa(2), 0]]);
  });

  it('halts at a store to nowhere (COMMAND_HARDWARE_ERROR)', () => {
    expect(vm.complete(completionWait({ address: 0x1000, data: 1 }))).toBe(false);
    expect(vm.events()).toEqual([[0, 0x60000000, vm.commandGpa(2), 0]]);
  });

  it('waits at a COMPLETION_WAIT for accesses in flight', () => {
    const { core, drain } = vm.iommu.vm.unit;
    core.accessBegin();
    expect(vm.complete()).toBe(false);
    core.accessEnd();
    drain.serveParked(smmuBase(0));
    expect(vm.completed).toBe(true);
  });

  it('full of INVALIDATE_DEVTAB_ENTRY makes the host read four, and others at its next polls', () => {
    const entries = Array.from({ length: 10 }, () => invalidateDevtabEntry(DEVICE));
    vm.send(...entries, completionWait(undefined, true));
    const device = new VirtualAmdIommu(vm.iommu);
    const loops: BackgroundLoop[] = [];
    const attached = Object.assign(new FakeHost(), {
      background: (loop: BackgroundLoop) => {
        loops.push(loop);
        return () => undefined;
      },
    });
    device.attach(attached);
    // As polled by a machine, which does not sleep while they have work.
    expect([1, 2, 3, 4].map(() => loops[0]?.poll())).toEqual([4, 4, 2, 0]);
    expect(vm.iommu.block.queue.counts).toMatchObject({ commands: 11, syncs: 1 });
  });

  it('passes over a device that the guest does not have, and commands for caches that no device has', () => {
    expect(
      vm.complete(
        invalidateDevtabEntry(99),
        Uint32Array.of(DEVICE, 0x40000000, 0, 0),
        Uint32Array.of(DEVICE, 0x50000000, 0, 0),
      ),
    ).toBe(true);
    expect([vm.events(), vm.iommu.entriesRead]).toEqual([[], 0]);
  });
});

describe('an event log', () => {
  it('that is full accepts no more until its overflow is cleared, and counts what it loses', () => {
    for (let i = 0; i < 258; i++) vm.write(IOVA, 0);
    expect([vm.status & EVENT_OVERFLOW, vm.iommu.block.eventsLost]).toEqual([EVENT_OVERFLOW, 3]);
    expect(vm.events().length).toBe(255);
    vm.write(IOVA, 0);
    expect([vm.events().length, vm.iommu.block.eventsLost]).toEqual([0, 4]);
    vm.iommu.write(AMD_STATUS, EVENT_OVERFLOW);
    vm.write(IOVA, 0);
    expect([vm.events().length, vm.iommu.block.eventsLost]).toEqual([0, 5]);
    vm.iommu.setControl(CONTROL & ~EVENT_LOG_EN);
    vm.iommu.setControl(CONTROL);
    vm.write(IOVA, 0);
    expect([vm.events().length, vm.iommu.block.eventsLost]).toEqual([1, 5]);
  });

  it('runs again after its overflow is cleared and EventLogEn is written 0, then 1, in this order', () => {
    const running = () => [vm.status & EVENT_OVERFLOW, vm.status & EVENT_LOG_RUN];
    expect(running()).toEqual([0, EVENT_LOG_RUN]);
    for (let i = 0; i < 256; i++) vm.write(IOVA, 0);
    expect(running()).toEqual([EVENT_OVERFLOW, 0]);
    const enable = (control: number) => vm.iommu.setControl(control);
    // A 1 alone is no change; and writing 0 and 1 while the overflow is still set has no
    // effect.
    enable(CONTROL);
    enable(CONTROL & ~EVENT_LOG_EN);
    enable(CONTROL);
    vm.iommu.write(AMD_STATUS, EVENT_OVERFLOW);
    expect(running()).toEqual([0, 0]);
    enable(CONTROL);
    expect(running()).toEqual([0, 0]);
    enable(CONTROL & ~EVENT_LOG_EN);
    enable(CONTROL);
    expect(running()).toEqual([0, EVENT_LOG_RUN]);
    // EventLogRun is read-only.
    vm.iommu.write(AMD_STATUS, EVENT_LOG_RUN);
    expect(running()).toEqual([0, EVENT_LOG_RUN]);
    enable(CONTROL & ~EVENT_LOG_EN);
    expect(running()).toEqual([0, 0]);
  });

  it("of the host is restarted by the host's driver", () => {
    // For a device of no guest: the entry aborts, and logs.
    const fault = () => vm.iommu.vm.unit.translate(smmuBase(0), 99, -1, 0x1000, 0, 0);
    const log = () => host.iommu.guest(0).status & (EVENT_OVERFLOW | EVENT_LOG_RUN);
    for (let i = 0; i < 600; i++) fault();
    expect(log()).toBe(EVENT_OVERFLOW);
    expect(host.iommu.takeEvents()).toBeGreaterThan(100);
    expect(log()).toBe(EVENT_LOG_RUN);
    fault();
    expect(host.iommu.takeEvents()).toBe(1);
  });

  it('whose machine is saved with an overflow does not run in the restored one', () => {
    for (let i = 0; i < 256; i++) vm.write(IOVA, 0);
    const { block } = vm.iommu;
    const saved = block.saveBuffers();
    vm.iommu.setControl(0);
    block.restoreBuffers(saved.map(() => 0));
    vm.iommu.setControl(CONTROL);
    expect(vm.status & EVENT_LOG_RUN).toBe(EVENT_LOG_RUN);
    block.restoreBuffers(saved);
    expect(vm.status & (EVENT_LOG_RUN | EVENT_OVERFLOW)).toBe(EVENT_OVERFLOW);
  });
});

describe('VMs of one host', () => {
  it('100,000 random commands of one leave the other its entries and its memory', () => {
    const neighbour = new AmdVm(host, 'neighbour').bringUp();
    neighbour.map(BigInt(IOVA), page(DATA));
    neighbour.write(IOVA, 1);
    neighbour.map(BigInt(IOVA), 0n);
    const before = Buffer.from(neighbour.memory.buffer.slice(0)).toString('base64');
    const random = new Random(7);
    for (let round = 0; round < 1000; round++) {
      const commands = Array.from({ length: 100 }, () => {
        const command = new Uint32Array(4).map(() =>
          random.below(3) ? random.below(64) : random.word(),
        );
        command[1] =
          ((command[1] ?? 0) & 0xfffff) | (random.pick([1, 2, 3, 3, 3, 3, 4, 5, 8, 15]) << 28);
        return command;
      });
      vm.send(...commands);
      vm.iommu.service();
      vm.iommu.setControl(CONTROL & ~0x1000);
      vm.iommu.setControl(CONTROL);
      vm.iommu.write(AMD_STATUS, 0xffffffff);
    }
    expect(Buffer.from(neighbour.memory.buffer.slice(0)).toString('base64') === before).toBe(true);
    expect([neighbour.write(IOVA, 2), neighbour.byte(DATA)]).toEqual([true, 2]);
    expect(vm.iommu.block.queue.counts.commands).toBeGreaterThan(1000);
  });

  it('have 8 devices each at most', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const made = host.createVm('many', memory, []);
    expect(() => host.createGuestIommu(made, [1, 2, 3, 4, 5, 6, 7, 8, 9])).toThrow(
      'at most 8 devices behind it: 9',
    );
    host.destroyVm(made);
  });

  it('leave no objects', () => {
    host.destroyVm(vm.iommu.vm);
    const { domains, guestIds, devices } = host.iommu;
    expect([domains.used, guestIds.used, devices.used]).toEqual([0, 0, 0]);
    for (let i = 0; i < 100; i++) host.destroyVm(new AmdVm(host).bringUp().iommu.vm);
  });
});

describe('the object model over AMD’s driver', () => {
  it('refuses with Linux’s errors', () => {
    const { fd } = vm.iommu;
    const id = (type: string) => fd.describe().find((object) => object.type === type)?.id ?? 0;
    const [device, ioas, hwpt, viommu] = [
      id('DEVICE'),
      id('IOAS'),
      id('HWPT_PAGING'),
      id('VIOMMU'),
    ];
    const queue = (type: number, index: number, iova: number, length: number) => () =>
      fd.hwQueueAlloc({ viommu, type, index, iova: BigInt(iova), length: BigInt(length) });
    const nested = (word: number, value: number) => () => {
      const bytes = new Uint8Array(AMD_DTE_SIZE);
      new DataView(bytes.buffer).setUint32(4 * word, value, true);
      fd.hwptAlloc({ device, parent: viommu, data: { type: HWPT_DATA_AMD_GUEST, bytes } });
    };
    const other = new Iommufd();
    const refusals: [string, () => unknown][] = [
      ['EOPNOTSUPP', queue(99, 0, DATA, 4096)],
      ['EEXIST', queue(HW_QUEUE_TYPE_AMD_CMD, 0, DATA, 4096)],
      ['EINVAL', queue(HW_QUEUE_TYPE_AMD_CMD, 1, DATA, 4096)],
      ['ENOENT', queue(HW_QUEUE_TYPE_AMD_CMD, 0, 0x1000, 4096)],
      ['EINVAL', nested(0, 3 | (1 << 9))],
      ['EINVAL', nested(1, 1 << 24)],
      ['EINVAL', nested(5, 1 << 22)],
      [
        'EINVAL',
        () =>
          fd.hwptAlloc({ device, parent: viommu, data: { type: 2, bytes: new Uint8Array(16) } }),
      ],
      [
        'EOPNOTSUPP',
        () => fd.hwptAlloc({ device, parent: ioas, data: { type: 1, bytes: new Uint8Array(4) } }),
      ],
      [
        'EOPNOTSUPP',
        () =>
          fd.hwptInvalidate(viommu, {
            dataType: 1,
            entryLength: 16,
            entries: new Uint8Array(16),
            count: 1,
          }),
      ],
      ['EOPNOTSUPP', () => fd.viommuAlloc({ device, hwpt, type: 1, vm: vm.iommu.vm })],
      ['EINVAL', () => fd.viommuAlloc({ device, hwpt, type: VIOMMU_TYPE_AMD })],
      ['EBUSY', () => fd.destroy(viommu)],
      ['EBUSY', () => fd.ioasUnmap(ioas, BigInt(RAM), 0x3ff000n)],
      ['ENOENT', () => other.destroy(1)],
    ];
    for (const [errno, refused] of refusals)
      expect(refused, `${errno}: ${refused}`).toThrow(expect.objectContaining({ errno }));
    expect(fd.hwInfo(device).bytes.slice(0, 8)).toEqual(Uint8Array.of(0x52, 0, 0, 0, 0, 0, 1, 0));
  });
});

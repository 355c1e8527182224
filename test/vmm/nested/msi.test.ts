// SPDX-License-Identifier: MIT
// MSIs of bus masters: 32-bit writes to the doorbell page of a board's interrupt
// controller, which go through the SMMU like any DMA.

import { beforeEach, describe, expect, it } from 'vitest';
import type { HotModules } from '../../../assembly/load.ts';
import { attachDevices, BackgroundLoops, type MsiController } from '../../../devices/bus/index.ts';
import { PHYSICAL_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import {
  atcInv,
  resume,
  S1_READ_ONLY,
  S1_READ_WRITE,
  sync,
  tlbiNhAsid,
} from '../../../devices/tables/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import {
  DOORBELL,
  DOORBELL_PAGE,
  FakeInterruptController,
} from '../../support/fake-interrupt-controller.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import {
  ASID,
  attachStage1,
  guestRam,
  IOVA,
  type LendOptions,
  type LentVm,
  lendVm,
  lendVmBehind,
  STREAM,
  sendOnCmdq,
} from '../../support/lent-vm.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';

const modules: HotModules = await checkedModules();

let host: VmHost;
beforeEach(async () => {
  host = await checkedHost(VmHost, { modules });
});

interface Board extends LentVm {
  readonly its: FakeInterruptController;
  readonly write: (iova: number, ...bytes: number[]) => boolean;
}

function board(
  name = 'vm',
  { requesterId, ...options }: LendOptions & { requesterId?: number } = {},
): Board {
  const its = new FakeInterruptController();
  const lent = lendVm(host, name, { msis: its, ...options });
  const port = host.dmaPort(lent.viommu, STREAM, requesterId);
  return { ...lent, its, write: (iova, ...bytes) => port.write(iova, Uint8Array.from(bytes)).ok };
}

const faults = ({ viommu }: LentVm) => {
  host.service(true);
  return viommu.statistics.stage2Faults;
};

describe('a 32-bit write of a bus master to the doorbell', () => {
  it('reaches the interrupt controller with the requester ID, through a stage 1 that bypasses', () => {
    const plain = board('plain');
    const named = board('named', { requesterId: 0x1230 });
    expect(plain.write(DOORBELL, 4, 3, 2, 0x81)).toBe(true);
    expect(named.write(DOORBELL, 5, 0, 0, 0)).toBe(true);
    expect([plain.its.sent, named.its.sent]).toEqual([[[STREAM, 0x81020304]], [[0x1230, 5]]]);
    expect([faults(plain), faults(named)]).toEqual([0, 0]);
  });

  it('reaches it while the SMMU of the guest is off and bypasses, and not while that aborts', () => {
    const own = board();
    own.viommu.setGlobalBypass(false);
    expect(own.write(DOORBELL, 1, 0, 0, 0)).toBe(true);
    own.viommu.setGlobalBypass(true);
    expect(own.write(DOORBELL, 2, 0, 0, 0)).toBe(false);
    expect(own.its.sent).toEqual([[STREAM, 1]]);
  });

  it.each([
    ['16 KiB', 0x20],
    ['64 KiB', 0x40],
  ])('reaches it in the pages of a host whose smallest granule is %s', async (_, granules) => {
    const idRegisters = { ...PHYSICAL_ID_REGISTERS, idr5: 0x0400_0005 | granules };
    host = await checkedHost(VmHost, { modules, idRegisters });
    const sent: number[][] = [];
    // Two frames that share a page of the host, not at its start.
    const msis: MsiController = {
      doorbells: [0x1000, 0x3000].map((at) => ({ gpa: DOORBELL_PAGE + at, size: 0x1000 })),
      send: (_id, address, data) => sent.push([address, data]) > 0,
    };
    const lent = lendVm(host, 'vm', { msis });
    const port = host.dmaPort(lent.viommu, STREAM);
    const write = (at: number) =>
      port.write(DOORBELL_PAGE + at, Uint8Array.of(at >> 12, 0, 0, 0)).ok;
    expect([0x0040, 0x1040, 0x2040, 0x3040].map(write)).toEqual([false, true, false, true]);
    expect(sent).toEqual([
      [DOORBELL_PAGE + 0x1040, 1],
      [DOORBELL_PAGE + 0x3040, 3],
    ]);
    expect(faults(lent)).toBe(0);
  });

  it("goes through the guest's stage 1: where the guest maps the page, and nowhere else", () => {
    const own = board();
    const table = attachStage1(own);
    table.map(IOVA + 0x5000, DOORBELL_PAGE, 0x1000, S1_READ_WRITE);
    table.map(IOVA + 0x6000, DOORBELL_PAGE, 0x1000, S1_READ_ONLY);
    expect(own.write(IOVA + 0x5040, 7, 0, 0, 0)).toBe(true);
    expect(own.write(DOORBELL, 8, 0, 0, 0)).toBe(false);
    expect(own.write(IOVA + 0x6040, 9, 0, 0, 0)).toBe(false);
    expect(own.its.sent).toEqual([[STREAM, 7]]);
    expect(faults(own)).toBe(0);
    // F_TRANSLATION at the doorbell's gpa, F_PERMISSION.
    expect(own.events.map((record) => [record[0], record[4]])).toEqual([
      [0x10, DOORBELL],
      [0x13, 0x6040],
    ]);
  });

  it('is an external abort with another size or alignment, at another register, and as a read', () => {
    const own = board();
    for (const [iova, ...bytes] of [
      [DOORBELL, 1, 0],
      [DOORBELL, 1, 0, 0, 0, 2, 0, 0, 0],
      [DOORBELL + 2, 1, 0, 0, 0],
      [DOORBELL + 4, 1, 0, 0, 0],
      [DOORBELL_PAGE + 0xffe, 1, 0, 0, 0],
      [DOORBELL_PAGE + 0x1000, 1, 0, 0, 0],
    ])
      expect(own.write(iova ?? 0, ...bytes)).toBe(false);
    const port = host.dmaPort(own.viommu, STREAM);
    expect(port.read(DOORBELL, new Uint8Array(4)).ok).toBe(false);
    expect(own.its.sent).toEqual([]);
    // Stage 2 maps the page, and no other.
    expect(faults(own)).toBe(1);
  });

  it("does not reach another VM's controller, at any address", () => {
    const [own, other] = [board('own'), board('other')];
    const table = attachStage1(own);
    table.map(IOVA + 0x5000, other.vm.window * 2 ** 32 + DOORBELL_PAGE, 0x1000, S1_READ_WRITE);
    expect(own.write(IOVA + 0x5040, 7, 0, 0, 0)).toBe(false);
    expect([own.its.sent, other.its.sent]).toEqual([[], []]);
  });

  it('is sent with a cached translation of an ATC, until that is invalidated', () => {
    const own = board();
    const port = host.dmaPort(own.viommu, STREAM);
    const table = attachStage1(own, { eats: 1 });
    own.viommu.setSmmuEnabled(true);
    table.map(IOVA + 0x5000, DOORBELL_PAGE, 0x1000, S1_READ_WRITE);
    port.ats?.configure({ enabled: true, pageRequests: false, silent: false });
    const send = (vector: number) => port.write(IOVA + 0x5040, Uint8Array.of(vector, 0, 0, 0)).ok;
    expect(send(1)).toBe(true);
    table.unmap(IOVA + 0x5000, 0x1000);
    sendOnCmdq(own, tlbiNhAsid(0, ASID), sync());
    expect(send(2)).toBe(true);
    sendOnCmdq(own, atcInv({ streamId: STREAM, address: 0, size: 52 }), sync());
    expect(send(3)).toBe(false);
    expect(own.its.sent).toEqual([
      [STREAM, 1],
      [STREAM, 2],
    ]);
  });

  it('waits while the SMMU stalls it, and is delivered when the guest resumes it', () => {
    const own = board();
    const table = attachStage1(own, { stall: true });
    const device = new ScratchDevice();
    const background = new BackgroundLoops();
    attachDevices(
      [{ device, addresses: [0x9000], firstIrq: 1, dmaPort: host.dmaPort(own.viommu, STREAM) }],
      {
        memory: { load64: () => undefined, store64: () => false, store32: () => false },
        interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
        directMaps: undefined,
        background,
        clock: { nowNs: () => 0 },
      },
    );
    expect(device.host?.msi(IOVA + 0x5040, 0x21)).toBe(true);
    background.poll();
    host.service(true);
    const stag = (own.events[0]?.[2] ?? 0) & 0xffff;
    expect([own.its.sent, own.events.length]).toEqual([[], 1]);
    table.map(IOVA + 0x5000, DOORBELL_PAGE, 0x1000, S1_READ_WRITE);
    sendOnCmdq(own, resume(STREAM, stag, 'retry'));
    background.poll();
    expect(own.its.sent).toEqual([[STREAM, 0x21]]);
  });

  it('that the controller throws at leaves no access in flight', () => {
    const own = board();
    own.its.send = () => {
      throw new Error('broken');
    };
    expect(() => own.write(DOORBELL, 1, 0, 0, 0)).toThrow('broken');
    const other = board('other');
    attachStage1(other);
    expect(other.viommu.commandQueue.counts.syncs).toBe(0);
    sendOnCmdq(other, sync());
    expect(other.viommu.commandQueue.counts.syncs).toBe(1);
  });
});

describe('a machine with two SMMUs', () => {
  it('has its MSIs pass each of them, through stage 2 alone and through its own stage 1', async () => {
    host = await checkedHost(VmHost, { modules, smmus: [{}, {}] });
    const its = new FakeInterruptController();
    const both = lendVmBehind(host, [0, 1], 'vm', { msis: its });
    const ports = both.map(({ viommu }, i) => host.dmaPort(viommu, STREAM, 0x100 + i));
    const write = (at: number, data: number) =>
      ports.map((port) => port.write(at, Uint8Array.of(data, 0, 0, 0)).ok);
    expect(write(DOORBELL, 1)).toEqual([true, true]);
    const [, second] = both;
    if (!second) return expect.unreachable();
    attachStage1(second).map(IOVA + 0x5000, DOORBELL_PAGE, 0x1000, S1_READ_WRITE);
    expect([write(DOORBELL, 2), write(IOVA + 0x5040, 3)]).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(its.sent).toEqual([
      [0x100, 1],
      [0x101, 1],
      [0x100, 2],
      [0x101, 3],
    ]);
  });
});

describe('the window of doorbell pages', () => {
  it("is reserved at the board's address, and a host without an interrupt controller has none", () => {
    const { wasm } = guestRam();
    // RAM from 0 on, as in v86: over the window that Linux reserves for MSIs without a
    // better place.
    const low = [{ gpa: 0x7ff0000, offset: 0, size: 0x200000 }];
    const plain = host.createVm('plain', wasm, low);
    const viommu = host.createViommu(plain, [STREAM]);
    expect(host.dmaPort(viommu, STREAM).write(0x8000040, new Uint8Array(4)).ok).toBe(true);
    const its = new FakeInterruptController();
    expect(() => host.createVm('clash', wasm, low, { msis: its })).toThrow(
      'overlaps RAM (0x7ff0000 to 0x81effff)',
    );
    const elsewhere = { ...its, doorbells: [{ gpa: 0x20000000, size: 0x1000 }], send: () => true };
    const made = host.createVm('elsewhere', wasm, low, { msis: elsewhere });
    const port = host.dmaPort(host.createViommu(made, [STREAM]), STREAM);
    expect([0x20000000, 0x8000000].map((at) => port.write(at, new Uint8Array(4)).ok)).toEqual([
      true,
      true,
    ]);
  });

  it.each([
    ['in the middle of a page', 0x8020040, 0x1000],
    ['of no bytes', 0x8020000, 0],
    ['of half a page', 0x8020000, 0x800],
    ['beyond 4 GiB', 2 ** 32, 0x1000],
  ])('%s is refused', (_, gpa, size) => {
    const { wasm, regions } = guestRam();
    const msis = { doorbells: [{ gpa, size }], send: () => true };
    expect(() => host.createVm('vm', wasm, regions, { msis })).toThrow('are not pages of 4 KiB');
    expect(host.statistics.vms).toBe(0);
  });
});

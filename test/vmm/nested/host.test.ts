// SPDX-License-Identifier: MIT

import { beforeAll, describe, expect, it } from 'vitest';
import {
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_STATUS,
} from '../../../assembly/layout/cmdqv-registers.ts';
import { C_BAD_STE, F_TRANSLATION } from '../../../assembly/layout/events.ts';
import { QUEUE_ERROR_HELD, QUEUE_ERROR_PUBLISHED } from '../../../assembly/layout/queue-memory.ts';
import {
  SMMU_AT_CMDQV_EN,
  SMMU_AT_CR0,
  SMMU_AT_CR2,
  SMMU_AT_NUM_LVCMDQ,
  SMMU_AT_STRTAB_CFG,
} from '../../../assembly/layout/smmu-memory.ts';
import type { HotModules } from '../../../assembly/load.ts';
import {
  abortSte,
  atcInv,
  cfgiAll,
  eventRecord,
  invalidSte,
  nestedSte,
  stage1Ste,
  stage2Ste,
  sync,
  tlbiNhAll,
  tlbiNhAsid,
  tlbiNhVa,
  tlbiNsnhAll,
} from '../../../devices/tables/index.ts';
import { ContextBlock, smmuBase } from '../../../devices/unit/index.ts';
import { IommufdError, type ResourceGate } from '../../../host/iommufd/index.ts';
import { type QueueErrorEvent, VmHost, type VmHostOptions } from '../../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import {
  ASID,
  attachStage1,
  DATA_GPA,
  IOVA,
  type LentVm,
  lendVm,
  RAM_GPA_BASE,
  RING_GPA,
  STREAM,
  sendOnVcmdq,
  startVcmdq,
} from '../../support/lent-vm.ts';

let modules: HotModules;
beforeAll(async () => {
  modules = await checkedModules();
});

const create = (options: VmHostOptions = {}) => checkedHost(VmHost, { modules, ...options });
const entries = ({ viommu, vintf }: LentVm) => footprintOf(viommu, vintf)['IOTLB entries'].count;

function readByte(host: VmHost, lent: LentVm, iova: number): number | undefined {
  const target = new Uint8Array(1);
  return host.dmaPort(lent.viommu, STREAM).read(iova, target).ok ? target[0] : undefined;
}

describe('a host', () => {
  it('boots its SMMU and CMDQV as a kernel does', async () => {
    const host = await create({ vintfs: 4, vcmdqs: 16 });
    const words = new Uint32Array(host.memory.buffer);
    const at = (field: number) => words[(smmuBase(0) + field) >> 2];
    // SMMUEN, PRIQEN, EVENTQEN, CMDQEN, ATSCHK; PTM and RECINVSID; a linear table of
    // 2^15.
    expect([at(SMMU_AT_CR0), at(SMMU_AT_CR2), at(SMMU_AT_STRTAB_CFG)]).toEqual([0x1f, 0x6, 15]);
    expect([at(SMMU_AT_CMDQV_EN), at(SMMU_AT_NUM_LVCMDQ)]).toEqual([1, 4]);
    const own = new ContextBlock(host.memory, 0, 0);
    expect([own.enabled, own.hypOwn, own.vmid, own.queueOf(0), own.queueOf(3)]).toEqual([
      true,
      true,
      0,
      0,
      3,
    ]);
  });

  it('allocates a window, VMID and VINTF for each VM, and frees them', async () => {
    const host = await create();
    const [a, b] = [lendVm(host), lendVm(host)];
    expect([
      a.vm.window,
      b.vm.window,
      a.viommu.vmid,
      b.viommu.vmid,
      a.vintf.index,
      b.vintf.index,
    ]).toEqual([1, 2, 1, 2, 1, 2]);
    expect(a.vintf.doorbellId).toBe(1);
    expect([a.vintf.context.vmid, a.vintf.context.window, a.vintf.context.hypOwn]).toEqual([
      1,
      1,
      false,
    ]);
    const { context } = a.vintf;
    expect([context.enabled, context.vmid]).toEqual([true, 1]);
    host.destroyVm(a.vm);
    expect([context.enabled, context.vmid]).toEqual([false, 0]);
    expect(host.statistics).toMatchObject({ vms: 1, vmidsInUse: 1 });
    const again = lendVm(host);
    // A VMID is not reused before its generation ends.
    expect([again.vm.window, again.viommu.vmid, again.vintf.index]).toEqual([1, 3, 1]);
  });

  it('runs out of VINTFs and VMIDs with an error, and leaks nothing then', async () => {
    const host = await create({ vintfs: 2 });
    const first = lendVm(host);
    expect(() => lendVm(host)).toThrow(
      expect.objectContaining({ name: 'HostError', code: 'no-vintf' }),
    );
    host.destroyVm(first.vm);
    expect(() => lendVm(host)).not.toThrow();
    const other = await create();
    const memory = new WebAssembly.Memory({ initial: 17, maximum: 17, shared: true });
    const vm = other.createVm('vm', memory, [{ gpa: RAM_GPA_BASE, offset: 0, size: 17 * 65536 }]);
    expect(() =>
      other.createViommu(
        vm,
        Array.from({ length: 17 }, (_, i) => i),
        { cmdqv: true },
      ),
    ).toThrow(expect.objectContaining({ errno: 'ENOSPC' }));
    expect(() => other.createViommu(vm, [1, 1])).toThrow(
      expect.objectContaining({ code: 'in-use' }),
    );
    expect(other.statistics.vmidsInUse).toBe(0);
  });

  it('leaves a vIOMMU as it was when the vEVENTQ of its VINTF cannot be allocated', async () => {
    let isFull = false;
    const gate: ResourceGate = (_resource, what) => {
      if (isFull && what === 'vEVENTQ') throw new IommufdError('ENOMEM', what);
    };
    const host = await create({ gate });
    const memory = new WebAssembly.Memory({ initial: 17, maximum: 17, shared: true });
    const vm = host.createVm('vm', memory, [{ gpa: RAM_GPA_BASE, offset: 0, size: 17 * 65536 }]);
    const viommu = host.createViommu(vm, [STREAM], { cmdqv: true });
    const before = viommu.fd.describe();
    isFull = true;
    expect(() => host.createVintf(viommu)).toThrow(expect.objectContaining({ errno: 'ENOMEM' }));
    // The mapping of the direct page would be a user of the vIOMMU.
    expect(viommu.fd.describe()).toEqual(before);
    isFull = false;
    expect(host.createVintf(viommu).lvcmdqCount).toBe(2);
  });

  it('frees the host RAM of stage-2 tables when there is not enough', async () => {
    // The host's own tables and queues leave memory for the tables of a few VMs.
    const host = await create({ ramSize: 0x500000 });
    const huge = { gpa: 0x80000000, offset: 0, size: 0x10000 };
    const scattered = Array.from({ length: 4 }, (_, i) => ({
      ...huge,
      gpa: huge.gpa + i * 0x40000000 * 8,
    }));
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const vm = host.createVm('vm', memory, scattered);
    let made = 0;
    expect(() => {
      for (; made < 1000; made++) host.createViommu(vm, []);
    }).toThrow(expect.objectContaining({ code: 'no-ram' }));
    expect(host.statistics.vmidsInUse).toBe(made);
    host.destroyVm(vm);
    expect(host.statistics.vmidsInUse).toBe(0);
    const again = host.createVm('vm', memory, scattered);
    for (let i = 0; i < made; i++) host.createViommu(again, []);
  });
});

describe("a VM's streams", () => {
  it('bypass stage 1 at first and reach its own RAM only', async () => {
    const host = await create();
    const [a, b] = [lendVm(host), lendVm(host)];
    a.bytes[DATA_GPA - RAM_GPA_BASE] = 0x5a;
    expect(readByte(host, a, DATA_GPA)).toBe(0x5a);
    expect(readByte(host, b, DATA_GPA)).toBe(0);
    for (const outside of [
      0,
      RAM_GPA_BASE,
      RAM_GPA_BASE + 0x200000,
      2 ** 32 + DATA_GPA,
      2 ** 33 + DATA_GPA,
    ]) {
      expect(readByte(host, a, outside)).toBeUndefined();
    }
    host.service(true);
    // A fault of stage 2 concerns the host: the guest does not know that there is one.
    expect(a.events).toEqual([]);
    expect(a.viommu.statistics).toMatchObject({ events: 0, stage2Faults: 5 });
  });

  it("translate through the guest's tables and report in its own numbering", async () => {
    const host = await create();
    const [a, b] = [lendVm(host), lendVm(host)];
    attachStage1(a);
    expect(host.dmaPort(a.viommu, STREAM).write(IOVA + 0xffe, Uint8Array.of(1, 2))).toEqual({
      ok: true,
      done: 2,
    });
    expect([
      a.bytes[DATA_GPA - RAM_GPA_BASE + 0xffe],
      a.bytes[DATA_GPA - RAM_GPA_BASE + 0xfff],
    ]).toEqual([1, 2]);
    // The second page is not mapped: the bytes before it are transferred.
    expect(host.dmaPort(a.viommu, STREAM).write(IOVA + 0xffe, new Uint8Array(10))).toEqual({
      ok: false,
      done: 2,
    });
    host.service(false);
    expect(a.events.map((record) => eventRecord(record))).toEqual([
      expect.objectContaining({
        id: F_TRANSLATION,
        streamId: STREAM,
        inputAddress: BigInt(IOVA + 0x1000),
        write: true,
        stage2: false,
      }),
    ]);
    expect(b.events).toEqual([]);
  });

  it('abort silently, or as invalid, depending on the guest', async () => {
    const host = await create();
    const a = lendVm(host);
    expect(a.viommu.attachStream(STREAM, abortSte())).toBe(true);
    expect(readByte(host, a, DATA_GPA)).toBeUndefined();
    expect(a.viommu.attachStream(STREAM, undefined)).toBe(true);
    expect(readByte(host, a, DATA_GPA)).toBeUndefined();
    host.service(true);
    expect(a.events).toEqual([]);
    expect(a.viommu.attachStream(STREAM, invalidSte())).toBe(true);
    expect(readByte(host, a, DATA_GPA)).toBeUndefined();
    host.service(true);
    expect(a.events.map((record) => eventRecord(record).id)).toEqual([C_BAD_STE]);
    a.viommu.setGlobalBypass(false);
    expect(readByte(host, a, DATA_GPA)).toBe(0);
    a.viommu.setGlobalBypass(true);
    expect(readByte(host, a, DATA_GPA)).toBeUndefined();
  });

  it('have one nested HWPT of their own at most, and none while they bypass or abort', async () => {
    const host = await create();
    const a = lendVm(host);
    const nested = () => a.viommu.fd.describe().filter(({ type }) => type === 'HWPT_NESTED').length;
    const shared = nested();
    for (let i = 0; i < 3; i++) {
      a.viommu.attachStream(STREAM, stage1Ste({ contextPtr: 0 }));
      expect(nested()).toBe(shared + 1);
    }
    a.viommu.attachStream(STREAM, undefined);
    expect(nested()).toBe(shared);
    a.viommu.attachStream(STREAM, invalidSte());
    expect(nested()).toBe(shared + 1);
    a.viommu.setGlobalBypass(false);
    expect(nested()).toBe(shared);
  });

  it('are refused what belongs to the host', async () => {
    const host = await create();
    const a = lendVm(host);
    const stage2 = { vmid: 2, ttb: 0x1000, inputBits: 48 };
    expect(a.viommu.attachStream(STREAM, stage2Ste(stage2))).toBe(false);
    expect(a.viommu.attachStream(STREAM, nestedSte({ contextPtr: 0 }, stage2))).toBe(false);
    expect(a.viommu.attachStream(STREAM, stage1Ste({ contextPtr: 0, eats: 2 }))).toBe(false);
    expect(readByte(host, a, DATA_GPA)).toBeUndefined();
  });

  it('keep the VMID of the host, regardless of the STE', async () => {
    const host = await create();
    const [a, b] = [lendVm(host), lendVm(host)];
    attachStage1(a);
    attachStage1(b);
    expect([readByte(host, a, IOVA), readByte(host, b, IOVA)]).toEqual([0, 0]);
    expect([entries(a), entries(b)]).toEqual([1, 1]);
    a.viommu.invalidateAll();
    expect([entries(a), entries(b)]).toEqual([0, 1]);
  });
});

describe("a VM's VCMDQ", () => {
  it('invalidates only for its own VMID, regardless of the command’s VMID', async () => {
    const host = await create();
    const [a, b] = [lendVm(host), lendVm(host)];
    for (const lent of [a, b]) {
      attachStage1(lent);
      readByte(host, lent, IOVA);
      startVcmdq(lent);
    }
    sendOnVcmdq(
      a,
      tlbiNhVa(b.viommu.vmid, ASID, { address: IOVA }),
      tlbiNhAsid(b.viommu.vmid, ASID),
      sync(),
    );
    expect([entries(a), entries(b)]).toEqual([0, 1]);
    expect(a.vintf.queue(0).counts).toEqual({ commands: 3, syncs: 1, errors: 0, rewrites: 2 });
    expect(b.vintf.queue(0).counts.commands).toBe(0);
  });

  it('accepts rings in RAM, aligned to their size, and no larger than the SMMU supports', async () => {
    const host = await create();
    const { vintf } = lendVm(host);
    for (const [gpa, log2size] of [
      [RING_GPA + 16, 4],
      [RING_GPA + 0x100, 5],
      [RING_GPA, 11],
      [RING_GPA, 0],
      [RAM_GPA_BASE, 4],
      [RAM_GPA_BASE + 0x1fff80, 4],
      [0x1000, 4],
    ] as const) {
      expect(vintf.allocateQueue(0, gpa, log2size)).toBe(false);
    }
    expect(vintf.allocateQueue(0, RING_GPA, 4)).toBe(true);
    expect(vintf.allocateQueue(0, RING_GPA, 4)).toBe(false);
    vintf.freeQueue(0);
    expect(vintf.readPage0(0, VCMDQ_STATUS)).toBe(0);
    expect(vintf.allocateQueue(0, RING_GPA, 4)).toBe(true);
  });

  it("matches its guest's StreamIDs and no others", async () => {
    const host = await create();
    const a = lendVm(host);
    startVcmdq(a);
    sendOnVcmdq(a, atcInv({ streamId: STREAM, address: 0, size: 52 }), sync());
    host.service(false);
    expect([a.errors, host.statistics.smmu.atcInvalidations]).toEqual([[], 1]);
    sendOnVcmdq(a, atcInv({ streamId: 0x100, address: 0, size: 52 }), sync());
    host.service(false);
    expect([
      a.errors,
      host.statistics.smmu.illegalStream,
      host.statistics.smmu.atcInvalidations,
    ]).toEqual([[0], 1, 1]);
  });
});

describe('the policy on queue errors', () => {
  const page0 = ({ vintf }: LentVm) =>
    [VCMDQ_CONS, VCMDQ_GERROR, VCMDQ_GERRORN].map((register) => vintf.readPage0(0, register));

  it('is asked before anything is published; "report" publishes', async () => {
    const asked: QueueErrorEvent[] = [];
    let seen: number[] = [];
    const host = await create({
      onQueueError: (event) => {
        asked.push(event);
        seen = page0(a);
        return 'report';
      },
    });
    const a = lendVm(host, 'mine');
    startVcmdq(a);
    sendOnVcmdq(a, sync(), cfgiAll(), sync());
    expect(a.vintf.queue(0).state).toBe(QUEUE_ERROR_HELD);
    expect(a.errors).toEqual([]);
    host.service(false);
    expect(asked).toEqual([{ vm: 'mine', queue: 0, code: 1, reason: 'opcode' }]);
    expect(seen).toEqual([1, 0, 0]);
    expect(a.vintf.queue(0).state).toBe(QUEUE_ERROR_PUBLISHED);
    // CONS is at the command, with CERROR_ILL.
    expect(page0(a)).toEqual([0x01000001, 1, 0]);
    expect(a.errors).toEqual([0]);
    // Acknowledged without a change, the same command is refused again, with a new edge.
    a.vintf.writePage0(0, VCMDQ_GERRORN, 1);
    host.service(false);
    expect(page0(a)).toEqual([0x01000001, 0, 1]);
    expect(a.errors).toEqual([0, 0]);
  });

  it('"skip" steps over each bad command', async () => {
    const host = await create({ onQueueError: () => 'skip' });
    const a = lendVm(host);
    startVcmdq(a);
    sendOnVcmdq(a, cfgiAll(), cfgiAll(), sync(), cfgiAll());
    host.service(false);
    expect(page0(a)).toEqual([4, 0, 0]);
    expect([a.errors, host.statistics.smmu.errorsSkipped]).toEqual([[], 3]);
  });

  it('"stop" ends the machine and shows nothing', async () => {
    const host = await create({ onQueueError: () => 'stop' });
    const a = lendVm(host);
    const reasons: string[] = [];
    a.vm.onStop((reason) => reasons.push(reason));
    startVcmdq(a);
    sendOnVcmdq(a, cfgiAll());
    host.service(false);
    expect(reasons).toEqual(['a command on VCMDQ 0 was refused']);
    expect(page0(a)).toEqual([0, 0, 0]);
    expect(a.errors).toEqual([]);
  });

  it('"emulate" executes what a guest may request, for that guest alone, and reports the rest', async () => {
    const host = await create();
    const [a, b] = [lendVm(host, 'a', { onQueueError: () => 'emulate' }), lendVm(host, 'b')];
    for (const lent of [a, b]) {
      attachStage1(lent);
      readByte(host, lent, IOVA);
      startVcmdq(lent);
    }
    sendOnVcmdq(a, tlbiNsnhAll(), tlbiNhAll(b.viommu.vmid), sync());
    sendOnVcmdq(b, tlbiNhAll(0), sync());
    host.service(false);
    // The other vIOMMU has another policy.
    expect([page0(a), a.errors, page0(b), b.errors]).toEqual([
      [3, 0, 0],
      [],
      [0x01000000, 1, 0],
      [0],
    ]);
    expect([entries(a), entries(b)]).toEqual([0, 1]);
    sendOnVcmdq(a, cfgiAll());
    host.service(false);
    expect([page0(a), a.errors]).toEqual([[0x01000003, 1, 0], [0]]);
  });

  it('that throws stops the machine at whose safe point it was called', async () => {
    const host = await create({
      onQueueError: () => {
        throw new Error('no opinion');
      },
    });
    const a = lendVm(host);
    startVcmdq(a);
    sendOnVcmdq(a, cfgiAll());
    expect(() => host.service(false)).toThrow(expect.objectContaining({ component: 'host' }));
  });
});

describe('a VM that is destroyed', () => {
  it('leaves no trace of it', async () => {
    const host = await create();
    const [a, b] = [lendVm(host), lendVm(host)];
    for (const lent of [a, b]) {
      attachStage1(lent);
      readByte(host, lent, IOVA);
      startVcmdq(lent);
    }
    a.vintf.mapPage0(0x10000);
    const port = host.dmaPort(a.viommu, STREAM);
    host.destroyVm(a.vm);
    expect(entries(a)).toBe(0);
    expect(port.read(IOVA, new Uint8Array(1)).ok).toBe(false);
    expect([
      a.vintf.context.enabled,
      a.vintf.context.window,
      a.vintf.context.page0,
      a.vintf.context.queueOf(0),
    ]).toEqual([false, 0, 0, undefined]);
    expect(a.vintf.queue(0).allocated).toBe(false);
    expect(entries(b)).toBe(1);
    expect(readByte(host, b, IOVA)).toBe(0);
  });
});

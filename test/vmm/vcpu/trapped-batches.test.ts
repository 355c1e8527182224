// SPDX-License-Identifier: MIT
// Which trapped accesses are exits for invalidations: fake devices and a ring in a fake RAM.

import { describe, expect, it } from 'vitest';
import {
  CMDQV_DIRECT_PAGE0,
  CMDQV_LOGICAL_PAGE0,
  CMDQV_PAGE_SIZE,
  VCMDQ_BASE,
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_PROD,
  VCMDQ_STRIDE,
} from '../../../assembly/layout/cmdqv-registers.ts';
import {
  OP_ATC_INV,
  OP_CFGI_STE,
  OP_CMD_SYNC,
  OP_TLBI_NH_VA,
  OP_TLBI_NSNH_ALL,
} from '../../../assembly/layout/commands.ts';
import { ABI_KIND_CMDQV, ABI_KIND_SMMUV3 } from '../../../assembly/layout/guest-abi.ts';
import {
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_ECMDQ_PAGE,
} from '../../../assembly/layout/smmu-registers.ts';
import type { BusMount } from '../../../devices/bus/bus.ts';
import { ExitCounter, TrappedBatches } from '../../../vmm/vcpu/index.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';
import { RAM_GPA_BASE, smallMachine } from '../../support/small-machine.ts';
import { reactor } from '../../support/wat.ts';

const [SMMU, CMDQV, OTHER] = [0, 1, 2];
const RING = 0x4000_0000;
const LOG2SIZE = 3;
const ON = 0x9;
const LVCMDQ = 1;

const mount = (name: string, kind: number): BusMount =>
  ({ region: 0, address: 0, device: { name, identity: { kind } } }) as unknown as BusMount;
const MOUNTS = [mount('smmuv3', ABI_KIND_SMMUV3), mount('cmdqv', ABI_KIND_CMDQV), mount('x', 99)];

function queues() {
  const ring = new Map<number, bigint>();
  const batches = new TrappedBatches(() => MOUNTS, { load64: (gpa) => ring.get(gpa) });
  const put = (index: number, ...opcodes: number[]) =>
    opcodes.forEach((opcode, i) => {
      // The upper bits are those of other fields.
      ring.set(RING + ((index + i) % 2 ** LOG2SIZE) * 16, 0xffff_0000_0000_ff00n | BigInt(opcode));
    });
  return { batches, put };
}

/** How a kind of queue is brought up, and where its PROD and CONS are. */
const KINDS = {
  CMDQ: {
    queue: 'cmdq',
    at: SMMU,
    prod: SMMU_CMDQ_PROD,
    cons: SMMU_CMDQ_CONS,
    flags: 0,
    start: [
      [SMMU_CMDQ_BASE, RING | LOG2SIZE],
      [SMMU_CR0, ON],
    ],
  },
  ECMDQ: {
    queue: 'vcmdq',
    at: SMMU,
    prod: SMMU_ECMDQ_PAGE + 0x4008,
    cons: SMMU_ECMDQ_PAGE + 0x400c,
    flags: 2 ** 31,
    start: [
      [SMMU_ECMDQ_PAGE + 0x4000, RING | LOG2SIZE],
      [SMMU_CR0, 1],
    ],
  },
  VCMDQ: {
    queue: 'vcmdq',
    at: CMDQV,
    prod: CMDQV_LOGICAL_PAGE0 + LVCMDQ * VCMDQ_STRIDE + VCMDQ_PROD,
    cons: CMDQV_LOGICAL_PAGE0 + LVCMDQ * VCMDQ_STRIDE + VCMDQ_CONS,
    flags: 0,
    start: [
      [CMDQV_LOGICAL_PAGE0 + CMDQV_PAGE_SIZE + LVCMDQ * VCMDQ_STRIDE + VCMDQ_BASE, RING | LOG2SIZE],
      [CMDQV_LOGICAL_PAGE0 + LVCMDQ * VCMDQ_STRIDE + VCMDQ_CONFIG, 1],
    ],
  },
  'VCMDQ in the direct view': {
    queue: 'vcmdq',
    at: CMDQV,
    prod: CMDQV_DIRECT_PAGE0 + VCMDQ_PROD,
    cons: CMDQV_DIRECT_PAGE0 + VCMDQ_CONS,
    flags: 0,
    start: [
      [CMDQV_DIRECT_PAGE0 + CMDQV_PAGE_SIZE + VCMDQ_BASE, RING | LOG2SIZE],
      [CMDQV_DIRECT_PAGE0 + VCMDQ_CONFIG, 1],
    ],
  },
} as const;

describe.each(Object.entries(KINDS))(
  'a trapped %s',
  (_, { queue, at, prod, cons, flags, start }) => {
    function running() {
      const made = queues();
      for (const [offset, value] of start)
        expect(made.batches.access(at, offset, value >>> 0)).toBeUndefined();
      const send = (value: number) => made.batches.access(at, prod, (value | flags) >>> 0);
      return { ...made, send, wait: () => made.batches.access(at, cons, undefined) };
    }

    it.each([
      ['TLBI_NH_VA', OP_TLBI_NH_VA],
      ['TLBI_NSNH_ALL', OP_TLBI_NSNH_ALL],
      ['ATC_INV', OP_ATC_INV],
    ])('counts the store that sends %s and the loads that wait for it', (__, opcode) => {
      const { put, send, wait } = running();
      put(0, OP_CFGI_STE, opcode, OP_CMD_SYNC);
      expect([send(3), wait(), wait()]).toEqual([queue, queue, queue]);
    });

    it('counts no other batch, no store without commands, and no load before the first batch', () => {
      const { put, send, wait } = running();
      expect(wait()).toBeUndefined();
      put(0, OP_CFGI_STE, OP_CMD_SYNC, OP_TLBI_NH_VA);
      expect([send(2), wait()]).toEqual([undefined, undefined]);
      expect([send(3), wait()]).toEqual([queue, queue]);
      expect([send(3), wait()]).toEqual([undefined, undefined]);
    });

    it('counts the batch with the CMD_SYNC of an earlier invalidation, and none after it', () => {
      const { put, send, wait } = running();
      put(0, OP_TLBI_NH_VA, OP_CFGI_STE, OP_CMD_SYNC, OP_CFGI_STE, OP_CMD_SYNC);
      expect([send(1), send(2), send(3), wait()]).toEqual([queue, queue, queue, queue]);
      expect([send(5), wait()]).toEqual([undefined, undefined]);
    });

    it('follows PROD around the end of the ring', () => {
      const { put, send } = running();
      put(0, ...Array.from({ length: 7 }, () => OP_CFGI_STE));
      expect(send(7)).toBeUndefined();
      put(7, OP_CMD_SYNC, OP_TLBI_NH_VA);
      expect(send(9)).toBe(queue);
    });

    it('neither counts loads of PROD nor stores to CONS', () => {
      const { batches, put, send } = running();
      put(0, OP_TLBI_NH_VA);
      send(1);
      expect(batches.access(at, prod, undefined)).toBeUndefined();
      expect(batches.access(at, cons, 0)).toBeUndefined();
    });

    it('counts nothing after a reset of the machine until the queue is brought up again', () => {
      const { batches, put, send, wait } = running();
      put(0, OP_TLBI_NH_VA, OP_TLBI_NH_VA, OP_TLBI_NH_VA);
      send(1);
      batches.reset();
      // What the former system left in the ring is not a batch of the next one.
      const [[base, ring]] = start;
      batches.access(at, base, ring >>> 0);
      expect([wait(), send(0), wait()]).toEqual([undefined, undefined, undefined]);
      for (const [offset, value] of start) batches.access(at, offset, value >>> 0);
      expect([send(1), wait()]).toEqual([queue, queue]);
    });

    it('survives a ring that is not in RAM, and values of any size', () => {
      const { batches, send } = running();
      const [base] = start;
      for (const value of [0xffffffff, 0, 0x1f, 0xffffffe0]) {
        batches.access(at, base[0], value);
        for (const index of [0xffffffff, 0, 0x80000, 7]) expect(send(index)).toBeUndefined();
      }
    });
  },
);

describe('trapped batches', () => {
  it.each([0, 1, 8])('are not counted while CR0 is %i: nothing can be cached', (cr0) => {
    const { batches, put } = queues();
    put(0, OP_TLBI_NSNH_ALL);
    batches.access(SMMU, SMMU_CMDQ_BASE, RING | LOG2SIZE);
    batches.access(SMMU, SMMU_CR0, cr0);
    expect(batches.access(SMMU, SMMU_CMDQ_PROD, 1)).toBeUndefined();
  });

  it.each([
    ['CMDQ', KINDS.CMDQ],
    ['ECMDQ', KINDS.ECMDQ],
  ])('count only while the SMMU is enabled (%s)', (_, { start, prod, cons, flags }) => {
    const { batches, put } = queues();
    put(0, OP_TLBI_NSNH_ALL, OP_TLBI_NSNH_ALL);
    const send = (index: number) => batches.access(SMMU, prod, (index | flags) >>> 0);
    batches.access(SMMU, start[0][0], start[0][1] >>> 0);
    expect(send(1)).toBeUndefined();
    batches.access(SMMU, SMMU_CR0, start[1][1]);
    expect(send(2)).toBeDefined();
    expect(batches.access(SMMU, cons, undefined)).toBeDefined();
    batches.access(SMMU, SMMU_CR0, 0);
    expect(send(2)).toBeUndefined();
    expect(batches.access(SMMU, cons, undefined)).toBeUndefined();
  });

  it('are not those of other devices', () => {
    const { batches } = queues();
    for (const at of [OTHER, 7])
      for (const stored of [undefined, 1])
        expect(batches.access(at, SMMU_CMDQ_PROD, stored)).toBeUndefined();
  });

  it('are counted once, by path: those that the guest has marked are direct', () => {
    const { batches, put } = queues();
    put(0, OP_TLBI_NH_VA, OP_TLBI_NH_VA);
    let marked = false;
    const view = { counted: () => undefined, isInvalidating: () => marked };
    const counter = new ExitCounter(view, 1, batches);
    const access = (at: number, offset: number, stored?: number) => {
      counter.count(0, 0);
      counter.countRegister(at, offset, stored);
      const { duringInvalidation, duringDirect } = counter.statistics([]);
      return [duringInvalidation, duringDirect];
    };
    for (const [offset, value] of [...KINDS.CMDQ.start]) access(SMMU, offset, value);
    for (const [offset, value] of [...KINDS.VCMDQ.start]) access(CMDQV, offset, value);
    expect(access(SMMU, SMMU_CMDQ_PROD, 1)).toEqual([1, 0]);
    expect(access(SMMU, SMMU_CMDQ_CONS)).toEqual([2, 0]);
    expect(access(CMDQV, KINDS.VCMDQ.prod, 1)).toEqual([3, 1]);
    marked = true;
    expect(access(CMDQV, KINDS.VCMDQ.prod, 2)).toEqual([4, 2]);
    expect(access(OTHER, 0)).toEqual([5, 3]);
  });

  it('end with a reset of the machine', async () => {
    const at = 0x9000000;
    const smmu = Object.assign(new ScratchDevice(), {
      identity: { kind: ABI_KIND_SMMUV3, interrupts: 2, busMaster: false },
    });
    const machine = await smallMachine({
      guest: reactor('(func $run (param i32) (result i32) (i32.const 1))'),
      devices: [{ device: smmu, addresses: [at], firstIrq: 3 }],
    });
    const { bus } = machine.devices;
    const offset = 0x100000;
    new Uint32Array(machine.memory.buffer)[offset / 4] = OP_TLBI_NH_VA;
    bus.write(at + SMMU_CMDQ_BASE, 8, (RAM_GPA_BASE + offset) | LOG2SIZE);
    bus.write(at + SMMU_CR0, 4, ON);
    bus.write(at + SMMU_CMDQ_PROD, 4, 1);
    bus.read(at + SMMU_CMDQ_CONS, 4);
    expect(machine.exits.duringInvalidation).toBe(2);
    await machine.reset();
    bus.read(at + SMMU_CMDQ_CONS, 4);
    expect(machine.exits.duringInvalidation).toBe(2);
  });
});

// SPDX-License-Identifier: MIT
// Expected values are literals derived from the register descriptions of CMDQV and SMMUv3
// (docs/cmdqv.md), not from our accessors.

import { beforeEach, describe, expect, it } from 'vitest';
import { ACCESS_NO_SSID } from '../../assembly/layout/access.ts';
import {
  ATC_PORT_GROUP,
  ATC_PORT_GROUP_PASID,
  ATC_PORT_SID,
  PRG_STATE_SHIFT,
  PRG_WAITING,
  SMMU_AT_ATC,
  SMMU_AT_ATC_PORTS,
} from '../../assembly/layout/ats-memory.ts';
import {
  QUEUE_ERROR_HELD,
  QUEUE_ERROR_PUBLISHED,
  QUEUE_KIND_GUEST_CMDQ,
  QUEUE_KIND_MAIN,
  QUEUE_NEEDS_HOST,
  QUEUE_OWNERS,
  QUEUE_PARKED,
  QUEUE_RUNNING,
} from '../../assembly/layout/queue-memory.ts';
import {
  SMMU_AT_CMDQV_EN,
  SMMU_AT_CR0,
  SMMU_AT_IDR3,
  SMMU_AT_PARKED,
  STAT_BUDGET_EXHAUSTED,
  STAT_ILL_CS,
  STAT_ILL_OPCODE,
  STAT_ILL_RANGE,
  STAT_ILL_RESPONSE,
  STAT_ILL_SID,
  STAT_ILL_SSEC,
  STAT_INIT_ERROR,
  STAT_PARKS,
  STAT_PROD_RANGE,
  STAT_REPAIRS,
} from '../../assembly/layout/smmu-memory.ts';
import { QueueBlock, writeActions } from '../../devices/unit/index.ts';
import { type Harness, harness, IDR0, PAGE0, RING } from '../support/unit-harness.ts';

const CONS = 0x00;
const PROD = 0x04;
const CONFIG = 0x08;
const STATUS = 0x0c;
const GERROR = 0x10;
const GERRORN = 0x14;
// TLBI_NH_VA VMID 3, ASID 5, VA 0x12345000, LEAF; CMD_SYNC with CS none; CFGI_ALL.
const NH_VA = [0x0005_0003_0000_0012n, 0x0000_0000_1234_5001n] as const;
const SYNC = 0x46n;
const CFGI_ALL = [0x04n, 31n] as const;

let h: Harness;
beforeEach(async () => {
  h = await harness();
});

describe('VCMDQ enable', () => {
  it('CONFIG.EN on an allocated queue with a ring sets STATUS.ENABLED and reads CONS', () => {
    const { queue } = h.vcmdq(0, 1, { enable: false });
    h.guest[(PAGE0 + CONS) >> 2] = 5;
    h.guest[(PAGE0 + PROD) >> 2] = 5;
    h.store(1, CONFIG, 1);
    expect(h.page0(STATUS)).toBe(1);
    expect(queue.cons).toBe(5);
  });

  it('uses only the index and the wrap bit of CONS', () => {
    const { queue } = h.vcmdq(0, 1, { enable: false });
    // A ring of 16: ERR, bits above the wrap bit; index 3 of the second lap.
    h.guest[(PAGE0 + CONS) >> 2] = 0x0100_7fe0 | 0x13;
    h.guest[(PAGE0 + PROD) >> 2] = 0x13;
    h.store(1, CONFIG, 1);
    expect([queue.cons, h.page0(CONS), h.page0(STATUS)]).toEqual([0x13, 0x13, 1]);
    expect(queue.counts).toMatchObject({ commands: 0, errors: 0 });
    h.put(3, SYNC);
    h.store(1, PROD, 0x14);
    expect([h.page0(CONS), queue.counts.syncs]).toEqual([0x14, 1]);
  });

  it('CONFIG.EN without a ring leaves STATUS 0 and toggles GERROR.CMDQ_INIT_ERR once', () => {
    const { queue } = h.vcmdq(0, 1, { enable: false });
    queue.clearRing();
    h.store(1, CONFIG, 1);
    h.store(1, CONFIG, 1);
    expect(h.page0(STATUS)).toBe(0);
    expect(h.page0(GERROR)).toBe(4);
    expect(h.stat(STAT_INIT_ERROR)).toBe(1);
  });

  it('runs nothing while the VINTF or the CMDQV is disabled', () => {
    const { context } = h.vcmdq(0, 1);
    h.put(0, SYNC);
    context.enabled = false;
    h.store(1, PROD, 1);
    expect([h.page0(CONS), h.page0(STATUS)]).toEqual([0, 0]);
    context.enabled = true;
    h.set(SMMU_AT_CMDQV_EN, 0);
    h.store(1, PROD, 1);
    expect(h.page0(CONS)).toBe(0);
    h.set(SMMU_AT_CMDQV_EN, 1);
    h.store(1, PROD, 1);
    expect([h.page0(CONS), h.page0(STATUS)]).toEqual([1, 1]);
  });

  it('CONFIG.EN = 0 clears STATUS; CONS is then software’s to write', () => {
    h.vcmdq(0, 1);
    h.put(0, SYNC);
    h.store(1, PROD, 1);
    h.store(1, CONFIG, 0);
    expect(h.page0(STATUS)).toBe(0);
    h.store(1, CONS, 0);
    h.store(1, PROD, 0);
    h.store(1, CONFIG, 1);
    expect([h.page0(STATUS), h.page0(CONS)]).toEqual([1, 0]);
  });
});

describe('VCMDQ consumption', () => {
  it('consumes up to PROD and counts commands and syncs', () => {
    const { queue } = h.vcmdq(0, 1);
    h.put(0, ...NH_VA);
    h.put(1, ...NH_VA);
    h.put(2, SYNC);
    h.store(1, PROD, 3);
    expect(h.page0(CONS)).toBe(3);
    expect(queue.counts).toEqual({ commands: 3, syncs: 1, errors: 0, rewrites: 2 });
  });

  it('wraps: CONS passes the end of the ring and inverts the wrap bit', () => {
    h.vcmdq(0, 1, { log2size: 2 });
    for (let slot = 0; slot < 4; slot++) h.put(slot, SYNC);
    h.store(1, PROD, 4);
    expect(h.page0(CONS)).toBe(4);
    h.store(1, PROD, 6);
    expect(h.page0(CONS)).toBe(6);
    h.store(1, PROD, 1);
    expect(h.page0(CONS)).toBe(1);
  });

  it('PROD more than a queue ahead is consumed and counted, without a hang', () => {
    const { queue } = h.vcmdq(0, 1, { log2size: 2 });
    for (let slot = 0; slot < 4; slot++) h.put(slot, SYNC);
    h.store(1, PROD, 7);
    expect(h.page0(CONS)).toBe(7);
    expect(queue.counts.commands).toBe(7);
    expect(h.stat(STAT_PROD_RANGE)).toBe(1);
  });

  it('a call ends after four rounds of 256 commands, and requests the host to continue', () => {
    const { queue } = h.vcmdq(0, 1, { log2size: 12 });
    for (let slot = 0; slot < 2000; slot++) h.put(slot, SYNC);
    h.store(1, PROD, 2000);
    expect(h.page0(CONS)).toBe(1024);
    expect(h.stat(STAT_BUDGET_EXHAUSTED)).toBe(1);
    expect(h.unit.drain.serveContext(h.smmu, 1)).toBe(976);
    expect(queue.cons).toBe(2000);
  });

  it('read-only registers that the guest overwrote are restored at the next service', () => {
    h.vcmdq(0, 1);
    h.put(0, SYNC);
    h.store(1, PROD, 1);
    for (const register of [CONS, STATUS, GERROR]) h.guest[(PAGE0 + register) >> 2] = 0x7f00ff;
    h.store(1, PROD, 1);
    expect([h.page0(CONS), h.page0(STATUS), h.page0(GERROR)]).toEqual([1, 1, 0]);
    expect(h.stat(STAT_REPAIRS)).toBeGreaterThan(0);
  });

  it('a doorbell for another machine’s VINTF, or for none, has no effect', async () => {
    const { context } = h.vcmdq(0, 1);
    const other = await harness({ host: h, window: 2, thread: 2 });
    h.put(0, SYNC);
    h.guest[(PAGE0 + PROD) >> 2] = 1;
    for (const [id, offset] of [
      [1, 4],
      [0x101, 4],
      [0xffff, 4],
      [63, 0x7fffffff],
    ] as const)
      other.unit.drain.doorbell(id, offset);
    expect(h.page0(CONS)).toBe(0);
    const before = context.doorbellCalls;
    h.unit.drain.doorbell(1, 0x7fff_ffff);
    h.unit.drain.doorbell(1, -4);
    expect(context.doorbellCalls).toBe(before + 2);
    h.unit.drain.doorbell(1, 4);
    expect(h.page0(CONS)).toBe(1);
  });

  it('a doorbell serves the queue of its slot, and those of later slots by offset', () => {
    const { context, queue } = h.vcmdq(0, 1);
    h.put(0, SYNC);
    h.guest[(PAGE0 + PROD) >> 2] = 1;
    // Slot 1 has no queue.
    h.unit.drain.doorbell(0x0001_0001, 4);
    h.unit.drain.doorbell(0x0000_0001, 0x84);
    expect(queue.cons).toBe(0);
    context.bindQueue(1, 0);
    context.bindQueue(0, undefined);
    h.unit.drain.doorbell(0x0000_0001, 4);
    expect(queue.cons).toBe(0);
    h.unit.drain.doorbell(0x0001_0001, 4);
    expect(queue.cons).toBe(1);
    h.put(1, SYNC);
    h.guest[(PAGE0 + PROD) >> 2] = 2;
    h.unit.drain.doorbell(0x0000_0001, 0x84);
    expect(queue.cons).toBe(2);
  });

  it('a PRI_RESP with the reserved response is CERROR_ILL; the other three are not', () => {
    // The harness's SMMU, with PRI.
    writeActions(h.hostMemory, 0, IDR0 | 0x10000);
    for (const response of [0n, 1n, 2n]) h.mainCommand(0x41n, response << 12n);
    expect(h.stat(STAT_ILL_RESPONSE)).toBe(0);
    h.mainCommand(0x41n, 3n << 12n);
    expect(h.stat(STAT_ILL_RESPONSE)).toBe(1);
    expect(new QueueBlock(h.hostMemory, 0, 128).state).toBe(QUEUE_ERROR_HELD);
  });

  it('a doorbell that finds the queue owned returns; the owner’s next poll serves it', () => {
    const { queue } = h.vcmdq(0, 1);
    h.put(0, SYNC);
    h.guest[(PAGE0 + PROD) >> 2] = 1;
    h.host[(queue.address + QUEUE_OWNERS) >> 2] = 1;
    h.unit.drain.doorbell(1, 4);
    expect(h.page0(CONS)).toBe(0);
    expect(h.host[(queue.address + QUEUE_OWNERS) >> 2]).toBe(2);
  });

  it('reapThread releases the queue of a dead thread', () => {
    const { queue } = h.vcmdq(0, 1);
    h.put(0, SYNC);
    h.guest[(PAGE0 + PROD) >> 2] = 1;
    h.host[(queue.address + QUEUE_OWNERS) >> 2] = 1;
    h.host[(queue.address + 4) >> 2] = 5 + 1;
    h.unit.drain.reapThread(h.smmu, 5);
    h.unit.drain.doorbell(1, 4);
    expect(h.page0(CONS)).toBe(1);
  });
});

describe('VCMDQ errors', () => {
  const illegal: [string, bigint, number, bigint?][] = [
    ['CFGI_ALL', CFGI_ALL[0], STAT_ILL_OPCODE],
    ['TLBI_NH_ALL', 0x10n, STAT_ILL_OPCODE],
    ['TLBI_NH_VAA', 0x13n, STAT_ILL_OPCODE],
    ['TLBI_NSNH_ALL', 0x30n, STAT_ILL_OPCODE],
    ['opcode 0', 0n, STAT_ILL_OPCODE],
    ['opcode 0xff', 0xffn, STAT_ILL_OPCODE],
    ['TLBI_NH_ASID with SSec', 0x411n, STAT_ILL_SSEC],
    ['CMD_SYNC with CS = 1', 0x1046n, STAT_ILL_CS],
    ['CMD_SYNC with CS = 2', 0x2046n, STAT_ILL_CS],
    ['CMD_SYNC with CS = 3', 0x3046n, STAT_ILL_CS],
    ['ATC_INV of a StreamID that matches no pair', 0x0000_0009_0000_0040n, STAT_ILL_SID],
    // TG set, NUM = SCALE = TTL = 0; for 16 KiB granules TTL = 1 acts as 0.
    ['TLBI_NH_VA with a granule and neither range nor level', 0x12n, STAT_ILL_RANGE, 0x400n],
    ['TLBI_NH_VA of 16 KiB granules at level 1', 0x12n, STAT_ILL_RANGE, 0x900n],
    ['TLBI_S2_IPA with a granule and neither range nor level', 0x2an, STAT_ILL_RANGE, 0xc00n],
  ];
  it.each(illegal)('%s stops the queue with a held CERROR_ILL', (_name, d0, stat, d1 = 0n) => {
    const { queue } = h.vcmdq(0, 1);
    h.put(0, SYNC);
    h.put(1, d0, d1);
    h.put(2, SYNC);
    h.store(1, PROD, 3);
    expect(queue.state).toBe(QUEUE_ERROR_HELD);
    expect(queue.error).toBe(1);
    expect(queue.cons).toBe(1);
    expect(h.stat(stat)).toBe(1);
  });

  it.each([
    ['a level without a range', 0x12n, 0x700n],
    ['level 1 of 4 KiB granules', 0x12n, 0x500n],
    ['a range without a level', 0x1012n, 0x400n],
    ['a scale alone', 0x0010_0012n, 0x800n],
  ])('TLBI_NH_VA with %s is legal', (_name, d0, d1) => {
    const { queue } = h.vcmdq(0, 1);
    h.put(0, d0, d1);
    h.store(1, PROD, 1);
    expect([queue.state, queue.cons]).toEqual([QUEUE_RUNNING, 1]);
  });

  it('range fields are reserved, and ignored, without IDR3.RIL', () => {
    const { queue } = h.vcmdq(0, 1);
    h.set(SMMU_AT_IDR3, 0);
    h.put(0, 0x12n, 0x400n);
    h.store(1, PROD, 1);
    expect([queue.state, queue.cons]).toEqual([QUEUE_RUNNING, 1]);
  });

  it('a held error is not visible to the guest until it is published; then CONS.ERR, CONS.RD and GERROR.0 show it', () => {
    const { queue } = h.vcmdq(0, 1);
    h.put(0, SYNC);
    h.put(1, ...CFGI_ALL);
    h.store(1, PROD, 2);
    expect([h.page0(CONS), h.page0(GERROR)]).toEqual([1, 0]);
    h.unit.drain.publishError(h.smmu, 0);
    expect([h.page0(CONS), h.page0(GERROR)]).toEqual([0x0100_0001, 1]);
    expect(queue.state).toBe(QUEUE_ERROR_PUBLISHED);
  });

  it('GERRORN = GERROR makes the queue fetch again at CONS, from memory', () => {
    const { queue } = h.vcmdq(0, 1);
    h.put(0, ...CFGI_ALL);
    h.put(1, SYNC);
    h.store(1, PROD, 2);
    h.unit.drain.publishError(h.smmu, 0);
    h.store(1, PROD, 2);
    expect(queue.cons).toBe(0);
    h.put(0, SYNC);
    h.store(1, GERRORN, 1);
    expect(queue.state).toBe(QUEUE_RUNNING);
    expect(h.page0(CONS)).toBe(2);
  });

  it('a second error toggles GERROR back to 0 after the first has been acknowledged', () => {
    h.vcmdq(0, 1);
    h.put(0, ...CFGI_ALL);
    h.put(1, ...CFGI_ALL);
    h.store(1, PROD, 2);
    h.unit.drain.publishError(h.smmu, 0);
    h.put(0, SYNC);
    h.store(1, GERRORN, 1);
    h.unit.drain.publishError(h.smmu, 0);
    expect([h.page0(GERROR), h.page0(GERRORN)]).toEqual([0, 1]);
  });

  it('stepOver skips a held error without the guest seeing anything', () => {
    h.vcmdq(0, 1);
    h.put(0, ...CFGI_ALL);
    h.put(1, SYNC);
    h.store(1, PROD, 2);
    h.unit.drain.stepOver(h.smmu, 0);
    h.unit.drain.serve(h.smmu, 0);
    expect([h.page0(CONS), h.page0(GERROR)]).toEqual([2, 0]);
  });
});

describe('while the physical SMMU has SMMUEN 0', () => {
  beforeEach(() => {
    h.set(SMMU_AT_CR0, 0xc);
    // StreamID 8 has ATS, and waits for the response to page request 3.
    h.set(SMMU_AT_ATC_PORTS, 1);
    h.set(SMMU_AT_ATC + ATC_PORT_SID, 8 + 1);
    h.set(SMMU_AT_ATC + ATC_PORT_GROUP_PASID, ACCESS_NO_SSID);
    h.set(SMMU_AT_ATC + ATC_PORT_GROUP, (PRG_WAITING << PRG_STATE_SHIFT) | 3);
  });

  it('a legal ATC_INV has no effect, for any stream', () => {
    const { queue, context } = h.vcmdq(0, 1);
    context.setSidReplace(0, 8);
    context.setSidMatch(0, 0x11);
    h.put(0, 0x0000_0008_0000_0040n, 52n);
    h.put(1, 0x0000_0055_0000_0040n, 52n);
    h.put(2, SYNC);
    h.store(1, PROD, 3);
    expect([queue.cons, queue.state, h.get(SMMU_AT_ATC + 4)]).toEqual([3, QUEUE_RUNNING, 0]);
    h.put(3, 0x0000_0008_0000_0440n, 52n);
    h.store(1, PROD, 4);
    expect([queue.cons, queue.state]).toEqual([3, QUEUE_ERROR_HELD]);
  });

  it('PRI_RESP has no effect, once it is legal', () => {
    writeActions(h.hostMemory, 0, IDR0 | 0x10000);
    const queue = new QueueBlock(h.hostMemory, 0, 128);
    const group = () => h.get(SMMU_AT_ATC + ATC_PORT_GROUP);
    const waits = group();
    h.mainCommand(0x0000_0008_0000_0041n, 0x2003n);
    expect([group(), queue.state]).toEqual([waits, QUEUE_RUNNING]);
    h.mainCommand(0x0000_0008_0000_0041n, 0x3003n);
    expect([group(), queue.state]).toEqual([waits, QUEUE_ERROR_HELD]);
    h.set(SMMU_AT_CR0, 0xd);
    h.mainCommand(0x0000_0008_0000_0041n, 0x2003n);
    expect(group()).not.toBe(waits);
  });
});

describe('StreamID match and replace', () => {
  it('ATC_INV reaches the physical stream of the matching pair and no other', () => {
    const { context, queue } = h.vcmdq(0, 1);
    // vSID 8 -> pSID 0x10100: REPLACE = 0x10100, MATCH = 0x11.
    context.setSidReplace(3, 0x10100);
    context.setSidMatch(3, 0x11);
    h.set(SMMU_AT_ATC_PORTS, 2);
    h.set(SMMU_AT_ATC + ATC_PORT_SID, 0x10100 + 1);
    h.set(SMMU_AT_ATC + 0x40 + ATC_PORT_SID, 8 + 1);
    h.put(0, 0x0000_0008_0000_0040n, 52n);
    h.put(1, SYNC);
    h.store(1, PROD, 2);
    expect(queue.state).toBe(QUEUE_RUNNING);
    expect([h.get(SMMU_AT_ATC + 4), h.get(SMMU_AT_ATC + 8)]).toEqual([1, 1]);
    expect(h.get(SMMU_AT_ATC + 0x44)).toBe(0);
  });

  it('a pair without ENABLE does not match', () => {
    const { context, queue } = h.vcmdq(0, 1);
    context.setSidReplace(0, 0x10100);
    context.setSidMatch(0, 0x10);
    h.put(0, 0x0000_0008_0000_0040n, 52n);
    h.store(1, PROD, 1);
    expect(queue.state).toBe(QUEUE_ERROR_HELD);
  });
});

describe('CMD_SYNC and accesses in flight', () => {
  it('parks at the sync until an access that began before it has ended', async () => {
    const { queue } = h.vcmdq(0, 1);
    const device = await harness({ host: h, window: 1, thread: 3 });
    h.put(0, ...NH_VA);
    h.put(1, SYNC);
    h.put(2, ...NH_VA);
    device.unit.core.accessBegin();
    h.store(1, PROD, 3);
    expect(queue.state).toBe(QUEUE_PARKED);
    expect(h.page0(CONS)).toBe(1);
    expect([h.get(SMMU_AT_PARKED), h.stat(STAT_PARKS)]).toEqual([1, 1]);
    device.unit.core.accessEnd();
    expect(h.unit.drain.serveParked(h.smmu)).toBe(0);
    expect(h.page0(CONS)).toBe(3);
    expect(queue.counts.syncs).toBe(1);
  });

  it('an access that begins after the CMD_SYNC does not delay it', async () => {
    const { queue } = h.vcmdq(0, 1);
    const first = await harness({ host: h, window: 1, thread: 3 });
    const second = await harness({ host: h, window: 1, thread: 4 });
    h.put(0, SYNC);
    first.unit.core.accessBegin();
    h.store(1, PROD, 1);
    second.unit.core.accessBegin();
    first.unit.core.accessEnd();
    h.unit.drain.serveParked(h.smmu);
    expect([queue.state, h.page0(CONS)]).toEqual([QUEUE_RUNNING, 1]);
    second.unit.core.accessEnd();
  });

  it('disabling a parked queue leaves nothing parked', async () => {
    h.vcmdq(0, 1);
    const device = await harness({ host: h, window: 1, thread: 3 });
    h.put(0, SYNC);
    device.unit.core.accessBegin();
    h.store(1, PROD, 1);
    h.store(1, CONFIG, 0);
    expect(h.get(SMMU_AT_PARKED)).toBe(0);
    expect(h.page0(STATUS)).toBe(0);
    device.unit.core.accessEnd();
  });
});

describe('command queues of an SMMU', () => {
  function commandQueue(index: number, kind: number, window: number): QueueBlock {
    const queue = new QueueBlock(h.hostMemory, 0, index);
    queue.reset(kind, kind === QUEUE_KIND_MAIN ? 0 : 1);
    queue.setRing(window, window === 0 ? h.ramBase + 0x1000 : RING, 4);
    queue.allocated = true;
    return queue;
  }
  function putHost(slot: number, d0: bigint, d1 = 0n): void {
    h.hostRam64(0x1000 + slot * 16, d0);
    h.hostRam64(0x1000 + slot * 16 + 8, d1);
  }
  function serve(queue: QueueBlock, prod: number): number {
    h.host[(queue.registers + PROD) >> 2] = prod;
    return h.unit.drain.serve(h.smmu, queue.index);
  }

  it('the main queue accepts configuration commands and a CMD_SYNC with CS = 2', () => {
    const queue = commandQueue(128, QUEUE_KIND_MAIN, 0);
    putHost(0, ...CFGI_ALL);
    putHost(1, 0x30n);
    putHost(2, 0x2046n);
    expect(serve(queue, 3)).toBe(QUEUE_RUNNING);
    expect(queue.cons).toBe(3);
  });

  it('CMD_SYNC with the reserved CS = 3 is illegal on the main queue', () => {
    const queue = commandQueue(128, QUEUE_KIND_MAIN, 0);
    putHost(0, 0x3046n);
    expect(serve(queue, 1)).toBe(QUEUE_ERROR_HELD);
  });

  it('a trapped queue stops for the host at configuration commands, and continues after them', () => {
    h.vcmdq(0, 1);
    const queue = commandQueue(129, QUEUE_KIND_GUEST_CMDQ, 1);
    h.put(0, ...NH_VA);
    h.put(1, ...CFGI_ALL);
    h.put(2, 0x2046n);
    expect(serve(queue, 3)).toBe(QUEUE_NEEDS_HOST);
    expect(queue.cons).toBe(1);
    h.unit.drain.stepOver(h.smmu, 129);
    expect(h.unit.drain.serve(h.smmu, 129)).toBe(QUEUE_RUNNING);
    expect(queue.cons).toBe(3);
  });

  it('a fetch from a ring that is not RAM is CERROR_ABT', () => {
    const queue = commandQueue(129, QUEUE_KIND_GUEST_CMDQ, 1);
    queue.clearRing();
    expect(serve(queue, 1)).toBe(QUEUE_ERROR_HELD);
    expect(queue.error).toBe(2);
  });
});

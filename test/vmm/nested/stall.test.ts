// SPDX-License-Identifier: MIT
// Stalls, end to end: a DMA engine with a host's SMMU, and the guest that responds on its
// command queue.

import { beforeEach, describe, expect, it } from 'vitest';
import { SMMU_AT_STALLED } from '../../../assembly/layout/smmu-memory.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import type { DmaPort } from '../../../devices/plugin/index.ts';
import { resume, S1_READ_WRITE, stallTerm, sync } from '../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { smmuBase } from '../../../devices/unit/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import {
  attachStage1,
  DATA_GPA,
  IOVA,
  type LentVm,
  lendVm,
  RAM_GPA_BASE,
  STREAM,
  sendOnCmdq,
} from '../../support/lent-vm.ts';

const modules = await checkedModules();
const [COPY, FILL, VERIFY] = [1, 2, 3];
const [DONE, READ_FAULT, WRITE_FAULT, STALLED] = [1, 2, 3, 7];
/** After the only mapped page. */
const HOLE = IOVA + 0x1000;

/** The host of a device whose DMA port belongs to a VM. */
class PortHost extends FakeHost {
  readonly #port: DmaPort;
  constructor(port: DmaPort) {
    super();
    this.#port = port;
  }
  override dmaPort(): DmaPort {
    return this.#port;
  }
}

function engineOf(host: VmHost, lent: LentVm) {
  const fake = new PortHost(host.dmaPort(lent.viommu, STREAM));
  const device = new DmaEngine();
  device.attach(fake);
  device.reset();
  const bus = new DeviceBus(device);
  const start = (operation: number, source: number, target: number, length: number) => {
    bus.write64(0x10, BigInt(source));
    bus.write64(0x18, BigInt(target));
    bus.write32(0x0c, length);
    bus.write32(0x20, 0xa5a5a5a5);
    bus.write32(0x34, 1);
    bus.write32(0x04, operation);
  };
  // A machine's work at a safe point.
  const look = () => {
    host.service(true);
    fake.poll();
    return [bus.read32(0x08), bus.read32(0x24), Number(bus.read64(0x28))];
  };
  return { fake, device, bus, start, look };
}

let host: VmHost;
let a: LentVm;
let table: ReturnType<typeof attachStage1>;
let engine: ReturnType<typeof engineOf>;
const stalled = () => new Int32Array(host.memory.buffer)[(smmuBase(0) + SMMU_AT_STALLED) >> 2];
const stagOf = ({ events }: LentVm) => (events.at(-1)?.[2] ?? 0) % 0x10000;

beforeEach(async () => {
  host = await checkedHost(VmHost, { modules });
  a = lendVm(host, 'a');
  table = attachStage1(a, { stall: true });
  engine = engineOf(host, a);
});

describe('an operation whose access stalls', () => {
  it('continues after the access when the guest has mapped the page and sent RESUME', () => {
    engine.start(FILL, 0, IOVA, 0x1800);
    expect(engine.look()).toEqual([STALLED, 0x1000, HOLE]);
    expect(engine.look()).toEqual([STALLED, 0x1000, HOLE]);
    // One record: F_TRANSLATION of the guest's stream, Stall and STAG 0x400, write, class
    // IN.
    expect(a.events.map((record) => [...record])).toEqual([
      [0x10, STREAM, 0x80000400, 0x200, HOLE % 2 ** 32, 1, 0, 0],
    ]);
    expect(engine.fake.pulses(0)).toBe(0);
    table.map(HOLE, DATA_GPA + 0x1000, 0x1000, S1_READ_WRITE);
    sendOnCmdq(a, resume(STREAM, stagOf(a), 'retry'), sync());
    expect(engine.look()).toEqual([DONE, 0x1800, 0]);
    expect([engine.fake.pulses(0), stalled()]).toEqual([1, 0]);
    const at = DATA_GPA - RAM_GPA_BASE;
    expect([a.bytes[at], a.bytes[at + 0x17ff], a.bytes[at + 0x1800]]).toEqual([0xa5, 0xa5, 0]);
  });

  it('stalls again when the page is still missing', () => {
    engine.start(FILL, 0, HOLE, 8);
    engine.look();
    sendOnCmdq(a, resume(STREAM, stagOf(a), 'retry'));
    expect(engine.look()).toEqual([STALLED, 0, HOLE]);
    host.service(true);
    expect(a.events.length).toBe(2);
  });

  it.each([
    ['a write', FILL, WRITE_FAULT],
    ['a read', VERIFY, READ_FAULT],
    ['the read of a copy', COPY, READ_FAULT],
  ])('fails at %s that the guest refuses', (_name, operation, status) => {
    engine.start(operation, HOLE, operation === FILL ? HOLE : IOVA, 8);
    expect(engine.look()).toEqual([STALLED, 0, HOLE]);
    sendOnCmdq(a, resume(STREAM, stagOf(a), 'abort'));
    expect(engine.look()).toEqual([status, 0, HOLE]);
    expect(stalled()).toBe(0);
  });

  it('STALL_TERM ends it too, and so does a new operation or a reset of the engine once the guest has answered', () => {
    engine.start(FILL, 0, HOLE, 8);
    engine.look();
    sendOnCmdq(a, stallTerm(STREAM));
    expect(engine.look()).toEqual([WRITE_FAULT, 0, HOLE]);
    engine.start(FILL, 0, HOLE, 8);
    engine.look();
    engine.start(FILL, 0, IOVA, 8);
    expect(engine.look()).toEqual([DONE, 8, 0]);
    engine.start(FILL, 0, HOLE, 8);
    engine.look();
    engine.device.reset();
    expect(stalled()).toBe(2);
    sendOnCmdq(a, stallTerm(STREAM));
    expect(stalled()).toBe(0);
  });

  it('is repeated by an engine that was saved in the meantime and restored', () => {
    engine.start(FILL, 0, IOVA + 0x800, 0x1000);
    engine.look();
    const state = JSON.parse(JSON.stringify(engine.device.save())) as ReturnType<DmaEngine['save']>;
    engine.device.reset();
    engine.device.restore(state);
    table.map(HOLE, DATA_GPA + 0x1000, 0x1000, S1_READ_WRITE);
    expect(engine.look()).toEqual([DONE, 0x1000, 0]);
  });
});

describe('a guest', () => {
  it("does not answer another's transaction, whatever StreamID and STAG it sends", () => {
    const b = lendVm(host, 'b');
    engine.start(FILL, 0, HOLE, 8);
    engine.look();
    const stag = stagOf(a);
    const physical = a.viommu.streams.get(STREAM) ?? 0;
    for (const sid of [STREAM, physical])
      sendOnCmdq(b, resume(sid, stag, 'abort'), stallTerm(sid), sync());
    expect(engine.look()).toEqual([STALLED, 0, HOLE]);
    // Swapped, its own StreamID and STAG do.
    sendOnCmdq(a, resume(physical, stag, 'abort'));
    expect(engine.look()).toEqual([STALLED, 0, HOLE]);
    sendOnCmdq(a, resume(STREAM, stag, 'abort'));
    expect(engine.look()).toEqual([WRITE_FAULT, 0, HOLE]);
  });

  it('that switches its SMMU off ends its transactions with an abort', () => {
    engine.start(FILL, 0, HOLE, 8);
    engine.look();
    a.viommu.setGlobalBypass(false);
    expect(engine.look()).toEqual([WRITE_FAULT, 0, HOLE]);
  });

  it('leaves no stalled transaction when it is destroyed', () => {
    engine.start(FILL, 0, HOLE, 8);
    engine.look();
    expect(stalled()).toBe(1);
    host.destroyVm(a.vm);
    expect(stalled()).toBe(0);
  });
});

// SPDX-License-Identifier: MIT
// The trace: the records that the drain writes into its ring, and the resulting file.

import { describe, expect, it } from 'vitest';
import {
  HOST_AT_TRACE,
  HOST_AT_TRACE_MASK,
  HOST_AT_TRACE_NEXT,
  HOST_AT_TRACE_SALT,
} from '../../../assembly/layout/host-memory.ts';
import { TRACE_UNIT } from '../../../assembly/layout/trace-memory.ts';
import { sync, tlbiNhAsid, tlbiNsnhAll } from '../../../devices/tables/index.ts';
import { createHostModel } from '../../../vmm/api/host-model.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import {
  chromeTrace,
  type HotRecord,
  type Mark,
  Trace,
  type TraceRecord,
  TraceRing,
  withTimes,
} from '../../../vmm/trace/index.ts';
import { checkedHost } from '../../support/findings.ts';
import {
  ASID,
  attachStage1,
  DATA_GPA,
  IOVA,
  lendVm,
  STREAM,
  sendOnVcmdq,
  startVcmdq,
} from '../../support/lent-vm.ts';
import { summaryOf } from '../../support/summary-of.ts';

const UNITS = 2048;

async function traced(limit?: number) {
  const host = await checkedHost(VmHost, { traceUnits: UNITS });
  const lent = lendVm(host);
  startVcmdq(lent);
  const trace = new Trace(host.memory, limit);
  trace.nameQueue(0, lent.vintf.queue(0).index, 'vm0', 'LVCMDQ 0');
  return { host, lent, trace, own: () => trace.records.filter(({ process }) => process === 'vm0') };
}

describe('a trace', () => {
  it('has each command of a run with its operands, as the guest wrote them', async () => {
    const { lent, own } = await traced();
    sendOnVcmdq(lent, tlbiNhAsid(3, 5), sync());
    const [run, ...commands] = own();
    expect([run?.name, run?.details]).toEqual([
      'drain',
      { commands: 2, thread: lent.vm.unit.thread, refused: false },
    ]);
    expect(commands.map(({ name, details }) => [name, details])).toEqual([
      [
        'TLBI_NH_ASID',
        {
          SSec: '0x0',
          VMID: '0x3',
          ASID: '0x5',
          words: '0005000300000011 0000000000000000',
          refused: false,
        },
      ],
      [
        'CMD_SYNC',
        expect.objectContaining({ words: '000000000fc00046 0000000000000000', refused: false }),
      ],
    ]);
    for (const { at, ms = -1 } of commands) {
      expect(at).toBeGreaterThanOrEqual(run?.at ?? Number.POSITIVE_INFINITY);
      expect(ms).toBeGreaterThanOrEqual(0);
    }
  });

  it('marks the command that was not executed', async () => {
    const { lent, own } = await traced();
    sendOnVcmdq(lent, tlbiNhAsid(0, 1), tlbiNsnhAll(), sync());
    expect(own().map(({ name, details }) => [name, details.refused])).toEqual([
      ['drain', true],
      ['TLBI_NH_ASID', false],
      ['TLBI_NSNH_ALL', true],
    ]);
  });

  it('has the doorbells, by the thread that rang', async () => {
    const { lent, trace } = await traced();
    lent.vm.unit.drain.doorbell(lent.vintf.index, 0x84);
    expect(trace.records.at(-1)).toMatchObject({
      name: 'doorbell',
      track: `thread ${lent.vm.unit.thread}`,
      details: { vintf: lent.vintf.index, offset: 0x84 },
    });
  });

  it('keeps the first and the newest records when the ring wraps, and counts those missing in between', async () => {
    const { lent, trace, own } = await traced();
    const sent = 3 * UNITS;
    for (let i = 0; i < sent; i++) {
      sendOnVcmdq(lent, tlbiNhAsid(0, i));
      if (i === UNITS / 4) trace.add('vm0', 'vCPU 0', { name: 'exit wait' });
    }
    const asids = own().flatMap(({ details }) =>
      details.ASID === undefined ? [] : [Number(details.ASID)],
    );
    // A run of one command takes two units: a quarter of the ring's units at the
    // beginning, half of them at the end.
    const [first, newest] = [asids.slice(0, UNITS / 4), asids.slice(UNITS / 4)];
    expect(first).toEqual(first.map((_, i) => i));
    expect(newest).toHaveLength(UNITS / 2);
    expect(newest).toEqual(newest.map((_, i) => sent - newest.length + i));
    expect(trace.lost).toBe(2 * sent - UNITS / 2 - UNITS);
    expect(new Set(own().map(({ name }) => name))).toEqual(
      new Set(['drain', 'TLBI_NH_ASID', 'exit wait']),
    );
  });

  it('ignores a record whose sequence word lacks the salt, which is secret', async () => {
    const { host, lent, trace, own } = await traced();
    const words = new Uint32Array(host.memory.buffer);
    const head =
      ((words[HOST_AT_TRACE >> 2] ?? 0) + TRACE_UNIT * (words[HOST_AT_TRACE_NEXT >> 2] ?? 0)) >> 2;
    sendOnVcmdq(lent, sync());
    expect(own()).toHaveLength(2);
    const salt = words[HOST_AT_TRACE_SALT >> 2] ?? 0;
    words[head] = ((words[head] ?? 0) - salt) >>> 0;
    expect([own(), trace.lost]).toEqual([[], 2]);
    const other = new Uint32Array((await VmHost.create({ traceUnits: UNITS })).memory.buffer);
    expect(other[HOST_AT_TRACE_SALT >> 2]).not.toBe(salt);
  });

  it('continues when the ring index wraps, and has a record in one piece at the end of the ring', async () => {
    const { host, lent } = await traced();
    const words = new Uint32Array(host.memory.buffer);
    Atomics.store(words, HOST_AT_TRACE_NEXT >> 2, 0xfffffffe);
    const ring = new TraceRing(host.memory);
    sendOnVcmdq(lent, tlbiNhAsid(0, 1), tlbiNhAsid(0, 2), tlbiNhAsid(0, 3), tlbiNhAsid(0, 4));
    const { records, lost } = ring.read(performance.now());
    const [run] = records.filter((record) => record.kind === 'run');
    expect(run?.commands.map((command) => (command[1] ?? 0) >>> 16)).toEqual([1, 2, 3, 4]);
    expect(Atomics.load(words, HOST_AT_TRACE_NEXT >> 2)).toBeLessThan(16);
    expect(lost).toBe(0);
  });

  it('records whose a queue was when it ran', async () => {
    const { lent, trace } = await traced();
    sendOnVcmdq(lent, sync());
    trace.nameQueue(0, lent.vintf.queue(0).index, 'vm1', 'LVCMDQ 0');
    sendOnVcmdq(lent, sync());
    expect(
      trace.records.filter(({ name }) => name === 'drain').map(({ process }) => process),
    ).toEqual(['vm0', 'vm1']);
  });

  it('keeps no more than its limit, the first and the newest, and reports how many are missing', async () => {
    const { lent, trace } = await traced(10);
    for (let i = 0; i < 10; i++) sendOnVcmdq(lent, tlbiNhAsid(0, i));
    const asids = trace.records
      .map(({ details }) => details.ASID)
      .filter((asid) => asid !== undefined);
    // No part of the run whose command would be the first of the newest five.
    expect(asids).toEqual(['0x0', '0x1', '0x8', '0x9']);
    const { records, lost } = trace.read();
    expect([records.length, lost]).toEqual([10, 11]);
    const gap = records.findIndex(({ name }) => name === 'missing');
    const { at = 0, ms = 0, details } = records[gap] ?? {};
    expect([gap, at, details]).toEqual([5, records[4]?.at, { records: 11 }]);
    expect(at + ms).toBeCloseTo(records[6]?.at ?? 0, 9);
  });

  it("keeps the first and the newest of the machines' events", async () => {
    const { trace } = await traced(10);
    for (let i = 0; i < 45; i++) trace.add('vm0', 'vCPU 0', { name: `exit ${i}` });
    const exits = (...numbers: number[]) => numbers.map((i) => `exit ${i}`);
    expect(trace.records.map(({ name }) => name)).toEqual([
      ...exits(0, 1, 2, 3, 4),
      'missing',
      ...exits(40, 41, 42, 43, 44),
    ]);
    expect(trace.lost).toBe(35);
  });

  it('is off unless the host was made with one: no ring, nothing written', async () => {
    const host = await checkedHost(VmHost);
    const lent = lendVm(host);
    startVcmdq(lent);
    sendOnVcmdq(lent, sync());
    const words = new Uint32Array(host.memory.buffer);
    expect([words[HOST_AT_TRACE >> 2], words[HOST_AT_TRACE_NEXT >> 2]]).toEqual([0, 0]);
    expect(new TraceRing(host.memory).read(0)).toEqual({ records: [], lost: 0 });
  });
});

describe('the trace of a host', () => {
  it('has room for 100,000 commands between two reads, even if each has its own doorbell', async () => {
    const { model } = await createHostModel(
      { trace: true },
      { available: true },
      {
        onFinding: () => undefined,
        onSuspect: () => undefined,
      },
    );
    if (!(model instanceof VmHost)) throw new Error('another host');
    const lent = lendVm(model);
    startVcmdq(lent);
    const ring = new TraceRing(model.memory);
    for (let i = 0; i < 1000; i++) sendOnVcmdq(lent, tlbiNhAsid(0, 1));
    expect(ring.read(0).records.length).toBe(1000);
    const units = (new Uint32Array(model.memory.buffer)[HOST_AT_TRACE_MASK >> 2] ?? 0) + 1;
    expect(units).toBeGreaterThan(100 * ring.written);
  });
});

describe('a trace of translations', () => {
  async function translating() {
    const all = await traced();
    const { host, lent, trace } = all;
    trace.nameThread(lent.vm.unit.thread, 'vm0');
    attachStage1(lent);
    const port = host.dmaPort(lent.viommu, STREAM);
    return { ...all, port };
  }

  it('contains each walk with the address, its owner and its result, and the hits between two as one', async () => {
    const { port, own } = await translating();
    for (let i = 0; i < 3; i++) port.read(IOVA + 0x123, new Uint8Array(4));
    port.write(IOVA, Uint8Array.of(1));
    const [walk, hit, ...others] = own();
    expect(walk).toMatchObject({ name: 'walk', track: 'StreamID 0x100' });
    expect(walk?.details).toEqual({
      VMID: 1,
      ASID,
      iova: '0x100000123',
      access: 'read',
      pa: `0x1${(DATA_GPA + 0x123).toString(16)}`,
      size: 4096,
    });
    expect(hit).toMatchObject({
      name: 'hit',
      track: expect.stringMatching(/^IOTLB, thread \d+$/),
      details: { count: 3 },
    });
    expect(others).toEqual([]);
  });

  it('contains refused accesses, with the event, whether it is recorded or not', async () => {
    const { port, own } = await translating();
    expect(port.write(IOVA + 0x5000, Uint8Array.of(1)).ok).toBe(false);
    expect(own()).toMatchObject([
      {
        name: 'fault F_TRANSLATION',
        details: { VMID: 1, ASID, iova: '0x100005000', access: 'write', result: 'abort' },
      },
    ]);
  });

  it('contains stalled accesses', async () => {
    const { host, lent, trace, own } = await traced();
    trace.nameThread(lent.vm.unit.thread, 'vm0');
    attachStage1(lent, { stall: true });
    const port = host.dmaPort(lent.viommu, STREAM);
    for (let i = 0; i < 3; i++)
      expect(port.read(IOVA + 0x5000, new Uint8Array(1)).stalled).toBe(true);
    expect(own().map(({ name, details }) => [name, details.result])).toEqual([
      ['fault F_TRANSLATION', 'stalled'],
    ]);
  });

  it('contains accesses without a configuration, without VMID and ASID', async () => {
    const { host, lent, trace, own } = await traced();
    trace.nameThread(lent.vm.unit.thread, 'vm0');
    lent.viommu.attachStream(STREAM, new Uint32Array(16));
    host.dmaPort(lent.viommu, STREAM).read(IOVA, new Uint8Array(1));
    const [fault] = own();
    expect(fault?.name).toMatch(/^fault /);
    expect(fault?.details.VMID).toBeUndefined();
  });
});

describe('times in a trace', () => {
  /** Records of one thread: a time, or none; a length makes it a run of one command. */
  const record = (index: number, at: number | undefined, ms = 0): HotRecord => ({
    kind: 'run',
    index,
    at,
    ms,
    thread: 1,
    smmu: 0,
    queue: 0,
    commands: [new Uint32Array(4)],
    refused: false,
    doorbell: undefined,
  });
  const times = (records: readonly HotRecord[], marks: readonly Mark[]) =>
    withTimes(records, marks).map(({ at, estimated }) => [Number(at.toFixed(4)), estimated]);

  it('are those that were read', () => {
    expect(times([record(0, 1, 0.5), record(2, 3)], [{ index: 4, from: 9, to: 9 }])).toEqual([
      [1, false],
      [3, false],
    ]);
  });

  it('inside a burst are spread evenly between the two that were read', () => {
    expect(
      times(
        [record(0, 1), record(2, undefined), record(4, undefined), record(6, 1.003)],
        [{ index: 8, from: 9, to: 9 }],
      ),
    ).toEqual([
      [1, false],
      [1.001, true],
      [1.002, true],
      [1.003, false],
    ]);
  });

  it('of a burst are close to its start when a long pause follows', () => {
    expect(
      times(
        [record(0, 1), record(2, undefined), record(4, 500)],
        [{ index: 6, from: 600, to: 600 }],
      )[1],
    ).toEqual([1.002, true]);
  });

  it('do not pass a clock read between two records', () => {
    const marks = [
      { index: 2, from: 1.0005, to: 7 },
      { index: 6, from: 9, to: 9 },
    ];
    expect(times([record(0, 1), record(2, undefined), record(4, undefined)], marks)).toEqual([
      [1, false],
      [7.002, true],
      [7.004, true],
    ]);
  });

  it('of threads are distinguished', () => {
    const other = { ...record(2, undefined), thread: 2 };
    expect(times([record(0, 5), other, record(4, 6)], [{ index: 6, from: 9, to: 9 }])[1]).toEqual([
      0.002,
      true,
    ]);
  });

  it('of the drain are read for each record until records follow closely, and again after every exit', async () => {
    const { lent, trace } = await traced();
    const { drain } = lent.vm.unit;
    const before = performance.now();
    // Nothing to do: doorbells at the highest possible rate.
    for (let i = 0; i < 200; i++) drain.doorbell(lent.vintf.index, 0);
    trace.add('vm0', 'vCPU 0', { name: 'exit wait' });
    drain.doorbell(lent.vintf.index, 0);
    const after = performance.now();
    const doorbells = trace.records.filter(({ name }) => name === 'doorbell');
    expect(doorbells).toHaveLength(201);
    expect(doorbells[0]?.details.estimated).toBeUndefined();
    expect(doorbells.filter(({ details }) => details.estimated).length).toBeGreaterThan(100);
    expect(doorbells.at(-1)?.details.estimated).toBeUndefined();
    const exit = trace.records.find(({ name }) => name === 'exit wait')?.at ?? 0;
    const ats = doorbells.map(({ at }) => at);
    expect(ats).toEqual(ats.toSorted((a, b) => a - b));
    expect(ats[0]).toBeGreaterThanOrEqual(before);
    expect(ats.at(-2)).toBeLessThanOrEqual(exit);
    expect(ats.at(-1)).toBeGreaterThanOrEqual(exit);
    expect(ats.at(-1)).toBeLessThanOrEqual(after);
  });
});

describe('the Chrome format', () => {
  const records = [
    {
      process: 'vm0',
      track: 'vCPU 0',
      name: 'exit mmio',
      at: 1,
      details: { register: 'smmuv3.CR0' },
    },
    { process: 'vm0', track: 'LVCMDQ 0', name: 'drain', at: 2, ms: 0.5, details: {} },
    { process: 'vm1', track: 'vCPU 0', name: 'exit wait', at: 3, details: {} },
  ];

  const later = (all: readonly TraceRecord[]) => all.map((one) => ({ ...one, at: one.at + 10 }));

  const named = (kind: string, pid: number, tid: number, name: string, order: number) => [
    { name: `${kind}_name`, ph: 'M', pid, tid, args: { name } },
    { name: `${kind}_sort_index`, ph: 'M', pid, tid, args: { name, sort_index: order } },
  ];

  it('has a process for each machine, a thread for each track, microseconds, and instants without a length', () => {
    expect(chromeTrace(records, 7)).toEqual({
      traceEvents: [
        ...named('process', 1, 0, 'vm0', 1),
        ...named('thread', 1, 1, 'vCPU 0', 1),
        ...named('thread', 1, 2, 'LVCMDQ 0', 2),
        ...named('process', 2, 0, 'vm1', 2),
        ...named('thread', 2, 3, 'vCPU 0', 3),
        {
          name: 'exit mmio',
          pid: 1,
          tid: 1,
          ts: 1000,
          args: { register: 'smmuv3.CR0' },
          ph: 'i',
          s: 't',
        },
        { name: 'drain', pid: 1, tid: 2, ts: 2000, args: {}, ph: 'X', dur: 500 },
        { name: 'exit wait', pid: 2, tid: 3, ts: 3000, args: {}, ph: 'i', s: 't' },
      ],
      displayTimeUnit: 'ns',
      otherData: { producer: 'vsmmu', formatVersion: 1, lost: 7 },
    });
  });

  it('can be summed up by track and name', () => {
    const summary = summaryOf(chromeTrace([...records, ...later(records)], 7));
    expect(summary).toMatchObject({ events: 6, lost: 7, ms: 12 });
    expect(summary.tracks.map(({ process, track, names }) => [process, track, names])).toEqual([
      ['vm0', 'vCPU 0', [{ name: 'exit mmio', count: 2, ms: 0 }]],
      ['vm0', 'LVCMDQ 0', [{ name: 'drain', count: 2, ms: 1 }]],
      ['vm1', 'vCPU 0', [{ name: 'exit wait', count: 2, ms: 0 }]],
    ]);
  });

  it('counts in its summary all hits that one record represents', () => {
    const hits = [5, 7].map((count, i) => ({
      process: 'vm0',
      track: 'IOTLB',
      name: 'hit',
      at: 1 + 10 * i,
      ms: 2,
      details: { count },
    }));
    expect(summaryOf(chromeTrace(hits)).tracks[0]?.names).toEqual([
      { name: 'hit', count: 12, ms: 4 },
    ]);
  });
});

// The trace: what the drain writes into its ring, and what becomes of it.

import { describe, expect, it } from 'vitest';
import { HOST_AT_TRACE, HOST_AT_TRACE_NEXT } from '../../../assembly/layout/host-memory.ts';
import { sync, tlbiNhAsid, tlbiNsnhAll } from '../../../devices/tables/index.ts';
import { Host } from '../../../vmm/host/index.ts';
import { checkTrace, chromeTrace, summarise, Trace, TraceRing } from '../../../vmm/trace/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { lendVm, sendOnVcmdq, startVcmdq } from '../../support/lent-vm.ts';

const UNITS = 2048;

async function traced(limit?: number) {
  const host = await checkedHost(Host, { traceUnits: UNITS });
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
    expect([run?.name, run?.details]).toEqual(['drain', { commands: 2, thread: lent.vm.unit.thread, refused: false }]);
    expect(commands.map(({ name, details }) => [name, details])).toEqual([
      ['TLBI_NH_ASID', { SSec: '0x0', VMID: '0x3', ASID: '0x5', words: '0005000300000011 0000000000000000', refused: false }],
      ['CMD_SYNC', expect.objectContaining({ words: '000000000fc00046 0000000000000000', refused: false })],
    ]);
    for (const { at, ms = -1 } of commands) {
      expect(at).toBeGreaterThanOrEqual(run?.at ?? Number.POSITIVE_INFINITY);
      expect(ms).toBeGreaterThanOrEqual(0);
    }
  });

  it('marks the command that was not carried out', async () => {
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

  it('counts what the ring has lost when nobody has read it for too long, and goes on', async () => {
    const { lent, trace, own } = await traced();
    for (let i = 0; i < UNITS; i++) sendOnVcmdq(lent, tlbiNhAsid(0, i));
    expect(trace.records.length).toBeGreaterThan(UNITS / 4);
    expect(trace.lost).toBeGreaterThan(0);
    const before = own().length;
    sendOnVcmdq(lent, tlbiNhAsid(0, 0x1234));
    expect(own()).toHaveLength(before + 2);
    expect(own().at(-1)?.details.ASID).toBe('0x1234');
  });

  it('goes on where the index of the ring wraps', async () => {
    const { host, lent } = await traced();
    const words = new Uint32Array(host.memory.buffer);
    Atomics.store(words, HOST_AT_TRACE_NEXT >> 2, 0xfffffffe);
    const ring = new TraceRing(host.memory);
    sendOnVcmdq(lent, tlbiNhAsid(0, 1), tlbiNhAsid(0, 2), tlbiNhAsid(0, 3), tlbiNhAsid(0, 4));
    const [run] = [...ring.take()].filter((record) => record.kind === 'run');
    expect(run?.commands.map((command) => (command[1] ?? 0) >>> 16)).toEqual([1, 2, 3, 4]);
    expect(Atomics.load(words, HOST_AT_TRACE_NEXT >> 2)).toBeLessThan(16);
  });

  it('keeps no more than its limit and says how many are missing', async () => {
    const { lent, trace } = await traced(10);
    for (let i = 0; i < 10; i++) sendOnVcmdq(lent, tlbiNhAsid(0, i));
    expect(trace.records.length).toBeLessThanOrEqual(10);
    expect(trace.lost).toBeGreaterThan(9);
  });

  it('is off unless the host was made with one: no ring, nothing written', async () => {
    const host = await checkedHost(Host);
    const lent = lendVm(host);
    startVcmdq(lent);
    sendOnVcmdq(lent, sync());
    const words = new Uint32Array(host.memory.buffer);
    expect([words[HOST_AT_TRACE >> 2], words[HOST_AT_TRACE_NEXT >> 2]]).toEqual([0, 0]);
    expect([...new TraceRing(host.memory).take()]).toEqual([]);
  });
});

describe('the Chrome format', () => {
  const records = [
    { process: 'vm0', track: 'vCPU 0', name: 'exit mmio', at: 1, details: { register: 'smmuv3.CR0' } },
    { process: 'vm0', track: 'LVCMDQ 0', name: 'drain', at: 2, ms: 0.5, details: {} },
    { process: 'vm1', track: 'vCPU 0', name: 'exit wait', at: 3, details: {} },
  ];

  it('has a process for each machine, a thread for each track, microseconds, and instants without a length', () => {
    expect(chromeTrace(records, 7)).toEqual({
      traceEvents: [
        { name: 'process_name', ph: 'M', pid: 1, tid: 0, args: { name: 'vm0' } },
        { name: 'thread_name', ph: 'M', pid: 1, tid: 1, args: { name: 'vCPU 0' } },
        { name: 'thread_name', ph: 'M', pid: 1, tid: 2, args: { name: 'LVCMDQ 0' } },
        { name: 'process_name', ph: 'M', pid: 2, tid: 0, args: { name: 'vm1' } },
        { name: 'thread_name', ph: 'M', pid: 2, tid: 3, args: { name: 'vCPU 0' } },
        { name: 'exit mmio', pid: 1, tid: 1, ts: 1000, args: { register: 'smmuv3.CR0' }, ph: 'i', s: 't' },
        { name: 'drain', pid: 1, tid: 2, ts: 2000, args: {}, ph: 'X', dur: 500 },
        { name: 'exit wait', pid: 2, tid: 3, ts: 3000, args: {}, ph: 'i', s: 't' },
      ],
      displayTimeUnit: 'ns',
      otherData: { producer: 'vsmmu', lost: 7 },
    });
  });

  it('can be summed up by track and name', () => {
    const summary = summarise(checkTrace(JSON.parse(JSON.stringify(chromeTrace([...records, ...records], 7)))));
    expect(summary).toMatchObject({ events: 6, lost: 7, ms: 2 });
    expect(summary.tracks.map(({ process, track, names }) => [process, track, names])).toEqual([
      ['vm0', 'vCPU 0', [{ name: 'exit mmio', count: 2, ms: 0 }]],
      ['vm0', 'LVCMDQ 0', [{ name: 'drain', count: 2, ms: 1 }]],
      ['vm1', 'vCPU 0', [{ name: 'exit wait', count: 2, ms: 0 }]],
    ]);
  });

  it.each([
    [null, 'it has no traceEvents'],
    [{ traceEvents: 1 }, 'it has no traceEvents'],
    [{ traceEvents: [] }, 'it was not written by vsmmu'],
    [{ traceEvents: [{}], otherData: { producer: 'vsmmu' } }, 'an event lacks its name, phase, process or thread'],
  ])('of something else is refused: %j', (value, message) => {
    expect(() => checkTrace(value)).toThrow(message);
  });
});

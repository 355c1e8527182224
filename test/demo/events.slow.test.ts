// SPDX-License-Identifier: MIT
// The demo's events: what the frames show, and that machines behave the same whether or
// not they are recorded.

import { beforeAll, describe, expect, it } from 'vitest';
import type { Frame, Picture, QueuePicture } from '../../demo/protocol.ts';
import { THOROUGH } from '../support/thorough.ts';
import { runSession, type SessionRun } from './recorded-session.ts';

const queueOf = ({ picture, vm, mark }: Frame): QueuePicture => {
  const found = picture.vms
    .find(({ name }) => name === vm)
    ?.queues.find(({ name }) => name === mark.queue);
  if (!found) throw new Error(`there is no ${vm} ${mark.queue}`);
  return found;
};
const entryOf = (frame: Frame) =>
  queueOf(frame).entries.find(({ slot }) => slot === frame.mark.slot);

/** Times of the guest's table of measurements. */
const TIMES = /^( +(?:x\d )?(?:direct|trapped) +\d+) +\d+ +\d+/gm;

/** Measurements differ from run to run. */
function lasting({ vms, tlb, pages, checks, suspects, state }: Picture) {
  return { vms, tlb, pages, checks, suspects: suspects.map(({ text }) => text), state };
}

/**
 * Steps of a live guest before those that last for a time rather than for an amount of
 * work.
 */
const LIVE = 14;

/** In thorough runs. */
const FURTHER: readonly (readonly [query: string, steps: number])[] = [
  ['experiment=ring-corruption', 30],
  ['experiment=hyp-own', 30],
  ['experiment=stale-dma', 30],
  ['experiment=foreign-ids', 30],
  ['experiment=btm', 30],
  ['experiment=btm-vmids', 30],
  ['experiment=forget-cfgi-cd', 30],
  ['vms=1&path=trapped', LIVE],
  ['vms=1&path=direct', LIVE],
  ['vms=1&vcpus=2', LIVE],
];

describe('machines whose events are recorded', () => {
  it.each<readonly [query: string, steps: number]>([
    ['experiment=illegal-command', 30],
    ['vms=1&path=overlay', LIVE],
    ...(THOROUGH ? FURTHER : []),
  ])('do what they do without: %s', { timeout: 120_000 }, async (query, steps) => {
    const plain = await runSession(query, steps);
    const recorded = await runSession(`${query}&events=yes`, steps);
    expect(plain.frames).toEqual([]);
    expect(recorded.frames.length).toBeGreaterThan(100);
    expect(recorded.session.recording?.recorded.stopped).toBe('');
    const untimed = (text: string) => text.replace(TIMES, '$1');
    expect(recorded.consoles.map(untimed)).toEqual(plain.consoles.map(untimed));
    expect(lasting(recorded.picture)).toEqual(lasting(plain.picture));
    expect(recorded.session.rawQueues()).toEqual(plain.session.rawQueues());
    expect(recorded.session.rawQueues().every(({ cons }) => cons >= 0)).toBe(true);
  });
});

describe('frames', () => {
  let stale: SessionRun;
  beforeAll(async () => {
    stale = await runSession('experiment=stale-dma&vms=1&events=yes', 30);
  });

  it('have what the guest has written to its console by then, in the exits that wrote it', () => {
    const { frames, consoles } = stale;
    const written = frames.map(({ picture }) => picture.vms[0]?.written ?? 0);
    expect(written.at(-1)).toBe(consoles[0]?.length);
    for (const [i, frame] of frames.entries()) {
      const before = written[i - 1] ?? 0;
      expect(written[i]).toBeGreaterThanOrEqual(before);
      if (written[i] !== before) expect([frame.text, frame.kind]).toEqual([frame.text, 'exit']);
    }
    // The guest's report of a check is in the next event.
    const checked = frames.findIndex(({ text }) => text.includes('has checked'));
    expect(consoles[0]?.slice(0, written[checked + 1])).toContain('machine 0');
    expect(new Set(written).size).toBeGreaterThan(5);
  });

  it('include everything between a store to a page table and a fault', () => {
    const kinds = stale.frames.map(({ kind }) => kind);
    for (const kind of [
      'entry',
      'prod',
      'doorbell',
      'exit',
      'fetch',
      'replace',
      'cons',
      'dma-walk',
      'tlb-in',
      'dma-hit',
      'suspect',
      'tlb-out',
      'dma-fault',
      'record',
      'interrupt',
      'check',
    ] as const)
      expect(kinds).toContain(kind);
    // The interrupt is for the record, and follows it.
    expect(kinds.indexOf('interrupt')).toBeGreaterThan(kinds.indexOf('record'));
    const interrupt = stale.frames.find(({ kind }) => kind === 'interrupt');
    expect(interrupt?.text).toBe('smmuv3 raises interrupt line 0 of vm0.');
    const dies = stale.frames.find(({ kind }) => kind === 'tlb-out');
    expect(dies?.text).toContain('TLBI_NH_VA');
  });

  it('show entries that are written, pending, next and consumed', () => {
    const { frames } = stale;
    const states = new Set(
      frames.flatMap(({ picture }) =>
        picture.vms.flatMap(({ queues }) =>
          queues.flatMap(({ entries }) => entries.map(({ state }) => state)),
        ),
      ),
    );
    expect([...states].sort()).toEqual(['done', 'empty', 'next', 'pending', 'written']);
  });

  it('follow a command from its entry to CONS, one thing at a time', () => {
    const { frames } = stale;
    const dies = frames.findIndex(({ kind }) => kind === 'tlb-out');
    const kinds = frames.slice(dies - 6, dies + 3).map(({ kind }) => kind);
    expect(kinds).toEqual([
      'entry',
      'entry',
      'prod',
      'doorbell',
      'fetch',
      'replace',
      'tlb-out',
      'cons',
      'fetch',
    ]);
    const [entry, , prod, doorbell, fetch, replace, out, cons] = frames.slice(dies - 6);
    if (!entry || !prod || !doorbell || !fetch || !replace || !out || !cons)
      throw new Error('there are too few frames');
    expect(entryOf(entry)?.state).toBe('written');
    expect(queueOf(entry)).toMatchObject({ prod: 2, cons: 2 });
    expect(queueOf(prod)).toMatchObject({ prod: 4, cons: 2 });
    expect(queueOf(fetch)).toMatchObject({ prod: 4, cons: 2 });
    expect(entryOf(fetch)?.state).toBe('next');
    expect(fetch.text).toContain('TLBI_NH_VA (0x100000000, ASID 1)');
    expect(replace.text).toBe('VMID 0 in the command is replaced: 1, that of vm0.');
    const live = ({ picture }: Frame) => picture.tlb.reduce((sum, { count }) => sum + count, 0);
    expect(live(out)).toBe(live(replace) - 1);
    expect(out.text).toContain('0x100000000');
    expect(out.text).toContain('Why: TLBI_NH_VA of vm0 on VCMDQ 0');
    expect(queueOf({ ...out, mark: replace.mark })).toMatchObject({ prod: 4, cons: 2 });
    expect(queueOf(cons)).toMatchObject({ prod: 4, cons: 3 });
    // No exit on the direct path: the guest's count is unchanged.
    const exits = ({ picture }: Frame) => picture.vms[0]?.exits.total;
    expect(exits(cons)).toBe(exits(entry));
  });

  it('show a trapped store of PROD as an exit after the entries', () => {
    const { frames } = stale;
    const exit = frames.findIndex(
      ({ text }) => text.includes('to smmuv3.CMDQ_PROD') && text.includes('0xe'),
    );
    const [entry, second, store, prod, fetch] = frames.slice(exit - 2);
    expect([entry, second, store, prod, fetch].map((frame) => frame?.kind)).toEqual([
      'entry',
      'entry',
      'exit',
      'prod',
      'fetch',
    ]);
    if (!entry || !second || !store || !prod || !fetch) throw new Error('there are too few frames');
    expect(queueOf(entry)).toMatchObject({ prod: 12, cons: 12 });
    expect(queueOf({ ...store, mark: entry.mark })).toEqual(queueOf(second));
    expect(queueOf(prod)).toMatchObject({ prod: 14, cons: 12 });
    expect(entryOf(fetch)?.state).toBe('next');
  });

  it('have as many exits as the events say, and no entry that is written twice', () => {
    const { frames } = stale;
    const countIn = (text: string) =>
      Number(/^(\d+) exits|, (\d+) times\.$/.exec(text)?.slice(1).find(Boolean) ?? 1);
    let exits = 0;
    for (const { kind, text, picture } of frames) {
      if (kind === 'exit') exits += countIn(text);
      expect([text, picture.vms[0]?.exits.total]).toEqual([text, exits]);
    }
    const rows = frames.map(({ picture }) => picture.vms[0]?.exits);
    for (const exits of rows)
      expect(exits?.rows.reduce((sum, { count }) => sum + count, 0)).toBe(exits?.total);
    // Only what the guest has reset is blank again.
    const written = new Set<string>();
    for (const { text, picture } of frames)
      for (const { name, enabled, entries } of picture.vms[0]?.queues ?? []) {
        const key = (slot: number) => `${name} ${slot}`;
        if (enabled)
          for (const { slot, state } of entries) {
            if (state !== 'empty') written.add(key(slot));
            else expect([text, written.has(key(slot))]).toEqual([text, false]);
          }
      }
    expect(written.size).toBeGreaterThan(10);
  });

  it('of Skip the TLBI: stale hit, pending TLBI and fault are three pictures', () => {
    const { frames } = stale;
    const hit = frames.findIndex(({ kind }) => kind === 'suspect');
    const pending = frames.findIndex(
      (frame, i) => i > hit && frame.kind === 'prod' && frame.mark.queue !== undefined,
    );
    const fault = frames.findIndex(({ kind }) => kind === 'dma-fault');
    const record = frames.findIndex(({ kind }) => kind === 'record');
    expect(hit).toBeGreaterThan(0);
    expect(frames[hit - 1]?.kind).toBe('dma-hit');
    expect(
      [hit, pending, fault, record].every((at, i, all) => i === 0 || at > (all[i - 1] ?? 0)),
    ).toBe(true);
    const live = (at: number) => frames[at]?.picture.tlb.reduce((sum, { count }) => sum + count, 0);
    expect([live(hit), live(pending), live(fault)]).toEqual([6, 6, 5]);
    const waiting = frames[pending];
    if (!waiting) throw new Error('there is no TLBI');
    expect(queueOf(waiting).entries.find(({ state }) => state === 'next')?.name).toBe('TLBI_NH_VA');
    const records = (at: number) => frames[at]?.picture.vms[0]?.eventCount;
    expect([records(hit), records(pending), records(record)]).toEqual([0, 0, 1]);
    expect(frames[record]?.text).toContain('F_TRANSLATION');
  });

  it('of Illegal command: CERROR_ILL with GERROR unlike GERRORN, until the driver acknowledges', async () => {
    const { frames } = await runSession('experiment=illegal-command&vms=1&events=yes', 30);
    const held = frames.findIndex(({ kind }) => kind === 'error');
    const published = frames.findIndex(({ kind }, i) => kind === 'error' && i > held);
    const acknowledged = frames.findIndex(({ kind }) => kind === 'acknowledge');
    const [refused, error, done] = [held, published, acknowledged].map((at) => frames[at]);
    if (!refused || !error || !done) throw new Error('there are too few frames');
    expect(refused.text).toContain('CFGI_ALL is refused');
    expect(queueOf(refused)).toMatchObject({ error: 0, gerror: 0, gerrorn: 0, cons: 2 });
    expect(queueOf(error)).toMatchObject({ error: 1, gerror: 1, gerrorn: 0, cons: 2, status: 1 });
    expect(error.text).toContain('CERROR_ILL');
    expect(queueOf(done)).toMatchObject({ gerror: 1, gerrorn: 1 });
    expect(frames[acknowledged + 1]?.text).toBe('vm0 rewrites entry 2 of VCMDQ 0: CMD_SYNC.');
  });

  it('of the overlay path: other commands than invalidations wait for the host, which is named as the reason', async () => {
    const { frames } = await runSession('vms=1&path=overlay&events=yes', 7);
    const at = frames.findIndex(
      ({ kind }, i) => kind === 'host' && frames[i - 1]?.text.includes('12 \u2192 13'),
    );
    const [host, exit, out, cons] = frames.slice(at);
    if (!host || !exit || !out || !cons) throw new Error('there are too few frames');
    expect(host.text).toBe('CFGI_STE is no invalidation: CMDQ waits at entry 13 for the host.');
    expect(queueOf(host)).toMatchObject({ prod: 17, cons: 13 });
    expect([exit.kind, out.kind, cons.kind]).toEqual(['exit', 'tlb-out', 'cons']);
    const commands = 'CFGI_STE, TLBI_NH_VA, TLBI_NH_ASID, CMD_SYNC';
    expect(out.text).toContain(`Why: ${commands} on CMDQ of vm0.`);
    expect(cons.text).toBe(`CONS of CMDQ is published: 13 \u2192 17, past ${commands}.`);
  });

  it('share what they have in common, and stay within their bound', async () => {
    const { frames, session } = await runSession('vms=2&experiment=foreign-ids&events=yes', 8);
    const { first, last } = session.recording?.recorded ?? { first: 0, last: -1 };
    expect(last - first).toBeLessThan(4096);
    const [one, two] = frames.slice(-2);
    expect(one?.picture.vms[0]?.streams).toBe(two?.picture.vms[0]?.streams);
    expect(session.recording?.frame(first - 1)).toBeUndefined();
    expect(session.recording?.frame(last + 1)).toBeUndefined();
    expect(session.recording?.frame(Number.NaN)).toBeUndefined();
  });
});

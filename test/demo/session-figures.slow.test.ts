// SPDX-License-Identifier: MIT
// Figures of a session's snapshots, compared with those of the machines.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSettings, type Settings } from '../../demo/demo-settings.ts';
import { stepText } from '../../demo/page/step-text.ts';
import type { Picture } from '../../demo/protocol.ts';
import { Session } from '../../demo/vmm/session.ts';

// Functions of a worker in a page.
beforeEach(() => {
  vi.stubGlobal('reportError', (error: unknown) => expect.unreachable(String(error)));
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const SINK = { output: () => Promise.resolve(), picture: () => Promise.resolve() };

function boot(query: string): Promise<Session> {
  const settings: Settings = {
    ...readSettings(new URLSearchParams(query)),
    transport: 'inline',
    drain: 'doorbell',
  };
  return Session.boot(settings, undefined, SINK);
}

async function stepUntil(session: Session, holds: (picture: Picture) => boolean): Promise<Picture> {
  for (let step = 0; step < 200; step++) {
    const picture = await session.step();
    if (holds(picture)) return picture;
  }
  return expect.unreachable('200 steps have not led there');
}

describe('a session', { timeout: 60_000 }, () => {
  it('makes all vCPUs send batches, each to its own VCMDQ', async () => {
    const session = await boot('vms=1&vcpus=4&path=direct');
    const first = await stepUntil(session, ({ traces }) => traces.length > 0);
    const later = await stepUntil(session, ({ steps }) => steps > first.steps + 8);
    const commands = ({ vms }: Picture) =>
      vms[0]?.queues.filter(({ path }) => path === 'direct').map((queue) => queue.commands) ?? [];
    const before = commands(first);
    const grown = commands(later).map((count, i) => count - (before[i] ?? 0));
    expect(grown).toHaveLength(4);
    for (const count of grown) expect(count).toBeGreaterThan(50);
    const { exits } = later.vms[0] ?? expect.unreachable();
    expect(exits.duringDirect).toBe(0);
    // All of them read the clock, for the page's figures alone.
    expect(exits.measuring).toBeGreaterThan(10);
    expect(exits.rows.find(({ name }) => name === 'clock')?.count).toBe(0);
  });

  it('counts the exits of trapped lines, which the guest does not mark', async () => {
    const lines = encodeURIComponent('map 0x1000 page 0\nunmap 0x1000\ntlbi va 0x1000\nsync');
    const exitsOf = async (path: string) => {
      const session = await boot(`vms=1&path=${path}&lines=${lines}`);
      const { vms } = await stepUntil(session, ({ state }) => state === 'ended');
      return vms[0]?.exits.duringCmdq ?? Number.NaN;
    };
    const [direct, trapped] = [await exitsOf('direct'), await exitsOf('trapped')];
    // One for the TLBI, two for the CMD_SYNC; the bring-up is the same.
    expect(trapped - direct).toBeGreaterThanOrEqual(3);
  });

  it('names the machine whose IOTLB entries a step has removed', async () => {
    const session = await boot('experiment=btm-vmids');
    const { changes } = await stepUntil(session, (one) => one.state === 'ended');
    expect(changes.flatMap(stepText)).toContainEqual(
      expect.stringMatching(/^IOTLB of vm1: \d+ pages out$/),
    );
  });

  it('counts the commands that the host carries out among those that a queue took', async () => {
    const session = await boot('vms=1&experiment=hyp-own');
    const { changes } = await stepUntil(session, (one) => one.state === 'ended');
    expect(changes.flatMap(stepText)).toContain(
      'CMDQ took 4 commands (CFGI_STE, CMD_SYNC, CFGI_STE, CMD_SYNC)',
    );
  });

  it('counts the exits of trapped invalidations, and separately the page\u2019s reads of the clock', async () => {
    const session = await boot('vms=1');
    const picture = await stepUntil(session, ({ traces }) => traces.length === 3);
    const [own, overlay] = picture.vms;
    const trapped = picture.traces.find(({ path }) => path === 'trapped');
    expect(own?.exits.duringDirect).toBe(0);
    expect(own?.exits.duringCmdq).toBeGreaterThanOrEqual(trapped?.exits ?? Infinity);
    expect(trapped?.exits).toBeGreaterThanOrEqual(2 * (trapped?.batches ?? Infinity));
    expect(overlay?.exits.duringCmdq).toBe(0);
    for (const { exits } of picture.vms) {
      const rows = exits.rows.reduce((sum, { count }) => sum + count, 0);
      expect(rows + exits.measuring).toBe(exits.total);
      expect(exits.measuring).toBeGreaterThan(2);
      // The toy reads the clock for nothing else.
      expect(exits.rows.find(({ name }) => name === 'clock')?.count).toBe(0);
    }
  });

  it('has laps that follow the commands, and entries of earlier laps', async () => {
    const session = await boot('vms=1&path=direct');
    const picture = await stepUntil(session, ({ traces }) => (traces[0]?.samples ?? 0) > 2);
    const [queue] = picture.vms[0]?.queues ?? [];
    if (!queue) return expect.unreachable();
    const { size, commands, consLap, cons, entries } = queue;
    expect(commands).toBeGreaterThan(4 * size);
    expect(consLap).toBe(Math.floor(commands / size) + 1);
    expect(cons % size).toBe(commands % size);
    expect(entries.map(({ at }) => at).filter((at) => at !== '')).toEqual(['both']);
    expect(entries.every(({ state }) => state === 'done' || state === 'earlier')).toBe(true);
  });

  it('lists each page of the IOTLB with its address, tags and size', async () => {
    const session = await boot('vms=2&experiment=stale-dma');
    const picture = await stepUntil(session, ({ pages }) => pages.length > 0);
    expect(picture.pages).toHaveLength(picture.tlb.reduce((sum, { count }) => sum + count, 0));
    const [page] = picture.pages;
    expect(page).toMatchObject({ vm: 'vm0', asid: '1', size: 4096 });
    expect(page?.iova).toBe('0x100000000');
    expect(page?.pa).toMatch(/^0x[0-9a-f]+$/);
    const writable = (iova: string) => picture.pages.find((one) => one.iova === iova)?.writable;
    expect([writable('0x100000000'), writable('0x140000000')]).toEqual([false, true]);
    expect(page?.vmid).toBe(picture.vms[0]?.vmid);
  });

  it.each([
    ['stale-dma', 'cleared'],
    ['forget-tlbi', 'found'],
  ])('in %s, the sanitizer\u2019s suspects are %s in the end', async (experiment, state) => {
    const session = await boot(`vms=1&experiment=${experiment}`);
    const picture = await stepUntil(session, (one) => one.state === 'ended');
    expect(picture.suspects.map((one) => one.state)).toEqual([state]);
  });
});

// SPDX-License-Identifier: MIT
// The tour: at each stop, the machines are paused before the step that it describes, and
// show it after that step.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { leavingTour, readSettings, writeSettings } from '../../demo/demo-settings.ts';
import type { Picture } from '../../demo/protocol.ts';
import { TOUR } from '../../demo/tour.ts';
import { Session } from '../../demo/vmm/session.ts';

// Functions of a worker in a page.
beforeEach(() => {
  vi.stubGlobal('reportError', (error: unknown) => expect.unreachable(String(error)));
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const SINK = { output: () => Promise.resolve(), picture: () => Promise.resolve() };
const ok = ({ checks }: Picture, wanted: string) =>
  checks.filter(({ name }) => name === wanted).map((check) => check.ok);

/** What each stop shows: absent before its step, present after it. */
const SHOWS: readonly ((picture: Picture) => boolean)[] = [
  ({ pages }) => pages.length > 1,
  (picture) => ok(picture, 'stale-entry-used')[0] === true && picture.vms[0]?.eventCount === 1,
  ({ traces }) =>
    traces.some(({ path, exits, batches }) => path === 'trapped' && exits >= 2 * batches),
  ({ traces }) => traces.some(({ path, exits }) => path === 'direct' && exits === 0),
  (picture) => ok(picture, 'attack-vmid-fields').length > 0,
  ({ suspects }) => suspects.length === 1 && suspects[0]?.state === 'found',
];

describe('the tour', { timeout: 60_000 }, () => {
  it.each(TOUR.map(({ title }, i) => [i + 1, title] as const))(
    'stop %i, %s, is before the step that shows it',
    async (number) => {
      const settings = readSettings(new URLSearchParams(`tour=${number}`));
      expect(settings.run).toBe(false);
      expect(writeSettings(settings)).toBe(`?tour=${number}`);
      const session = await Session.boot({ ...settings, transport: 'inline' }, undefined, SINK);
      const { steps = 0, shown = 0 } = TOUR[number - 1] ?? {};
      const before = await session.advance(steps);
      expect(before.state).toBe('paused');
      expect(SHOWS[number - 1]?.(before)).toBe(false);
      const after = await session.advance(shown);
      expect(SHOWS[number - 1]?.(after)).toBe(true);
      expect(after.checks.filter((check) => !check.ok)).toEqual([]);
    },
  );

  it('is left by a setting that its stop has chosen, and not by where the guests run', () => {
    const settings = readSettings(new URLSearchParams('tour=3&transport=inline'));
    expect(settings).toMatchObject({ tour: 3, path: 'trapped', transport: 'inline' });
    expect(leavingTour(settings, { drain: 'thread' })).toEqual({ drain: 'thread' });
    expect(leavingTour(settings, { vms: 2 })).toEqual({ run: true, vms: 2, tour: 0 });
    expect(leavingTour(settings, { tour: 4 })).toEqual({ tour: 4 });
    expect(writeSettings({ ...settings, speed: 'slow' })).toBe(
      '?transport=inline&speed=slow&tour=3',
    );
  });

  it('has no stop but those there are', () => {
    for (const wrong of ['0', '7', '-1', '1.5', 'x', ''])
      expect(readSettings(new URLSearchParams(`tour=${wrong}`)).tour).toBe(0);
  });
});

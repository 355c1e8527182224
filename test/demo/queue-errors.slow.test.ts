// SPDX-License-Identifier: MIT
// The handling of bad commands, as a setting of the page.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSettings, type Settings, writeSettings } from '../../demo/demo-settings.ts';
import type { Picture, Sink } from '../../demo/protocol.ts';
import { Session } from '../../demo/vmm/session.ts';

const settingsOf = (query: string) => readSettings(new URLSearchParams(query));

// Functions of a worker in a page.
beforeEach(() => {
  vi.stubGlobal('reportError', (error: unknown) => expect.unreachable(String(error)));
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('the setting for bad commands', () => {
  it('is in the URL, and one of those that there are', () => {
    for (const queueError of ['skip', 'emulate', 'stop'] as const) {
      const settings = settingsOf(`queueError=${queueError}`);
      expect(settings.queueError).toBe(queueError);
      expect(writeSettings(settings)).toBe(`?queueError=${queueError}`);
    }
    expect(settingsOf('queueError=ignore').queueError).toBe('report');
    expect(writeSettings(settingsOf(''))).toBe('');
  });

  it('is report in experiments, whose guests wait for errors', () => {
    const settings = settingsOf('queueError=skip&experiment=illegal-command');
    expect(settings.queueError).toBe('report');
    expect(writeSettings(settings)).not.toContain('queueError');
  });

  it.each<[Settings['queueError'], boolean]>([
    ['report', true],
    ['skip', false],
  ])('%s: a guest sees its error: %s', { timeout: 60_000 }, async (queueError, sees) => {
    const shown: Picture[] = [];
    const sink: Sink = {
      output: () => Promise.resolve(),
      picture(picture) {
        shown.push(picture);
        return Promise.resolve();
      },
    };
    const settings: Settings = {
      ...settingsOf('vms=1&path=direct'),
      transport: 'inline',
      queueError,
    };
    const session = await Session.boot(settings, undefined, sink);
    const check = ({ checks }: Picture) => checks.find(({ name }) => name === 'illegal-command');
    let found = check(await session.step());
    for (let step = 0; step < 20 && !found; step++) found = check(await session.step());
    expect(found?.ok).toBe(sees);
  });
});

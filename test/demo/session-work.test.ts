// SPDX-License-Identifier: MIT
// Requests to a session while another one is being handled.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSettings } from '../../demo/demo-settings.ts';
import type { ConsoleOutput, Picture } from '../../demo/protocol.ts';
import { OneAtATime } from '../../demo/vmm/one-at-a-time.ts';
import { Session } from '../../demo/vmm/session.ts';

beforeEach(() => {
  vi.stubGlobal('reportError', (error: unknown) => expect.unreachable(String(error)));
});
afterEach(() => vi.unstubAllGlobals());

const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function boot(): Promise<Session> {
  const settings = readSettings(new URLSearchParams('vms=1&speed=full'));
  const sink = { output: () => Promise.resolve(), picture: () => Promise.resolve() };
  return Session.boot({ ...settings, transport: 'inline' }, undefined, sink);
}

const FAR = 10_000_000;

describe('a session on its way to a far step', () => {
  it('pauses, and steps on from there', async () => {
    const session = await boot();
    const far = session.advance(FAR);
    await soon(20);
    const { steps, state } = await session.pause();
    expect(steps).toBeGreaterThan(0);
    expect(state).toBe('paused');
    expect((await far).steps).toBe(steps);
    expect((await session.step()).steps).toBe(steps + 1);
    await soon(20);
    expect((await session.pause()).steps).toBe(steps + 1);
  });

  it('stops, and makes a single step', async () => {
    const session = await boot();
    const far = session.advance(FAR);
    await soon(20);
    const { steps } = await session.step();
    await far;
    expect((await session.pause()).steps).toBe(steps);
  });

  it('stops for another one, and continues from there', async () => {
    const session = await boot();
    const far = session.advance(FAR);
    await soon(20);
    const { steps } = await session.advance(5);
    expect((await session.pause()).steps).toBe(steps);
    await far;
  });

  it('runs by itself instead, until it is paused', async () => {
    const session = await boot();
    const far = session.advance(FAR);
    await soon(20);
    session.run();
    expect((await far).state).toBe('running');
    await soon(20);
    const { steps, state } = await session.pause();
    expect(steps).toBeGreaterThan((await far).steps);
    expect(state).toBe('paused');
  });
});

describe('pieces of work', () => {
  it('are done one after the other, each of them', async () => {
    const work = new OneAtATime();
    const done: string[] = [];
    const all = ['a', 'b', 'c'].map((name) =>
      work.instead(async (wanted) => {
        done.push(`${name} begins`);
        await soon(1);
        done.push(`${name} ${wanted() ? 'goes on' : 'ends'}`);
      }),
    );
    await Promise.all(all);
    expect(done).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c goes on']);
  });

  it('fail with the one before', async () => {
    const work = new OneAtATime();
    const first = work.instead(() => Promise.reject(new Error('broken')));
    const second = work.instead(() => expect.unreachable());
    await expect(first).rejects.toThrow('broken');
    await expect(second).rejects.toThrow('broken');
  });
});

describe('a session that runs', () => {
  it('shows the first that its guest writes with the first picture after its first step', async () => {
    const told: string[] = [];
    let heard: () => void = () => undefined;
    const output = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const settings = readSettings(new URLSearchParams('vms=1'));
    const sink = {
      picture: ({ steps }: Picture) => {
        told.push(`step ${steps}`);
        return Promise.resolve();
      },
      output: (_vm: number, { bytes }: ConsoleOutput) => {
        told.push(new TextDecoder().decode(bytes).slice(0, 4));
        heard();
        return Promise.resolve();
      },
    };
    const session = await Session.boot({ ...settings, transport: 'inline' }, undefined, sink);
    session.run();
    await output;
    await session.pause();
    // The picture of the beginning, and the one with the text: nothing else is awaited.
    expect(told.slice(0, 3)).toEqual(['step 0', expect.stringMatching(/^step /), '[ 1]']);
  });
});

// SPDX-License-Identifier: MIT
// Sessions of the demo in this process, with or without recorded events.

import { expect, vi } from 'vitest';
import { readSettings } from '../../demo/demo-settings.ts';
import type { Frame, Picture, Sink } from '../../demo/protocol.ts';
import { Session } from '../../demo/vmm/session.ts';

/** The result of a session. */
export interface SessionRun {
  readonly session: Session;
  /** The consoles, one for each machine. */
  readonly consoles: readonly string[];
  readonly picture: Picture;
  readonly frames: readonly Frame[];
}

/** Takes steps until every machine has ended, at most this many. */
export async function runSession(query: string, steps: number): Promise<SessionRun> {
  vi.stubGlobal('reportError', (error: unknown) => expect.unreachable(String(error)));
  const consoles: string[] = [];
  const decoder = new TextDecoder();
  const sink: Sink = {
    output(vm, { bytes }) {
      consoles[vm] = (consoles[vm] ?? '') + decoder.decode(bytes);
      return Promise.resolve();
    },
    picture: () => Promise.resolve(),
  };
  const settings = readSettings(new URLSearchParams(query));
  const session = await Session.boot({ ...settings, transport: 'inline' }, undefined, sink);
  let picture = await session.step();
  for (let step = 1; step < steps && picture.state !== 'ended'; step++)
    picture = await session.step();
  // Console output is still on its way.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const { recording } = session;
  const { first, last } = recording?.recorded ?? { first: 0, last: -1 };
  const frames = Array.from({ length: last - first + 1 }, (_, i) => recording?.frame(first + i));
  vi.unstubAllGlobals();
  return {
    session,
    consoles,
    picture,
    frames: frames.filter((frame) => frame !== undefined),
  };
}

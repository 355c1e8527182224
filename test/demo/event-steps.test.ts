// SPDX-License-Identifier: MIT
// Moving from event to event, with a fake worker.

import type { Remote } from 'comlink';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventSteps } from '../../demo/page/event-steps.ts';
import type { EventKind, Frame, Picture, Vmm } from '../../demo/protocol.ts';

const PICTURE = { state: 'paused' } as Picture;

/** A worker whose machines make an exit and a command of each step; it answers only while it is there. */
class StandIn {
  readonly frames: Frame[] = [];
  /** The oldest frame that it keeps. */
  first = 0;
  steps = 0;
  paused = 0;
  isThere = true;
  picture: Picture = PICTURE;

  #answer<T>(value: T): Promise<T> {
    return this.isThere ? Promise.resolve(value) : new Promise(() => undefined);
  }

  #add(kind: EventKind): void {
    const number = this.frames.length;
    this.frames.push({ number, kind, vm: 'vm0', text: kind, mark: {}, picture: PICTURE });
  }

  readonly vmm = {
    recorded: () => this.#answer({ first: this.first, last: this.frames.length - 1, stopped: '' }),
    frame: (number: number) => this.#answer(this.frames[number]),
    seek: (from: number, by: 1 | -1, without: readonly EventKind[]) => {
      let at = from;
      while (this.frames[at] && without.includes(this.frames[at].kind)) at += by;
      return this.#answer(this.frames[at]);
    },
    step: () => {
      this.steps++;
      this.#add('exit');
      if (this.steps % 2 === 0) this.#add('fetch');
      return this.#answer(PICTURE);
    },
    pause: () => {
      this.paused++;
      this.picture = PICTURE;
      return this.#answer(PICTURE);
    },
  } as unknown as Remote<Vmm>;
}

let worker: StandIn;
let steps: EventSteps;
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

beforeEach(() => {
  vi.stubGlobal('reportError', (error: unknown) => expect.unreachable(String(error)));
  worker = new StandIn();
  const stage = {
    get vmm() {
      return worker.vmm;
    },
    get picture() {
      return worker.picture;
    },
    drawn: () => Promise.resolve(),
  };
  steps = new EventSteps(stage, async (_vmm, asked) => {
    await asked;
  });
  steps.clear(true);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('from event to event', () => {
  it('machines step at the end of the recording, until there is an event', async () => {
    steps.forward();
    await settled();
    expect([worker.steps, steps.frame?.number, steps.frame?.kind]).toEqual([2, 2, 'fetch']);
    steps.forward();
    await settled();
    expect([worker.steps, steps.frame?.number]).toEqual([4, 5]);
    steps.back();
    await settled();
    expect([worker.steps, steps.frame?.number]).toEqual([4, 2]);
    expect(steps.earlier?.picture).toBe(PICTURE);
    steps.forward();
    await settled();
    expect([worker.steps, steps.frame?.number]).toEqual([4, 5]);
    // At the newest one the machines are shown as they are.
    expect(steps.earlier?.picture).toBeUndefined();
    steps.choose('every event');
    steps.back();
    await settled();
    expect(steps.frame?.kind).toBe('exit');
  });

  it('Back and Forward end at the ends of the recording, whatever they stop at', async () => {
    steps.forward();
    await settled();
    // An exit is before it.
    expect([steps.frame?.number, steps.frame?.kind]).toEqual([2, 'fetch']);
    steps.back();
    await settled();
    expect([steps.frame?.number, steps.frame?.kind]).toEqual([0, 'exit']);
    await worker.vmm.step();
    worker.picture = { state: 'ended' } as Picture;
    for (const shown of [2, 3, 3]) {
      steps.forward();
      await settled();
      expect(steps.frame?.number).toBe(shown);
    }
    expect(steps.frame?.kind).toBe('exit');
  });

  it('the oldest one that is kept is known as such, unless it is the first one', async () => {
    steps.forward();
    await settled();
    steps.go(0);
    await settled();
    expect([steps.frame?.number, steps.isOldest]).toEqual([0, false]);
    worker.first = 1;
    steps.go(2);
    await settled();
    expect([steps.frame?.number, steps.isOldest]).toEqual([2, false]);
    steps.go(1);
    await settled();
    expect([steps.frame?.number, steps.isOldest]).toEqual([1, true]);
  });

  it('machines that run are paused first', async () => {
    worker.picture = { state: 'running' } as Picture;
    steps.heard();
    await settled();
    expect(steps.frame).toBeUndefined();
    steps.forward();
    await settled();
    expect([worker.paused, steps.frame?.kind]).toEqual([1, 'fetch']);
  });

  it('a late picture of a step leaves the event of that step that is shown', async () => {
    steps.choose('every event');
    for (const shown of [0, 1]) {
      steps.forward();
      await settled();
      expect(steps.frame?.number).toBe(shown);
    }
    // The second step has two events, and this picture comes after the first is shown.
    expect(worker.frames).toHaveLength(3);
    steps.heard();
    await settled();
    expect(steps.frame?.number).toBe(1);
    // Machines that have taken a step are shown as they are then.
    await worker.vmm.step();
    steps.heard();
    await settled();
    expect(steps.frame?.number).toBe(3);
  });

  it('machines that have ended stay where they are', async () => {
    worker.picture = { state: 'ended' } as Picture;
    steps.forward();
    await settled();
    expect([worker.steps, steps.frame]).toEqual([0, undefined]);
  });

  it('keys that come faster than frames do not queue up', async () => {
    for (let key = 0; key < 20; key++) steps.forward();
    await settled();
    expect(worker.steps).toBe(4);
    steps.forward();
    await settled();
    expect(worker.steps).toBe(6);
  });

  it('machines that are gone without an answer delay no others', async () => {
    worker.isThere = false;
    steps.forward();
    steps.forward();
    await settled();
    worker = new StandIn();
    steps.clear(true);
    steps.forward();
    await settled();
    expect([worker.steps, steps.frame?.kind]).toEqual([2, 'fetch']);
  });

  it('nothing is asked of machines whose events are not recorded', async () => {
    steps.clear(false);
    steps.heard();
    steps.forward();
    await settled();
    expect([worker.steps, steps.frame, steps.on]).toEqual([0, undefined, false]);
  });
});

// The VMM's thread while vCPUs run: what others tell it while it spins, and devices' timers, must not wait until its longest sleep is over.

import { describe, expect, it, vi } from 'vitest';
import { VMM_WAKE } from '../../../vmm/threads/control-block.ts';
import { ExitServer, type ServedVcpu } from '../../../vmm/threads/exit-server.ts';

const ROUNDS = 15;

/** Time in milliseconds from a drain's call, while the server spins, until machines are attended to. */
async function untilAttended(): Promise<number> {
  const server = new ExitServer();
  const words = new Int32Array(server.buffer);
  let called = 0;
  return await new Promise((resolve) => {
    const vcpu = {
      mailbox: {
        pending: false,
        serve: () => {
          if (called !== 0) return 0;
          called = performance.now();
          Atomics.add(words, VMM_WAKE, 1);
          return 0;
        },
      },
      attend: () => {
        server.remove(vcpu);
        resolve(performance.now() - called);
      },
      untilTimerMs: () => Number.POSITIVE_INFINITY,
    } as unknown as ServedVcpu;
    server.add(vcpu);
  });
}

/** Times in milliseconds between looks at a machine whose next timer is always due after so long. */
async function betweenLooks(untilTimerMs: number): Promise<number[]> {
  const server = new ExitServer();
  const times: number[] = [];
  let before = performance.now();
  return await new Promise((resolve) => {
    const vcpu = {
      mailbox: { pending: false, serve: () => 0 },
      attend: () => {
        const now = performance.now();
        times.push(now - before);
        before = now;
        if (times.length < ROUNDS) return;
        server.remove(vcpu);
        resolve(times);
      },
      untilTimerMs: () => untilTimerMs,
    } as unknown as ServedVcpu;
    server.add(vcpu);
  });
}

const median = (times: readonly number[]) =>
  times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN;

describe('the exit server', () => {
  it('sleeps until a timer of a device is due, and 10 ms at most', async () => {
    expect(median(await betweenLooks(2))).toBeLessThan(8);
    expect(median(await betweenLooks(Number.POSITIVE_INFINITY))).toBeGreaterThan(9);
  });

  it('leaves the thread to others while a timer is due at every look', async () => {
    // A thread that is not scheduled while it spins would have used up its time, and yield for that.
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => {
      now += 0.005;
      return now;
    });
    let turns = 0;
    const others = setInterval(() => turns++, 0);
    for (let tries = 0; tries < 100 && turns === 0; tries++) await betweenLooks(0);
    clearInterval(others);
    vi.restoreAllMocks();
    expect(turns).toBeGreaterThan(0);
  });

  it('attends to machines at once when a drain called while it was spinning', async () => {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await untilAttended());
    // Its longest sleep is 10 ms.
    expect(median(times)).toBeLessThan(5);
  });
});

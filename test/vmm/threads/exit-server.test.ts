// SPDX-License-Identifier: MIT
// The VMM's thread while vCPUs run: messages while it spins, and devices' timers, must
// not wait until its longest sleep ends.

import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { VMM_WAKE } from '../../../vmm/threads/control-block.ts';
import { ExitServer, type ServedVcpu } from '../../../vmm/threads/exit-server.ts';
import { hasten } from '../../support/hasten.ts';
import { median } from '../../support/median.ts';

const ROUNDS = 15;

/**
 * Time in milliseconds from a drain's call, while the server spins, until machines are
 * served.
 */
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
      machine: {
        attend: () => {
          server.remove(vcpu);
          resolve(performance.now() - called);
          return false;
        },
        untilTimerMs: () => Number.POSITIVE_INFINITY,
      },
    } as unknown as ServedVcpu;
    server.add(vcpu);
  });
}

/**
 * Times in milliseconds between polls of a machine whose next timer is always due after
 * this time.
 */
async function betweenPolls(untilTimerMs: number, isAsleep?: () => boolean): Promise<number[]> {
  const server = new ExitServer();
  const times: number[] = [];
  let before = performance.now();
  return await new Promise((resolve) => {
    const vcpu = {
      mailbox: { pending: false, serve: () => 0 },
      machine: {
        attend: () => {
          const now = performance.now();
          times.push(now - before);
          before = now;
          if (times.length === ROUNDS) {
            server.remove(vcpu);
            resolve(times);
          }
          return false;
        },
        untilTimerMs: () => untilTimerMs,
      },
      isAsleep,
    } as unknown as ServedVcpu;
    server.add(vcpu);
  });
}

describe('the exit server', () => {
  it('sleeps until a timer of a device is due, and 10 ms at most', async () => {
    expect(median(await betweenPolls(2))).toBeLessThan(8);
    expect(median(await betweenPolls(Number.POSITIVE_INFINITY))).toBeGreaterThan(9);
  });

  it('sleeps longer while a vCPU waits for an interrupt, not beyond a timer of a device', async () => {
    const asleep = () => true;
    expect(median(await betweenPolls(Number.POSITIVE_INFINITY, asleep))).toBeGreaterThan(25);
    expect(median(await betweenPolls(2, asleep))).toBeLessThan(25);
  });

  it('yields the thread to others while a timer is due at every poll', async () => {
    // A thread that is not scheduled while it spins would use up its time, and yield
    // because of that.
    hasten(0.005);
    let turns = 0;
    const others = setInterval(() => turns++, 0);
    for (let tries = 0; tries < 100 && turns === 0; tries++) await betweenPolls(0);
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

  it('sleeps once at a time, however many vCPUs it serves', async () => {
    const server = new ExitServer();
    const { waitAsync } = Atomics;
    let [waiting, most, looks] = [0, 0, 0];
    vi.spyOn(Atomics, 'waitAsync').mockImplementation(((...args: Parameters<typeof waitAsync>) => {
      const wait = waitAsync(...args);
      most = Math.max(most, ++waiting);
      Promise.resolve(wait.value).then(() => waiting--, expect.unreachable);
      return wait;
    }) as typeof waitAsync);
    await new Promise<void>((resolve) => {
      const vcpus = Array.from(
        { length: 3 },
        () =>
          ({
            mailbox: { pending: false, serve: () => 0 },
            machine: {
              attend: () => {
                if (++looks === ROUNDS) resolve();
                return false;
              },
              untilTimerMs: () => Number.POSITIVE_INFINITY,
            },
          }) as unknown as ServedVcpu,
      );
      for (const vcpu of vcpus) server.add(vcpu);
      onTestFinished(() => {
        for (const vcpu of vcpus) server.remove(vcpu);
        vi.restoreAllMocks();
      });
    });
    expect(most).toBe(1);
  });

  it('serves one exit of each machine in turn, however many vCPUs a machine has', async () => {
    const server = new ExitServer();
    /** By service: the machine, and the vCPU in it. */
    const services: (readonly [machine: number, vcpu: number])[] = [];
    const vcpus: ServedVcpu[] = [];
    let open = false;
    await new Promise<void>((resolve) => {
      for (const [machine, count] of [4, 1, 2].entries()) {
        const shared = { attend: () => false, untilTimerMs: () => Number.POSITIVE_INFINITY };
        for (let vcpu = 0; vcpu < count; vcpu++) {
          const mailbox = {
            pending: true,
            // Every vCPU has its next exit ready as soon as one is answered.
            serve: () => {
              if (!open) return 0;
              services.push([machine, vcpu]);
              if (services.length === 600) {
                for (const served of vcpus) server.remove(served);
                resolve();
              }
              return 0.01;
            },
          };
          vcpus.push({ mailbox, machine: shared } as unknown as ServedVcpu);
        }
      }
      for (const vcpu of vcpus) server.add(vcpu);
      open = true;
    });
    const waits = services.slice(0, 600).map(([machine], at) => {
      const next = services.slice(at + 1, 600).findIndex(([other]) => other === machine);
      return next < 0 ? 0 : next + 1;
    });
    expect(Math.max(...waits)).toBe(3);
    // Each of a machine's vCPUs has its turn.
    for (const [machine, count] of [4, 1, 2].entries()) {
      const own = services.slice(0, 600).filter(([other]) => other === machine);
      for (let vcpu = 0; vcpu < count; vcpu++)
        expect(own.filter(([, one]) => one === vcpu).length).toBeCloseTo(200 / count, -1);
    }
  });

  it('attends to a machine that has more to do again and again, and serves exits between', async () => {
    const server = new ExitServer();
    const log: string[] = [];
    let left = 20;
    await new Promise<void>((resolve) => {
      const vcpu = {
        mailbox: {
          pending: false,
          serve: () => {
            if (log.at(-1) !== 'exit') log.push('exit');
            return 0;
          },
        },
        machine: {
          attend: () => {
            log.push('attend');
            left--;
            if (left > 0) return true;
            server.remove(vcpu);
            resolve();
            return false;
          },
          untilTimerMs: () => Number.POSITIVE_INFINITY,
        },
      } as unknown as ServedVcpu;
      server.add(vcpu);
    });
    expect(log).toEqual(Array.from({ length: 40 }, (_, i) => (i % 2 ? 'attend' : 'exit')));
  });
});

// SPDX-License-Identifier: MIT
// Which vCPU runs next: vCPUs that run, wait until a time, and wake, by hand.

import { describe, expect, it } from 'vitest';
import { Arm64Turns, type TurnQueries } from '../../../../vmm/vcpu/arm64/arm64-turns.ts';

const LENGTH = 100;

class Taker {
  readonly index: number;
  /** The end of its wait. */
  until: number | undefined;

  constructor(index: number) {
    this.index = index;
  }
}

function turnsOf(vcpus: number) {
  const takers = Array.from({ length: vcpus }, (_, index) => new Taker(index));
  const turns = new Arm64Turns(takers as [Taker, ...Taker[]], LENGTH);
  let now = 0;
  const queries: TurnQueries<Taker> = {
    isDue: ({ until }) => until !== undefined && until <= now,
    wakes(taker) {
      if (taker.until !== undefined && taker.until <= now) taker.until = undefined;
      return taker.until === undefined;
    },
  };
  return {
    turns,
    takers,
    /**
     * Runs the next vCPU for a number of instructions, after which it waits for a number
     * of ticks.
     */
    run(instructions: number, waits?: number): number | undefined {
      const vcpu = turns.next(queries);
      if (!vcpu) return undefined;
      now += instructions;
      if (waits !== undefined) vcpu.until = now + waits;
      const isDue = takers.some(queries.isDue);
      turns.spend(instructions, waits !== undefined || turns.left <= instructions || isDue);
      return vcpu.index;
    },
    sleep(instructions: number) {
      now += instructions;
    },
  };
}

describe('vCPUs that share a thread', () => {
  it('have turns in the order of their numbers', () => {
    const { run } = turnsOf(3);
    expect([0, 1, 2, 3, 4].map(() => run(LENGTH))).toEqual([0, 1, 2, 0, 1]);
  });

  it('continue where a run was interrupted', () => {
    const { run } = turnsOf(2);
    expect([30, 30, 40, 10].map((count) => run(count))).toEqual([0, 0, 0, 1]);
  });

  it('keep the rest of a turn that a wait interrupts', () => {
    const { run, turns } = turnsOf(3);
    run(LENGTH);
    // vCPU 1 waits; vCPU 2 is interrupted when the wait ends.
    expect(run(10, 30)).toBe(1);
    expect([run(30), turns.left]).toEqual([2, 70]);
    expect([run(10, 500), turns.left]).toEqual([1, 80]);
    expect([run(70), turns.left]).toEqual([2, 0]);
    expect(run(1)).toBe(0);
  });

  it('run in order when several waits end at a time, each before what it interrupts', () => {
    const { run, takers } = turnsOf(4);
    for (const index of [1, 3]) (takers[index] as Taker).until = 20;
    expect(run(20)).toBe(0);
    // vCPU 1 is interrupted itself.
    (takers[2] as Taker).until = 30;
    expect([run(10), run(5, 500), run(5, 500), run(5, 500), run(5)]).toEqual([1, 2, 1, 3, 0]);
  });

  it('that wait often cannot keep another from its turn', () => {
    const { run, takers, turns } = turnsOf(3);
    const executed = [0, 0, 0];
    for (let i = 0; i < 3000; i++) {
      // The two others wake at every moment.
      const next = run(10, undefined) ?? 0;
      executed[next] = (executed[next] ?? 0) + 10;
      if (next === 0) continue;
      (takers[next] as Taker).until = 0;
      turns.spend(0, true);
    }
    const [first = 0, second = 0, third = 0] = executed;
    expect([first, second, third].every((sum) => sum > 9_000 && sum < 11_000)).toBe(true);
  });

  it('end when all vCPUs wait, and are then scheduled again', () => {
    const { run, sleep } = turnsOf(2);
    expect([run(10, 100), run(10, 50), run(1)]).toEqual([0, 1, undefined]);
    sleep(60);
    expect([run(10, 500), run(1)]).toEqual([1, undefined]);
  });

  it('continues from a saved state', () => {
    const first = turnsOf(3);
    first.run(LENGTH);
    first.run(10, 30);
    first.run(30);
    const other = turnsOf(3);
    other.turns.restore(JSON.parse(JSON.stringify(first.turns.save())));
    expect(other.turns.save()).toEqual(first.turns.save());
    expect([other.turns.current.index, other.turns.left]).toEqual([2, 70]);
  });
});

// SPDX-License-Identifier: MIT
// The isolation oracle on machines that only have footprints: what it detects, and how
// often it checks.

import { expect, it } from 'vitest';
import { CHECKPOINT_PHASE_ATTACK } from '../../../assembly/layout/checkpoint-registers.ts';
import { IsolationOracle, type WatchedMachine } from '../../../vmm/report/isolation-oracle.ts';

class StandIn implements WatchedMachine {
  readonly name: string;
  status: WatchedMachine['status'] = 'paused';
  looks = 0;
  memory = 0;

  constructor(name: string) {
    this.name = name;
  }

  footprint() {
    this.looks++;
    const one = { count: 1, hash: 0 };
    return {
      'IOTLB entries': one,
      'queues and contexts': one,
      'guest memory': { count: 1, hash: this.memory },
    };
  }
}

const machinesOf = (count: number) =>
  Array.from({ length: count }, (_, k) => new StandIn(`vm${k}`));

/** Each machine runs once, and attacks during its run. */
function round(
  oracle: IsolationOracle,
  machines: readonly StandIn[],
  attack?: (k: number) => void,
): void {
  for (const [k, machine] of machines.entries()) {
    oracle.runs(machine);
    // Its own work.
    machine.memory++;
    oracle.phase(machines, k, CHECKPOINT_PHASE_ATTACK, false);
    expect(oracle.attacker).toBe(machine);
    attack?.(k);
    oracle.phase(machines, k, CHECKPOINT_PHASE_ATTACK, true);
    expect(oracle.attacker).toBeUndefined();
  }
}

it.each([2, 4, 16, 64])('%i machines: one check per run, and each attack counted', (count) => {
  const [oracle, machines, rounds] = [new IsolationOracle(), machinesOf(count), 6];
  for (let i = 0; i < rounds; i++) round(oracle, machines);
  oracle.finish();
  for (const { looks } of machines) expect(looks).toBeLessThanOrEqual(2 * (rounds + 1));
  const checks = oracle.checks(true);
  expect(checks.length).toBe(3 * count);
  expect(checks.every(({ ok }) => ok)).toBe(true);
  for (const { detail } of checks)
    expect(detail).toContain(`${rounds * (count - 1)} attacks on at least 1 `);
});

it('names the victim of a change, regardless of who runs next', () => {
  const [oracle, machines] = [new IsolationOracle(), machinesOf(4)];
  const [, , victim] = machines;
  round(oracle, machines, (k) => {
    if (k === 3 && victim) victim.memory += 7;
  });
  expect(
    oracle.checks(true).every(({ ok }) => ok),
    'it stands still yet',
  ).toBe(true);
  oracle.finish();
  const failed = oracle.checks(true).filter(({ ok }) => !ok);
  expect(failed.map(({ name }) => name)).toEqual(['isolation: guest memory: vm2 lost nothing']);
});

it('reports nothing about a machine that was stopped in the meantime', () => {
  const [oracle, machines] = [new IsolationOracle(), machinesOf(2)];
  const [first] = machines;
  round(oracle, machines);
  if (first) {
    first.status = 'off';
    first.memory = 99;
  }
  oracle.finish();
  expect(oracle.checks(true).filter(({ ok }) => !ok)).toEqual([]);
});

it('attributes to a fault of the host exactly its known losses', () => {
  const [oracle, machines] = [new IsolationOracle(), machinesOf(2)];
  const [, victim] = machines;
  const kept = 'isolation: queues and contexts: vm1 lost nothing';
  const taken = "isolation: guest memory: the host's fault takes them from a neighbour";
  round(oracle, machines);
  const outcome = () =>
    oracle
      .checks(true, 'guest memory')
      .filter(({ name }) => name === kept || name.includes('guest memory'))
      .map(({ name, ok }) => [name, ok]);
  expect(outcome()).toEqual([
    [taken, false],
    [kept, true],
  ]);
  round(oracle, machines, (k) => {
    if (k === 0 && victim) victim.memory += 7;
  });
  oracle.finish();
  expect(outcome()).toEqual([
    [taken, true],
    [kept, true],
  ]);
});

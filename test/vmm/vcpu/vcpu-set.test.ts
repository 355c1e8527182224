// SPDX-License-Identifier: MIT
// When the vCPUs of a machine are stopped, and who is notified.

import { expect, it } from 'vitest';
import { type Vcpu, VcpuSet } from '../../../vmm/vcpu/index.ts';

/** A vCPU that reaches a safe point when the test allows it. */
class StandIn {
  readonly index = 0;
  paused = false;
  atSafePoint = false;
  get still(): boolean {
    return this.paused && this.atSafePoint;
  }
  setPaused(paused: boolean): void {
    this.paused = paused;
  }
}

function standIns(count: number) {
  const vcpus = Array.from({ length: count }, () => new StandIn());
  const told: boolean[] = [];
  const set = new VcpuSet(vcpus as unknown as readonly Vcpu[], (stand) => told.push(stand));
  return { vcpus, told, set };
}

it('they are stopped when each of them is, and are notified before one can continue', async () => {
  const { vcpus, told, set } = standIns(2);
  expect(told).toEqual([false]);
  const paused = set.pause(() => {
    // One after the other: the first alone is not enough.
    const late = vcpus.find(({ atSafePoint }) => !atSafePoint);
    expect(told).toEqual([false]);
    if (late) late.atSafePoint = true;
  });
  await paused;
  expect(told).toEqual([false, true]);
  set.resume();
  expect([told, vcpus.map((one) => one.paused)]).toEqual([
    [false, true, false],
    [false, false],
  ]);
});

it('they are not stopped when one reaches no safe point, or they are released meanwhile', async () => {
  const { told, set } = standIns(1);
  await expect(set.pause(() => undefined)).rejects.toThrow('no safe point within 1000 ms');
  expect(told).toEqual([false, false]);
  const second = standIns(1);
  await second.set.pause(() => {
    for (const vcpu of second.vcpus) vcpu.atSafePoint = true;
    second.set.resume();
    for (const vcpu of second.vcpus) vcpu.paused = true;
  });
  expect(second.told).toEqual([false, false]);
});

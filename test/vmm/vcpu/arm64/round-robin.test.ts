// Whose turn it is: vCPUs that only count what they execute, one of which waits for events again and again.

import { expect, it } from 'vitest';
import { ARM64_COUNT } from '../../../../assembly/layout/arm64-state.ts';
import {
  Arm64RoundRobin,
  type Arm64RoundRobinOptions,
} from '../../../../vmm/vcpu/arm64/arm64-round-robin.ts';

/** Ticks of a WFE that nothing ends: those of two turns. */
const WAIT = 0x10000;
/** Instructions of a turn, and of a machine's unit of budget. */
const TURN = 0x8000;
const BUDGET = 0x100000;

/** vCPU 0 waits after some instructions, the others spin. What each has executed in so many units of budget. */
function executed(vcpus: number, budget: number): number[] {
  const counts = Array.from({ length: vcpus }, () => 0);
  const now = () => BigInt(counts.reduce((sum, count) => sum + count));
  let until: bigint | undefined;
  const vcpu = (index: number) => ({
    index,
    isOn: true,
    get wait() {
      return index === 0 && until !== undefined ? { what: 'event', until } : undefined;
    },
    block: {
      long: (at: number) => (at === ARM64_COUNT ? BigInt(counts[index] ?? 0) : 0n),
      setStop: () => undefined,
    },
    wakes(at: bigint) {
      if (index !== 0 || until === undefined) return true;
      if (until > at) return false;
      until = undefined;
      return true;
    },
    run(instructions: number, isExact: boolean) {
      // To the next branch, where it need not be exact.
      const most = isExact ? instructions : Math.max(0, instructions) + 3;
      counts[index] = (counts[index] ?? 0) + (index === 0 ? Math.min(most, 20) : most);
      if (index === 0) until = now() + BigInt(WAIT);
      return undefined;
    },
  });
  const turns = new Arm64RoundRobin({
    vcpus: Array.from({ length: vcpus }, (_, index) => vcpu(index)),
    counter: {
      get now() {
        return now();
      },
      switchTo: () => undefined,
    },
    host: {},
    pace: undefined,
    reset: () => undefined,
    forgetCode: () => undefined,
  } as unknown as Arm64RoundRobinOptions);
  expect(turns.run(budget)).toEqual({ reason: 'yield' });
  return counts;
}

it.each([2, 3, 4, 8])('of %i vCPUs each that spins has its part, though one waits', (vcpus) => {
  const [waits = 0, ...spin] = executed(vcpus, 8);
  expect(waits).toBeGreaterThan(0);
  const part = (8 * BUDGET) / spin.length;
  for (const count of spin) expect(Math.abs(count - part)).toBeLessThan(part / 4 + 2 * TURN);
});

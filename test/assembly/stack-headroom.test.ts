// SPDX-License-Identifier: MIT
// A guest that exhausts its stack and then rings a doorbell: the drain runs on that
// stack.

import { describe, expect, it } from 'vitest';
import { QUEUE_OWNERS } from '../../assembly/layout/queue-memory.ts';
import { harness } from '../support/unit-harness.ts';

describe('a doorbell with almost no stack left', () => {
  it('may overflow anywhere in the drain; the queue is served again once there is stack', async () => {
    const h = await harness();
    const { queue } = h.vcmdq(0, 1);
    const ownersAt = (queue.address + QUEUE_OWNERS) >> 2;
    h.put(0, 0x0001_0000_0000_0012n, 0x1000n);
    for (let slot = 1; slot < 16; slot++) h.put(slot, 0x46n);
    for (let i = 0; i < 20000; i++) h.unit.drain.doorbell(1, 4);

    let overflows = 0;
    let served = 0;
    let died = 0;
    let rings = 0;
    // While a stack overflow unwinds, every frame rings once, with a little more stack
    // each time.
    const descend = (padding: number): number => {
      let below = 0;
      try {
        below = descend(padding + 1);
      } catch {
        below = 0;
      }
      if (rings++ < 400) {
        h.guest[(0x10000 + 4) >> 2] = rings & 2;
        try {
          h.unit.drain.doorbell(1, 4);
          served++;
        } catch {
          overflows++;
        }
        if (h.host[ownersAt] !== 0) died++;
      }
      return below + padding;
    };
    descend(0);
    expect(overflows).toBeGreaterThan(0);
    expect(served).toBeGreaterThan(0);
    // Some calls were aborted while they owned the queue, and the next one took it over.
    expect(died).toBeGreaterThan(0);
    h.store(1, 4, 2);
    h.store(1, 4, 0x10);
    expect(h.host[ownersAt]).toBe(0);
    expect([h.page0(0), queue.state]).toEqual([0x10, 0]);
  });
});

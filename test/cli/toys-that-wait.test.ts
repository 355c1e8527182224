// SPDX-License-Identifier: MIT
// The arm64 toys of a run attack together, once each has set up its victims: none waits
// for one that has ended.

import { expect, it } from 'vitest';
import { MeasuredToy } from '../../cli/measured-toy.ts';
import { DeviceBus, FakeHost } from '../../devices/testing/index.ts';
import type { Machine } from '../../vmm/api/index.ts';

const NAME = 'live-mapping';

/** Toys without their guests, and the number of bytes written to each console. */
function toys(count: number) {
  const all: MeasuredToy[] = [];
  const bytes = Array.from({ length: count }, () => 0);
  return Array.from({ length: count }, (_, i) => {
    const toy = new MeasuredToy(
      () => undefined,
      () => undefined,
      all,
    );
    all.push(toy);
    const ends: (() => void)[] = [];
    toy.machine = {
      statistics: { exits: { byRegister: {} } },
      on: (name: string, listener: () => void) => name === 'end' && ends.push(listener),
      write: ({ length }: Uint8Array) => {
        bytes[i] = (bytes[i] ?? 0) + length;
      },
    } as unknown as Machine;
    const host = new FakeHost();
    toy.device.attach(host);
    const bus = new DeviceBus(toy.device);
    host.ram.set(new TextEncoder().encode(NAME));
    return {
      bytes,
      report(ok = true) {
        for (const [k, word] of [host.ramGpa, NAME.length, 0, 0].entries())
          bus.write32(0x10 + 4 * k, word);
        bus.write32(0x08, ok ? 1 : 0);
      },
      end() {
        for (const ended of ends) ended();
      },
    };
  });
}

it('start when the last has reported', () => {
  const [a, b, c] = toys(3);
  a?.report();
  c?.report(false);
  expect(a?.bytes).toEqual([0, 0, 0]);
  b?.report();
  expect(a?.bytes).toEqual([1, 1, 1]);
});

it.each([
  ['the last', ['report 0', 'report 2', 'end 1']],
  ['the first', ['end 1', 'report 0', 'report 2']],
])('start without one that ends early, as %s', (_what, steps) => {
  const all = toys(3);
  const bytes = all[0]?.bytes;
  for (const step of steps) {
    expect(bytes?.[0]).toBe(0);
    const [what, index] = step.split(' ');
    all[Number(index)]?.[what === 'end' ? 'end' : 'report']();
  }
  expect([bytes?.[0], bytes?.[2]]).toEqual([1, 1]);
  // Toys that end after their attacks do not start anything again.
  for (const toy of all) toy.end();
  expect([bytes?.[0], bytes?.[2]]).toEqual([1, 1]);
});

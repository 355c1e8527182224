// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import {
  attachDevices,
  BackgroundLoops,
  type Placement,
  SYSTEM_CLOCK,
} from '../../../devices/bus/index.ts';
import type { InterruptLine } from '../../../devices/plugin/index.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';

/**
 * Devices with two lines each, from these on; changes of the board's lines are recorded.
 */
function boardOf(...firstIrqs: readonly number[]) {
  const log: string[] = [];
  const devices = firstIrqs.map((_, i) => new ScratchDevice({ name: `dev${i}` }));
  const places = devices.map(
    (device, i): Placement => ({
      device,
      addresses: [0x1000 * i],
      firstIrq: firstIrqs[i] ?? 0,
    }),
  );
  const attached = attachDevices(places, {
    memory: { load64: () => undefined, store64: () => false, store32: () => false },
    interrupts: {
      line: (index) => ({
        pulse: () => log.push(`pulse ${index}`),
        setLevel: (asserted) => log.push(`${index} ${asserted ? 'high' : 'low'}`),
      }),
    },
    background: new BackgroundLoops(),
    clock: SYSTEM_CLOCK,
  });
  const line = (device: number, index: number) =>
    devices[device]?.host?.interruptLine(index) as InterruptLine;
  return { log, attached, line };
}

describe('a line that devices share', () => {
  it('is asserted while one of them asserts it', () => {
    const { log, line } = boardOf(4, 4);
    line(0, 0).setLevel(true);
    line(1, 0).setLevel(true);
    line(0, 0).setLevel(false);
    line(0, 0).setLevel(false);
    line(1, 0).setLevel(false);
    expect(log).toEqual(['4 high', '4 high', '4 high', '4 high', '4 low']);
  });

  it('may be different lines of its devices, and leaves the others alone', () => {
    const { log, line } = boardOf(4, 5);
    line(0, 1).setLevel(true);
    line(1, 0).setLevel(false);
    line(0, 0).setLevel(false);
    line(1, 1).setLevel(false);
    expect(log).toEqual(['5 high', '5 high', '4 low', '6 low']);
  });

  it('receives the pulses of each', () => {
    const { log, line } = boardOf(4, 4);
    line(1, 0).setLevel(true);
    line(0, 0).pulse();
    line(1, 0).pulse();
    expect(log).toEqual(['4 high', 'pulse 4', 'pulse 4']);
  });

  it('is not asserted after a reset', () => {
    const { log, attached, line } = boardOf(4, 4);
    line(0, 0).setLevel(true);
    attached.reset();
    line(1, 0).setLevel(false);
    expect(log).toEqual(['4 high', '4 low']);
  });
});

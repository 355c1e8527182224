// SPDX-License-Identifier: MIT
// How long a vCPU's look for its next interrupt takes, with all LPIs pending. What it is
// compared with is measured in the same way.

import { beforeEach, describe, expect, it } from 'vitest';
import * as REG from '../../assembly/layout/gic-registers.ts';
import { RAM_GPA } from '../devices/gicv3/gic-harness.ts';
import { ITTS, ItsHarness, PROPERTIES } from '../devices/gicv3/its-harness.ts';
import { best } from './service-guest.ts';

const FIRST = 8192;
const LPIS = 57344;
const DEVICE = 8;
const INVALL = 0x0d;
const VALID = 1n << 63n;
const ENABLED = 1;
const LOWEST = 0xf0;

let gic: ItsHarness;
let table: Uint8Array;
beforeEach(() => {
  gic = new ItsHarness().boot();
  gic.mapd(DEVICE, 16, ITTS);
  // Event n is LPI n, of collection 0.
  for (let event = 0; event < LPIS; event++)
    gic.store64(ITTS + 8 * event, VALID | BigInt(FIRST + event));
  table = new Uint8Array(gic.memory.buffer, (gic.ram?.offset ?? 0) + PROPERTIES - RAM_GPA, LPIS);
});

/** Makes all LPIs pending. */
function storm(priorityOf: (lpi: number) => number): void {
  for (let lpi = 0; lpi < LPIS; lpi++) table[lpi] = priorityOf(lpi) | ENABLED;
  gic.command(INVALL);
  for (let lpi = 0; lpi < LPIS; lpi++) gic.send(DEVICE, lpi);
}

/** Gives all LPIs this priority. */
function setAll(priority: number): void {
  table.fill(priority | ENABLED);
  gic.command(INVALL);
}

describe('with all LPIs pending', () => {
  it('an access to the CPU interface takes hardly longer than with one', () => {
    const looks = () => {
      for (let i = 0; i < 200; i++) {
        gic.msr(0, REG.ICC_PMR_EL1, 0xf0);
        gic.irq();
      }
    };
    gic.send(DEVICE, 0);
    const one = best(looks, undefined, 100);
    // The highest priority is that of the last one.
    storm((lpi) => (lpi === LPIS - 1 ? 0x10 : 0x20 + ((lpi % 16) << 3)));
    // Some 300 times as long if all of them are visited.
    expect(best(looks, undefined, 100) / one).toBeLessThan(30);
  });

  it('a look after the priorities have changed 31 times takes hardly longer than a change', () => {
    storm(() => LOWEST);
    gic.msr(0, REG.ICC_PMR_EL1, 0xff);
    let last = LOWEST;
    const change = best(
      () => gic.command(INVALL),
      () => {
        last ^= LOWEST;
        table.fill(last | ENABLED);
      },
      10,
    );
    const look = best(
      () => gic.irq(),
      () => {
        for (let priority = 0; priority <= LOWEST; priority += 8) setAll(priority);
      },
      10,
    );
    // If the LPIs are visited for each priority, some six times as long.
    expect(look / change).toBeLessThan(2);
  });
});

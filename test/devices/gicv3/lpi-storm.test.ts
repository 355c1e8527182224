// SPDX-License-Identifier: MIT
// All LPIs pending at once, and queues full of the commands that cost most: what software
// may do in one piece must not keep other machines of the thread waiting.

import { beforeEach, describe, expect, it } from 'vitest';
import * as MEMORY from '../../../assembly/layout/gic-memory.ts';
import * as REG from '../../../assembly/layout/gic-registers.ts';
import { AT, RAM_GPA } from './gic-harness.ts';
import { ITTS, ItsHarness, PROPERTIES, QUEUE } from './its-harness.ts';

const FIRST = 8192;
const LPIS = 57344;
const DEVICE = 8;
const VALID = 1n << 63n;
const ENABLED = 1;

let gic: ItsHarness;
beforeEach(() => {
  gic = new ItsHarness().boot();
  gic.mapd(DEVICE, 16, ITTS);
  // Event n is LPI n, of collection 0.
  for (let event = 0; event < LPIS; event++)
    gic.store64(ITTS + 8 * event, VALID | BigInt(FIRST + event));
});

/** Makes all LPIs pending. */
function storm(priorityOf: (lpi: number) => number): void {
  for (let lpi = 0; lpi < LPIS; lpi++) gic.configure(FIRST + lpi, priorityOf(lpi) | ENABLED);
  gic.command(0x0d);
  for (let lpi = 0; lpi < LPIS; lpi++) gic.send(DEVICE, lpi);
}

describe('with all LPIs pending', () => {
  it('they are acknowledged by priority, then by INTID', () => {
    const priorityOf = (lpi: number) => ((lpi * 7919) % 31) << 3;
    gic.msr(0, REG.ICC_PMR_EL1, 0xff);
    storm(priorityOf);
    const expected = Array.from({ length: LPIS }, (_, lpi) => lpi)
      .sort((a, b) => priorityOf(a) - priorityOf(b) || a - b)
      .map((lpi) => FIRST + lpi);
    const seen = expected.map(() => {
      const intid = gic.iar();
      gic.eoi(Number(intid));
      return intid;
    });
    expect(seen.findIndex((intid, i) => intid !== expected[i])).toBe(-1);
    expect([gic.iar(), gic.irq()]).toEqual([1023, false]);
  });

  it('one that gets another priority, or is disabled, is in its new place', () => {
    storm(() => 0xa0);
    const [last, other] = [FIRST + LPIS - 1, FIRST + 100];
    gic.configure(last, 0x20 | ENABLED);
    gic.configure(FIRST, 0xa0);
    gic.configure(other, 0x18 | ENABLED);
    for (const intid of [last, FIRST, other]) gic.ofEvent(0x0c, DEVICE, intid - FIRST);
    const next = () => {
      const intid = gic.iar();
      gic.eoi(Number(intid));
      return intid;
    };
    expect([next(), next(), next(), next()]).toEqual([other, last, FIRST + 1, FIRST + 2]);
    gic.configure(FIRST, 0x10 | ENABLED);
    gic.ofEvent(0x0c, DEVICE, 0);
    expect([next(), next()]).toEqual([FIRST, FIRST + 3]);
  });

  it('an SPI comes before LPIs of its priority and lower ones, and after higher ones', () => {
    gic.setGicd(0x400 + 40, 0xa0a0a0a0);
    gic.enable(40, 'edge');
    storm((lpi) => (lpi === 50000 ? 0x98 : 0xa0));
    gic.pulse(40);
    const order = [0, 1, 2].map(() => {
      const intid = gic.iar();
      gic.eoi(Number(intid));
      return intid;
    });
    expect(order).toEqual([FIRST + 50000, 40, FIRST]);
  });
});

describe('the work that accesses report', () => {
  it.each<[string, number, () => void]>([
    ['INVALL', LPIS + 16, () => gic.command(0x0d)],
    ['MOVALL', LPIS + 16, () => gic.command(0x0e)],
    ['MAPD of a device with all events', 0x10000 + 16, () => gic.mapd(DEVICE, 16, ITTS)],
    ['SYNC', 16, () => gic.command(0x05)],
    ['GICR_CTLR.EnableLPIs', LPIS, () => gic.setGicr(0, 0, 0)],
    ['GICR_CTLR that does not change', 0, () => gic.setGicr(0, 0, 1)],
    ['GICD_CTLR', LPIS, () => gic.setGicd(0, 0)],
    ['GICD_CTLR that does not change', 0, () => gic.setGicd(0, 0x13)],
    ['a priority', 0, () => gic.setGicd(0x400 + 40, 0xa0a0a0a0)],
  ])('of %s is that of %i LPIs', (_name, work, access) => {
    gic.device.takeWork();
    access();
    expect([gic.device.takeWork(), gic.device.takeWork()]).toEqual([work, 0]);
  });
});

describe('bits of priorities that LPIs have no more', () => {
  const [WORDS, RANKS, LOWEST] = [LPIS / 32, 31, 0xf0];

  /** The number of bits in the summary of each priority, without those of the last LPIs. */
  const summaries = () => {
    const area = new DataView(gic.memory.buffer).getUint32(AT + MEMORY.GIC_AT_LPIS, true);
    const block = area + MEMORY.GIC_LPI_WORDS_SIZE;
    const bytes = new DataView(gic.memory.buffer, block + MEMORY.GIC_LPI_SUMMARY);
    return Array.from({ length: RANKS }, (_, rank) => {
      let bits = 0;
      for (let index = 0; index < WORDS - 1; index++)
        if (bytes.getUint8(rank * MEMORY.GIC_LPI_SUMMARY_SIZE + (index >> 3)) & (1 << (index & 7)))
          bits++;
      return bits;
    });
  };

  /** Gives all LPIs one priority after the other, at last the lowest one. */
  const leaveBits = () => {
    const table = new Uint8Array(gic.memory.buffer, (gic.ram?.offset ?? 0) + PROPERTIES - RAM_GPA);
    for (let priority = 0; priority <= LOWEST; priority += 8) {
      table.fill(priority | ENABLED, 0, LPIS);
      gic.command(0x0d);
    }
  };

  it('cost one visit of their LPIs, of whatever number of priorities they are', () => {
    storm(() => LOWEST);
    gic.msr(0, REG.ICC_PMR_EL1, 0xff);
    leaveBits();
    expect(summaries()).toEqual(new Array(RANKS).fill(WORDS - 1));
    // It is found in the first summary, after all the others in it.
    gic.configure(FIRST + LPIS - 1, ENABLED);
    gic.ofEvent(0x0c, DEVICE, LPIS - 1);
    expect(gic.irq()).toBe(true);
    expect(summaries()).toEqual([...new Array(RANKS - 1).fill(0), WORDS - 1]);
    const order = [0, 1, 2].map(() => {
      const intid = gic.iar();
      gic.eoi(Number(intid));
      return intid;
    });
    expect(order).toEqual([FIRST + LPIS - 1, FIRST, FIRST + 1]);
  });

  it('are those of one priority when that of some LPIs has changed', () => {
    storm(() => LOWEST);
    leaveBits();
    // Every other group of 32 has one of a higher priority.
    for (let lpi = 0; lpi < LPIS; lpi += 64) gic.configure(FIRST + lpi + 5, 0x48 | ENABLED);
    gic.command(0x0d);
    const seen = Array.from({ length: LPIS / 64 }, () => {
      const intid = gic.iar();
      gic.eoi(Number(intid));
      return intid;
    });
    expect(seen).toEqual(seen.map((_, i) => FIRST + 64 * i + 5));
    expect(gic.irq()).toBe(false);
  });
});

describe('a queue full of one command', () => {
  it.each([
    ['INVALL', [0x0dn, 0n, 0n, 0n], 1],
    ['MOVALL', [0x0en, 0n, 0n, 0n], 1],
    ['MAPD of a device with all events', [0x08n | (8n << 32n), 15n, VALID | BigInt(ITTS), 0n], 1],
    ['INT', [0x03n | (8n << 32n), 5n, 0n, 0n], 3584],
    ['SYNC', [0x05n, 0n, 0n, 0n], 3584],
    ['no command', [0x77n, 0n, 0n, 0n], 3584],
  ])('of %s is executed in pieces', (_name, words, piece) => {
    gic.setGits(0, 0, 4);
    // 256 pages, the most that GITS_CBASER can express.
    gic.setGits(0x80, BigInt(QUEUE) | 0xffn | VALID);
    const commands = 5000;
    for (let at = 0; at < commands; at++)
      for (const [i, word] of words.entries()) gic.store64(QUEUE + 32 * at + 8 * i, word);
    gic.setGits(0x88, 32 * commands);
    const creadr = new Uint32Array(gic.memory.buffer, AT + 0x104, 1);
    const lengths: number[] = [];
    gic.setGits(0, 1, 4);
    for (let before = 0; before < 32 * commands; ) {
      lengths.push(((creadr[0] ?? 0) - before) / 32);
      before = creadr[0] ?? 0;
      if (lengths.length > 3) break;
      gic.gits(0x90);
    }
    expect(Math.max(...lengths)).toBe(piece);
    expect(Math.min(...lengths)).toBeGreaterThan(0);
  });
});

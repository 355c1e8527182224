// SPDX-License-Identifier: MIT
// Figures of the demo's page, computed from their inputs.

import { describe, expect, it } from 'vitest';
import { ChartSeries, EACH_MS, KEPT_S } from '../../demo/page/chart-series.ts';
import { measuredTime, short, spread, time } from '../../demo/page/page-text.ts';
import { MOST_IDLE_MS, type Picture } from '../../demo/protocol.ts';
import { clockResolution } from '../../demo/vmm/clock-resolution.ts';
import { exitsPicture } from '../../demo/vmm/exits-picture.ts';
import { LapCounter } from '../../demo/vmm/laps.ts';
import { ringEntries } from '../../demo/vmm/ring-picture.ts';
import { Suspects } from '../../demo/vmm/seen-suspects.ts';
import { KEPT, TraceFigures, WARM_UP } from '../../demo/vmm/trace-figures.ts';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('numbers', () => {
  it.each([
    [0, '0'],
    [9999, '9999'],
    [9999.6, '10.0 k'],
    [12_345, '12.3 k'],
    [999_499, '999 k'],
    [999_999, '1.00 M'],
    [999_999_999, '1.00 G'],
    [5e12, '5000 G'],
  ])('%d is written %s', (value, text) => expect(plain(short(value))).toBe(text));

  it.each([
    [999.4, '999 ns'],
    [999.6, '1.00 \u00b5s'],
    [999_600, '1.00 ms'],
    [999_999_999, '1.00 s'],
  ])('%d ns are written %s', (ns, text) => expect(plain(time(ns))).toBe(text));

  it('never have an exponent', () => {
    for (let value = 1; value < 1e13; value *= 1.003)
      expect(short(value) + time(value)).not.toMatch(/e/);
  });

  it('of a clock that has not ticked are shown as unknown', () => {
    expect(measuredTime(0)).toBe('below the clock\u2019s resolution');
    expect(plain(spread(400, 1200))).toBe('400 ns to 1.20 \u00b5s');
    expect(spread(400, 400)).toBe('');
  });
});

describe('the clock', () => {
  /** Ticks every n ms; each read takes 1 us. */
  const ticking = (ms: number) => {
    let now = 0;
    return () => {
      now += 0.001;
      return Math.floor(now / ms) * ms;
    };
  };

  it.each([
    [0.005, 5000],
    [0.1, 100_000],
  ])('of steps of %d ms resolves %d ns', (ms, ns) => {
    expect(clockResolution(ticking(ms))).toBeCloseTo(ns, -1);
  });

  it('that is finer than a read of it, and one that does not advance, end the measurement', () => {
    let now = 0;
    const fine = () => {
      now += 0.0002;
      return now;
    };
    expect(clockResolution(fine)).toBe(0);
    expect(clockResolution(() => 7)).toBe(0);
  });
});

describe('laps of a queue', () => {
  it('follow the commands beyond what the wrap bit shows', () => {
    const laps = new LapCounter();
    const size = 16;
    expect(laps.look({ prod: 5, cons: 5, size, commands: 5 })).toMatchObject({
      consLap: 1,
      prodLap: 1,
    });
    // 69 consumed: four laps and 5 more.
    expect(laps.look({ prod: 69 % 32, cons: 69 % 32, size, commands: 69 })).toEqual({
      consumed: 69,
      consLap: 5,
      prodLap: 5,
    });
    // PROD has wrapped; the host consumed two commands itself.
    expect(laps.look({ prod: 82 % 32, cons: 79 % 32, size, commands: 77 })).toEqual({
      consumed: 79,
      consLap: 5,
      prodLap: 6,
    });
  });

  it('restart when the queue restarts', () => {
    const laps = new LapCounter();
    laps.look({ prod: 6, cons: 6, size: 4, commands: 30 });
    laps.reset();
    expect(laps.look({ prod: 1, cons: 0, size: 4, commands: 30 }).consLap).toBe(1);
  });
});

describe('the ring', () => {
  const words = (name: number) => new Uint32Array([name, 0, 0, 0]);
  const decode = ([name = 0]: Uint32Array) => ({ name: `C${name}`, operands: '', summary: '' });
  const states = (
    ring: Parameters<typeof ringEntries>[0],
    written: (slot: number) => boolean = () => true,
  ) =>
    ringEntries(ring, (slot) => words(written(slot) ? slot + 1 : 0), decode).map(
      ({ slot, state, at }) => `${slot} ${state}${at === '' ? '' : ` ${at}`}`,
    );

  it('distinguishes entries of this lap from those of earlier ones, and shows PROD and CONS', () => {
    expect(states({ size: 8, prod: 9, cons: 7, consumed: 7 })).toEqual([
      '2 done',
      '3 done',
      '4 done',
      '5 done',
      '6 done',
      '7 next CONS',
      '0 pending',
      '1 earlier PROD',
    ]);
  });

  it('shows nothing that was never written, and marks what is written ahead of PROD', () => {
    expect(states({ size: 256, prod: 2, cons: 2, consumed: 2 }, (slot) => slot < 3)).toEqual([
      '253 empty',
      '254 empty',
      '255 empty',
      '0 done',
      '1 done',
      '2 written both',
      '3 empty',
      '4 empty',
    ]);
  });

  it('has entries of zeros that the SMMU is to consume', () => {
    const [, , , , , next, pending] = states(
      { size: 64, prod: 2, cons: 0, consumed: 0 },
      () => false,
    );
    expect([next, pending]).toEqual(['0 next CONS', '1 pending']);
  });
});

describe('exits', () => {
  it('by kind add up to all that were counted', () => {
    const byRegister = Object.fromEntries(
      Array.from({ length: 9 }, (_, i) => [`uart.R${i}`, 10 * (i + 1)]),
    );
    const mmio = 450;
    const byKind = { mmio, wasi: 3, wait: 4, clock: 50 };
    const exits = {
      total: 507,
      byKind,
      byRegister,
      byVcpu: [507],
      duringInvalidation: 15,
      duringDirect: 3,
    };
    const statistics = { exits } as unknown as Parameters<typeof exitsPicture>[0]['statistics'];
    for (const [isToy, clock] of [[true, 0] as const, [false, 50] as const]) {
      const { rows, total, measuring, duringCmdq } = exitsPicture({ statistics }, isToy);
      expect(rows.reduce((sum, { count }) => sum + count, measuring)).toBe(total);
      expect(rows.find(({ name }) => name === 'other registers')?.count).toBe(10 + 20 + 30);
      expect(rows.find(({ name }) => name === 'clock')?.count).toBe(clock);
      expect(duringCmdq).toBe(12);
    }
  });
});

describe('traces', () => {
  const trace = (lastNs: number) => ({
    vm: 'vm0',
    vmid: 1,
    path: 'direct' as const,
    queue: 'VCMDQ 0',
    prodBefore: 0,
    prodAfter: 2,
    writeNs: 10,
    lastNs,
    batches: 16,
    exits: 0,
  });

  it('of the warm-up do not count as measurements', () => {
    expect(WARM_UP).toBeGreaterThan(1);
    const figures = new TraceFigures();
    for (let i = 0; i < WARM_UP; i++) {
      figures.add(trace(9000 - i));
      expect(figures.pictures[0]).toMatchObject({ samples: 0, totalNs: 9000 - i });
    }
    figures.add(trace(500));
    expect(figures.pictures[0]).toMatchObject({ samples: 1, totalNs: 500, highNs: 500 });
  });

  it('have a median, with the least and the most of the last ones', () => {
    const figures = new TraceFigures();
    for (let i = 0; i < WARM_UP; i++) figures.add(trace(1));
    for (let i = 0; i < KEPT + 5; i++) figures.add(trace(100 + i));
    expect(figures.pictures).toEqual([
      expect.objectContaining({
        samples: KEPT,
        lowNs: 105,
        totalNs: 105 + (KEPT >> 1),
        highNs: 104 + KEPT,
      }),
    ]);
  });
});

describe('the sanitizer\u2019s suspects', () => {
  it('are not findings when their invalidation followed', () => {
    const suspects = new Suspects();
    suspects.suspect('a');
    suspects.suspect('b');
    suspects.finding('b');
    expect(suspects.pictures(['a'])).toEqual([
      { text: 'a', state: 'pending' },
      { text: 'b', state: 'found' },
    ]);
    expect(suspects.pictures([])[0]?.state).toBe('cleared');
    // Used once more: it waits again; earlier findings stay.
    suspects.suspect('a');
    suspects.suspect('b');
    expect(suspects.pictures(['a']).map(({ state }) => state)).toEqual(['pending', 'found']);
  });

  it('are the last ones, however many there are', () => {
    const suspects = new Suspects();
    for (let i = 0; i < 100; i++) suspects.suspect(`s${i}`);
    const kept = suspects.pictures([]);
    expect(kept).toHaveLength(20);
    expect(kept.at(-1)?.text).toBe('s99');
  });
});

describe('charts', () => {
  /**
   * A picture at n ms, of a machine with an exit each ms, 10 of which are clock reads.
   */
  const picture = (at: number, state: Picture['state'] = 'running') =>
    ({
      at,
      state,
      vms: [{ overlay: false, queues: [], exits: { total: at + 10, measuring: 10 } }],
      traces: [{ path: 'direct', samples: at > 600 ? 1 : 0, lastNs: 500 }],
    }) as unknown as Picture;

  it('have rates, and a gap where the machines were paused', () => {
    const series = new ChartSeries();
    for (const at of [0, 300, 600, 900]) series.add(picture(at));
    series.add(picture(910, 'paused'));
    series.add(picture(1500));
    series.add(picture(1800));
    const [[times, exits] = [], , [, micros] = []] = series.columns();
    expect(exits).toEqual([1000, 1000, 1000, null, 1000]);
    expect(times).toEqual([0.3, 0.6, 0.9, 0.911, 1.8]);
    // Measurements during the warm-up are dropped.
    expect(micros).toEqual([null, null, 0.5, null, 0.5]);
  });

  it('have a gap where no picture came, as from a tab in the background', () => {
    const series = new ChartSeries();
    for (const at of [0, 300, 20_000, 20_300]) series.add(picture(at));
    expect(series.columns()[0]?.[1]).toEqual([1000, null, 1000]);
  });

  it('continue while the page is hidden and steps are few', () => {
    const series = new ChartSeries();
    for (const at of [0, 300, 300 + MOST_IDLE_MS]) series.add(picture(at));
    expect(series.columns()[0]?.[1]).toEqual([1000, 1000]);
  });

  it('forget what is out of sight', () => {
    const series = new ChartSeries();
    for (let at = 0; at < KEPT_S * 1000 + 5000; at += EACH_MS) series.add(picture(at));
    for (const column of series.columns().flat())
      expect(column).toHaveLength((KEPT_S * 1000) / EACH_MS);
  });

  it('are as of an earlier picture, without what came later', () => {
    const series = new ChartSeries();
    for (const at of [0, 300, 600, 900]) series.add(picture(at));
    const [times, exits] = series.columns(600)[0] ?? [];
    expect([times, exits]).toEqual([
      [0.3, 0.6],
      [1000, 1000],
    ]);
    expect(series.columns(299)[0]?.[0]).toEqual([]);
    expect(series.columns()[0]?.[0]).toEqual([0.3, 0.6, 0.9]);
  });
});

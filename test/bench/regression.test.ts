// SPDX-License-Identifier: MIT
// The comparison of a benchmark run with a baseline, and what is recorded.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measureRounds, ratioOf } from '../../bench/measure.ts';
import {
  appendRun,
  type BenchRun,
  RunFileError,
  readHistory,
  readRun,
} from '../../bench/regression/bench-run.ts';
import { compareRuns, comparisonText, mismatchOf } from '../../bench/regression/compare.ts';
import { historyPage } from '../../bench/regression/history-page.ts';
import { ratiosOf } from '../../bench/regression/ratios.ts';
import { PROJECT } from '../support/project.ts';

const machine = { cpu: 'EPYC', cores: 2, node: 'v20.1.2' };
const run = (ratios: Record<string, number>, commit = 'abc'): BenchRun => ({
  machine,
  ratios,
  date: '2026-11-29T00:00:00.000Z',
  commit,
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vsmmu-test-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const written = (name: string, text: string) => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

describe('a ratio', () => {
  it('is the median of the ratios of the rounds: a slow round changes nothing, nor a slow machine', () => {
    const samples = new Map([
      ['a', [2, 4, 2, 20, 2]],
      ['b', [1, 2, 1, 1, 10]],
    ]);
    expect(ratioOf(samples, 'a', 'b')).toBe(2);
  });

  it('is measured in interleaved rounds, of which the first does not count, as the best of three tries each', async () => {
    const order: string[] = [];
    const subject = (name: string, times: readonly number[]) => {
      let next = 0;
      const run = () => {
        order.push(name);
        return Promise.resolve(times[next++] ?? 0);
      };
      return { name, steps: 2, run };
    };
    const samples = await measureRounds(
      [subject('a', [1, 1, 1, 8, 4, 6]), subject('b', [1, 1, 1, 2, 3, 4])],
      1,
    );
    expect([...samples]).toEqual([
      ['a', [2]],
      ['b', [1]],
    ]);
    expect(order.join('')).toBe('aaabbbaaabbb');
  });

  it('has a name that describes its part, and is better when lower', () => {
    const row = { opcode: 'SYNC', batch: 16, iotlb: 'full', wasm: 8, c: 4, ratio: 0.5 } as const;
    const ratios = ratiosOf({
      machine,
      rounds: 1,
      core: { 'walk / fixed loop': 90 },
      drain: { rows: [row], asidFullToEmpty: 1, emptyDoorbell: 1 },
      targets: { directToTrapped: { 1: 0.04 }, threadToHandoff: 4 },
      dma: {
        rows: [{ transfer: 65536, layout: 'contiguous', smmu: 8, plain: 10, ratio: 1.25 }],
        whole: 20,
      },
    });
    expect(ratios).toEqual({
      'core: walk / fixed loop': 90,
      'drain: SYNC, batch 16, IOTLB full / C': 2,
      'paths: direct / trapped, batch 1': 0.04,
      'paths: TLBI by a drain thread / handoff': 4,
      'dma: 64 KiB, contiguous / copies': 1.25,
    });
  });
});

describe('a baseline', () => {
  const baseline = { 'core: a': 1, 'core: b': 2, 'dma: c': 3 };
  const worse = (runs: readonly Record<string, number>[]) =>
    compareRuns(baseline, runs)
      .filter(({ isWorse }) => isWorse)
      .map(({ name }) => name);

  it('is missed by a ratio that is more than 15 % beyond in each run, and not in all but one', () => {
    expect(worse([{ 'core: a': 1.15, 'core: b': 2.31 }])).toEqual(['core: b']);
    expect(
      worse([
        { 'core: a': 9, 'core: b': 9 },
        { 'core: a': 1.16, 'core: b': 2.29 },
      ]),
    ).toEqual(['core: a']);
    expect(worse([{ 'core: a': 9, 'core: b': 1 }, { 'core: a': 9 }, { 'core: a': 1.1 }])).toEqual(
      [],
    );
  });

  it('is missed by a ratio that has not been measured, where the rest of its part has', () => {
    expect(worse([{ 'core: a': 1 }])).toEqual(['core: b']);
    expect(worse([{ 'dma: c': 3 }])).toEqual([]);
    expect(compareRuns(baseline, [{ 'paths: d': 1 }])).toEqual([]);
  });

  it('is shown as a table', () => {
    const rows = compareRuns(baseline, [{ 'core: a': 0.5, 'core: b': 2.4 }, { 'core: b': 2.5 }]);
    expect(comparisonText(rows).split('\n').slice(1)).toEqual([
      'ratio    baseline  run 1  run 2     best',
      'core: a     1.000  0.500      -  -50.0 %  better',
      'core: b     2.000  2.400  2.500  +20.0 %   worse',
      '1 of 2 ratios more than 15 % beyond the baseline in each of 2 runs',
    ]);
  });

  it('of another Node.js is refused', () => {
    expect(mismatchOf(run({}), { machine: { ...machine, node: 'v20.20.2' } })).toBeUndefined();
    expect(mismatchOf(run({}), { machine: { ...machine, node: 'v24.0.0' } })).toMatch(
      /^the baseline is of Node.js v20.1.2, this is v24.0.0/,
    );
  });

  it.each([
    ['no JSON', '{', /is not a run of the benchmarks/],
    ['something else', '{"machine":{"cpu":"x"},"ratios":{}}', /node/],
    ['ratios that are none', '{"machine":{"cpu":"","node":""},"ratios":{"a":"1"}}', /number/i],
  ])('that is %s is refused in one line', async (_, text, message) => {
    const refused = readRun(written('baseline.json', text));
    await expect(refused).rejects.toThrow(RunFileError);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.not.toThrow(/\n/);
  });

  it.each([20, 24])('of Node.js %d is in the tree, and has the core alone', async (major) => {
    const { machine, ratios } = await readRun(
      join(PROJECT, `bench/regression/baseline-node${major}.json`),
    );
    expect(machine.node).toMatch(new RegExp(`^v${major}\\.`));
    const names = Object.keys(ratios);
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !name.startsWith('core: '))).toEqual([]);
    expect(Object.values(ratios).every((ratio) => ratio > 0)).toBe(true);
  });
});

describe('a history', () => {
  it('has a line for each run', async () => {
    const file = join(folder, 'history.jsonl');
    await appendRun(file, run({ 'core: a': 1 }));
    await appendRun(file, run({ 'core: a': 2 }, 'def'));
    expect(readFileSync(file, 'utf8').split('\n').length).toBe(3);
    const runs = await readHistory(file);
    expect(runs.map(({ commit, ratios }) => [commit, ratios])).toEqual([
      ['abc', { 'core: a': 1 }],
      ['def', { 'core: a': 2 }],
    ]);
    await expect(readHistory(written('bad.jsonl', '\n{}\n'))).rejects.toThrow(
      /line 2, is not a run/,
    );
    await expect(readHistory(join(folder, 'none'))).rejects.toThrow(RunFileError);
  });

  it('has a page with a plot for each ratio, a point for each run that has it, and the baseline', () => {
    const runs = [run({ 'core: a': 1 }), run({ 'core: b': 3 }), run({ 'core: a': 2 }, '<i>')];
    const page = historyPage(runs, { 'core: a': 1.5 });
    const plots = page.split('<figure>').slice(1);
    expect(plots.map((plot) => /<figcaption>(.*)<\/figcaption>/.exec(plot)?.[1])).toEqual([
      'core: a',
      'core: b',
    ]);
    expect(plots.map((plot) => plot.split('<circle').length - 1)).toEqual([2, 1]);
    expect(plots.map((plot) => plot.includes('class="baseline"'))).toEqual([true, false]);
    // The second run is further right and higher, which is a smaller number in SVG.
    const [points = ''] = /points="([^"]*)"/.exec(plots[0] ?? '')?.slice(1) ?? [];
    const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = []] = points
      .split(' ')
      .map((point) => point.split(',').map(Number));
    expect([x2 > x1, y2 < y1]).toEqual([true, true]);
    expect(page).toContain('&lt;i&gt;');
    expect(page).not.toContain('<i>');
  });
});

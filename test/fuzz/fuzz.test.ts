// SPDX-License-Identifier: MIT
// The fuzzer itself: its options, its results, that runs depend only on their seeds; and
// its past findings, each as a case.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OptionsError } from '../../vmm/api/api-errors.ts';
import { checkOptions } from '../../vmm/api/option-checks.ts';
import { MACHINE_SETTINGS } from '../../vmm/api/settings.ts';
import { readChromeTrace } from '../../vmm/trace/index.ts';
import { FuzzUsageError, fuzzOptions } from './fuzz-options.ts';
import { addResult, nextSeed, readResults } from './results.ts';
import { soakOptions } from './soak-options.ts';
import { TARGETS } from './targets.ts';

const NAMES = ['rings', 'tables'];

function refusal(...args: string[]): string {
  try {
    fuzzOptions(args, NAMES);
  } catch (error) {
    expect(error).toBeInstanceOf(FuzzUsageError);
    return (error as Error).message;
  }
  return 'accepted';
}

describe('the options', () => {
  it('share the minutes among the targets', () => {
    expect(fuzzOptions(['--minutes', '3'], NAMES)).toEqual({
      targets: NAMES,
      minutes: 1.5,
      runs: undefined,
      seed: undefined,
      record: true,
    });
    const args = [
      '--target',
      'tables',
      '--target',
      'tables',
      '--runs',
      '7',
      '--seed',
      '4294967295',
    ];
    expect(fuzzOptions([...args, '--no-record'], NAMES)).toEqual({
      targets: ['tables'],
      minutes: undefined,
      runs: 7,
      seed: 4294967295,
      record: false,
    });
  });

  it.each<[string[], string]>([
    [['--target', 'ring'], 'there is no target "ring": there are rings, tables, all'],
    [['--target', '\u001b[2J'], 'there is no target "\\u{1b}[2J": there are rings, tables, all'],
    [['--minutes', '0'], '--minutes must be a number above 0, at most 10000, not "0"'],
    [['--minutes', '0.0'], '--minutes must be a number above 0, at most 10000, not "0.0"'],
    [['--minutes', 'ten'], '--minutes must be a number above 0, at most 10000, not "ten"'],
    [['--minutes', '10001'], '--minutes must be a number above 0, at most 10000, not "10001"'],
    [['--minutes', '1', '--runs', '1'], '--minutes and --runs exclude each other'],
    [['--runs', '0'], '--runs must be an integer from 1 to 1000000000, not "0"'],
    [['--seed', '4294967296'], '--seed must be an integer from 0 to 4294967295, not "4294967296"'],
    [['--seed', '1e3'], '--seed must be an integer from 0 to 4294967295, not "1e3"'],
    [['--seeds', '1'], "Unknown option '--seeds'"],
    [['--seed'], "Option '--seed <value>' argument missing"],
  ])('%j are refused in one line', (args, message) => {
    expect(refusal(...args)).toBe(message);
  });
});

it('the options of the soak are checked likewise', () => {
  expect(soakOptions(['--minutes', '0.5'])).toEqual({ minutes: 0.5, seed: 1 });
  expect(() => soakOptions(['--minutes', '-1'])).toThrow(FuzzUsageError);
  expect(() => soakOptions(['--target', 'x'])).toThrow("Unknown option '--target'");
});

describe('the results', () => {
  it('add up by target and commit, one seed after the other', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vsmmu-results-'));
    try {
      const file = join(folder, 'results.json');
      const entry = (target: string, commit: string, firstSeed: number, runs: number) =>
        addResult(file, {
          target,
          commit,
          firstSeed,
          lastSeed: firstSeed + runs - 1,
          operations: 10 * runs,
          seconds: 1,
        });
      entry('rings', 'a', 0, 5);
      entry('tables', 'a', 0, 2);
      entry('rings', 'a', 5, 5);
      entry('rings', 'b', 10, 1);
      const results = readResults(file);
      expect(
        results.map(({ target, lastSeed, operations }) => [target, lastSeed, operations]),
      ).toEqual([
        ['rings', 9, 100],
        ['tables', 1, 20],
        ['rings', 10, 10],
      ]);
      expect(['rings', 'tables', 'images'].map((name) => nextSeed(results, name))).toEqual([
        11, 2, 0,
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('of the tree are those of targets that there are', () => {
    const names = TARGETS.map(({ name }) => name);
    const file = new URL('./results.json', import.meta.url);
    for (const { target } of JSON.parse(readFileSync(file, 'utf8')) as { target: string }[])
      expect(names).toContain(target);
  });
});

describe('what the fuzzer has found', () => {
  const event = { name: 'x', ph: 'i', pid: 1, tid: 1 };
  const trace = (traceEvents: unknown[], otherData = {}) => ({
    traceEvents,
    otherData: { producer: 'vsmmu', lost: 0, ...otherData },
  });

  // Summaries with "undefined", NaN, Infinity or "[object Object]" in them.
  it.each<[string, unknown, string]>([
    [
      'no count of lost records',
      trace([], { lost: undefined }),
      'it does not say how many records',
    ],
    [
      'lost records that are a text',
      trace([], { lost: 'text' }),
      'it does not say how many records',
    ],
    [
      'a time that is a text',
      trace([{ ...event, ts: 'NaN' }]),
      'the time of an event is not valid',
    ],
    ['a length below 0', trace([{ ...event, dur: -1 }]), 'the time of an event is not valid'],
    ['times whose sum is no number', trace([{ ...event, dur: 1e308 }]), 'the time of an event'],
    [
      'args that are no object',
      trace([{ ...event, args: 1 }]),
      'the args of an event are not an object',
    ],
    [
      'a count of -1',
      trace([{ ...event, args: { count: -1 } }]),
      'the count of an event is not valid',
    ],
    [
      'a name that is an object',
      trace([{ ...event, ph: 'M', args: { name: {} } }]),
      'a process or thread has no name',
    ],
  ])('is refused: a trace with %s', async (_, value, message) => {
    const file = new TextEncoder().encode(JSON.stringify(value));
    await expect(readChromeTrace([file], () => undefined)).rejects.toThrow(message);
  });

  it('is refused: a list as the environment of a guest, which was taken as an empty one', () => {
    const check = (env: unknown) => () => checkOptions(MACHINE_SETTINGS, { env }, 'the options');
    expect(check([])).toThrow(OptionsError);
    expect(check([])).toThrow('env must be an object of texts, not []');
    expect(check({ HOME: 1 })).toThrow('env.HOME must be text, not 1');
  });

  it('is accepted: a variable of a guest that is called as a member of every object', () => {
    const env = { constructor: 'x', toString: 'y' };
    expect(checkOptions(MACHINE_SETTINGS, { env }, 'the options')).toEqual({ env });
  });
});

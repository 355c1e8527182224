// SPDX-License-Identifier: MIT
// The generator of mutants (scripts/mutants.mjs): the result of each operator on a
// source, what is not mutated, and that a seed always draws the same mutants.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DrawnMutant,
  knownResult,
  type Result,
  runMutants,
} from '../../scripts/mutant-run.mjs';
import {
  applied,
  drawMutants,
  nearestTests,
  needsDist,
  parses,
  placesOf,
} from '../../scripts/mutants.mjs';
import { PROJECT } from '../support/project.ts';

/** Mutants of a source: operator, line, the changed text. */
const mutantsOf = (text: string) =>
  placesOf('a.ts', text).map((place) => `${place.operator}: ${applied(text, place)}`);

describe('the operators', () => {
  it.each([
    ['a < b;', ['comparison: a <= b;']],
    ['a >= b;', ['comparison: a > b;']],
    ['a /* === */ === b;', ['comparison: a /* === */ !== b;']],
    ['a && b;', ['logical: a || b;']],
    ['f(0x10);', ['call: ;', 'constant: f((0x10 + 1));', 'constant: f((0x10 - 1));']],
    ['a = 5n;', ['constant: a = (5n + 1n);', 'constant: a = (5n - 1n);']],
    ['await f();', ['call: ;']],
    ['a = b ? c : d;', ['condition: a = !(b) ? c : d;']],
    [
      'function f() { if (a) return; }',
      ['condition: function f() { if (!(a)) return; }', 'return: function f() { ; }'],
    ],
    ['if (a) { b = c; } else d = c;', ['condition: if (!(a)) { b = c; } else d = c;']],
  ])('%s', (text, mutants) => {
    expect(mutantsOf(text)).toEqual(mutants);
  });

  it.each([
    ['types', 'type A = 1 | 2; let a: 3; const f = <T extends 4>(x: T) => x as 5;'],
    ['imports', "import { a } from './5.ts';"],
    ['messages', `throw new RangeError(f(1)); a = \`\${1 + 2}\`;`],
    ['comments', '// a < b\n/* 1 */'],
    ['names of properties', 'a = { 1: b };'],
    ['calls of a base class', 'class A extends B { constructor() { super(); } }'],
    ['optional values', 'a = b ?? c;'],
  ])('leave %s alone', (_what, text) => {
    expect(mutantsOf(text)).toEqual([]);
  });

  it('reach the operand of a cast', () => {
    expect(mutantsOf('a = (b < c) as D;')).toEqual(['comparison: a = (b <= c) as D;']);
  });
});

describe('a sample', () => {
  const files = ['host', 'assembly/vcmdq-drain'].flatMap((folder) =>
    readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  );
  const draw = (sample: number, seed: number, root = PROJECT) =>
    drawMutants(root, files, { sample, seed });

  it('is the same for the same seed, another for another, and begins with the smaller ones', () => {
    const drawn = draw(60, 7);
    expect(draw(60, 7)).toEqual(drawn);
    expect(draw(24, 7)).toEqual(drawn.slice(0, 24));
    expect(draw(24, 8)).not.toEqual(drawn.slice(0, 24));
  });

  it('has as many of each operator', () => {
    const counts = new Map<string, number>();
    for (const { operator } of draw(60, 7)) counts.set(operator, (counts.get(operator) ?? 0) + 1);
    expect([...counts.values()]).toEqual(Array.from({ length: 6 }, () => 10));
  });

  it('consists of programs that parse, each changed in one place', () => {
    for (const place of draw(200, 7)) {
      const text = readFileSync(join(PROJECT, place.file), 'utf8');
      const mutant = applied(text, place);
      expect(parses(place.file, mutant), `${place.file}:${place.line}`).toBe(true);
      expect(mutant.length - text.length).toBe(place.mutant.length - place.original.length);
      expect(text.split('\n')[place.line - 1]).toContain(place.original.split('\n')[0]);
    }
  });

  describe('of a tree in which something else has changed', () => {
    let root: string;
    beforeAll(() => {
      root = mkdtempSync(join(tmpdir(), 'vsmmu-mutants-'));
      for (const folder of ['host', 'assembly/vcmdq-drain'])
        cpSync(join(PROJECT, folder), join(root, folder), { recursive: true });
    });
    afterAll(() => rmSync(root, { recursive: true }));

    it('is the same', () => {
      const drawn = draw(24, 7);
      const [{ file = '' } = {}] = drawn;
      const text = readFileSync(join(root, file), 'utf8');
      writeFileSync(join(root, file), `// Another line above.\n${text}`);
      const moved = draw(24, 7, root).map(({ line, start, ...rest }) => rest);
      expect(moved).toEqual(drawn.map(({ line, start, ...rest }) => rest));
    });
  });
});

describe('the tests that a mutant meets first', () => {
  it.each([
    ['host/kernel/vm.ts', 'test/host/kernel/'],
    ['assembly/smmu-core/stall.ts', 'test/assembly/'],
    ['assembly/layout/ste.ts', 'test/layout/'],
    ['assembly/amd-iommu/index.ts', 'test/host/kernel/amd/'],
    ['vmm/api/index.ts', 'test/api/'],
    ['vmm/vcpu/arm64/translator/emit-logical.ts', 'test/arm64/'],
  ])('of %s are those of %s', (file, tests) => {
    expect(nearestTests(PROJECT, file)).toEqual([tests]);
  });

  it('of a device are those of its folder, and the contract suites', () => {
    const common = 'test/devices/contract/contract.slow.test.ts';
    const amd = 'test/devices/amd-iommu/contract.slow.test.ts';
    const smmu = 'test/devices/smmuv3/contract.slow.test.ts';
    expect(nearestTests(PROJECT, 'devices/pl031/pl031.ts')).toEqual([
      'test/devices/pl031/',
      amd,
      common,
      smmu,
    ]);
    expect(nearestTests(PROJECT, 'devices/smmuv3/queues/hot-queue.ts')).toEqual([
      'test/devices/smmuv3/',
      amd,
      common,
    ]);
    expect(nearestTests(PROJECT, 'devices/index.ts')).toEqual(['test/devices/']);
  });
});

it.each([
  [['test/api/'], true],
  [['test/vmm/boot/', 'test/api/machine.test.ts'], true],
  [['test/vmm/boot/'], false],
  [['test/assembly/', 'test/devices/contract/contract.slow.test.ts'], false],
])('tests in %j see changes in dist/ only: %s', (tests, needed) => {
  expect(needsDist(PROJECT, tests)).toBe(needed);
});

describe('a run', () => {
  const MINUTE = 60_000;
  /**
   * Mutants by name, each with its outcome in the nearest tests and in the whole suite.
   */
  type Fates = Readonly<Record<string, readonly [Result['outcome'], Result['outcome']?]>>;

  /**
   * Runs mutants whose tests take a minute each, or `minutesOf` them, with a simulated
   * clock.
   */
  async function run(
    fates: Fates,
    options: { minutes?: number; nearestOnly?: boolean } = {},
    known: readonly string[] = [],
    minutesOf: Readonly<Record<string, number>> = {},
  ) {
    let time = 5;
    const log: string[] = [];
    const mutants = Object.keys(fates).map((file): DrawnMutant<string> => {
      const rest = { line: 1, operator: 'call', original: 'f()', mutant: ';' } as const;
      const result = { commit: 'c', seed: 1, file, ...rest };
      const outcome = known.includes(file) ? (fates[file]?.[0] ?? 'killed') : 'survived';
      return {
        place: file,
        result: { ...result, outcome, tests: 'nearest' },
        isKnown: known.includes(file),
      };
    });
    const unmet = await runMutants(mutants, {
      ...options,
      now: () => time,
      onResult: ({ result }) => log.push(`${result.file} ${result.outcome} ${result.tests}`),
      meet({ place, result }, tests, limitMs) {
        const duration = (minutesOf[`${place} ${tests}`] ?? 1) * MINUTE;
        time += Math.min(duration, limitMs);
        result.tests = tests;
        result.outcome = fates[place]?.[tests === 'nearest' ? 0 : 1] ?? 'killed';
        if (result.outcome === 'killed') result.by = 'a test';
        return Promise.resolve(limitMs < duration ? 'timeout' : 'done');
      },
    });
    return { log, unmet: unmet.map(({ place }) => place), mutants };
  }
  const FATES: Fates = { a: ['killed'], b: ['survived', 'killed'], c: ['survived', 'survived'] };

  it('has all meet the nearest tests, then the survivors the whole suite', async () => {
    const { log, unmet } = await run(FATES);
    expect(unmet).toEqual([]);
    expect(log).toEqual([
      'a killed nearest',
      'b survived nearest',
      'c survived nearest',
      'b killed all',
      'c survived all',
    ]);
  });

  it('leaves out the whole suite on request, and mutants of an earlier run', async () => {
    expect((await run(FATES, { nearestOnly: true })).log).toHaveLength(3);
    const { log, unmet } = await run(FATES, {}, ['a', 'b']);
    expect(unmet).toEqual([]);
    expect(log).toEqual(['c survived nearest', 'b killed all', 'c survived all']);
  });

  it('ends with its time: a mutant in the middle of its tests counts as not tried', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const fates = Object.fromEntries(names.map((name) => [name, ['killed'] as const]));
    const { log, unmet } = await run(fates, { minutes: 4 });
    expect(log).toEqual(names.slice(0, 4).map((name) => `${name} killed nearest`));
    expect(unmet).toEqual(['e']);
    const half = await run(fates, { minutes: 4.5 });
    expect([half.log, half.unmet]).toEqual([log, unmet]);
    expect(half.mutants[4]?.result).toEqual({
      ...{ commit: 'c', seed: 1, file: 'e', line: 1, operator: 'call' },
      ...{ original: 'f()', mutant: ';', outcome: 'survived', tests: 'nearest' },
    });
  });

  it('keeps the result of the nearest tests when the whole suite is cut short', async () => {
    const fates: Fates = { a: ['killed'], b: ['survived', 'killed'], c: ['killed'] };
    const options = { minutes: 4.5 };
    const { log, unmet, mutants } = await run(fates, options, [], { 'b all': 2 });
    expect(log).toEqual(['a killed nearest', 'b survived nearest', 'c killed nearest']);
    expect(unmet).toEqual([]);
    expect(mutants[1]?.result).toMatchObject({ outcome: 'survived', tests: 'nearest' });
    expect(mutants[1]?.result).not.toHaveProperty('by');
  });

  it('kills a mutant whose nearest tests do not end in a quarter of its time', async () => {
    const fates: Fates = { a: ['killed'], b: ['survived', 'survived'], c: ['killed'] };
    const hangs = { 'a nearest': Number.POSITIVE_INFINITY, 'b all': 1.5 };
    const { log, unmet } = await run(fates, { minutes: 5 }, [], hangs);
    expect(unmet).toEqual([]);
    // The whole suite gets all remaining time: it needs more than a quarter.
    expect(log).toEqual([
      'a killed nearest',
      'b survived nearest',
      'c killed nearest',
      'b survived all',
    ]);
  });
});

describe('an earlier result of a mutant', () => {
  const MUTANT: Result = {
    ...{ commit: 'new', seed: 1, file: 'a.ts', line: 7, operator: 'comparison' },
    ...{ original: '<', mutant: '<=', outcome: 'survived', tests: 'nearest' },
  };
  const OLD: Result = { ...MUTANT, commit: 'old', line: 5, outcome: 'killed' };
  const LINES = new Map([
    ['new:a.ts:7', 'if (a < b)'],
    ['new:a.ts:9', 'if (a < b)'],
    ['old:a.ts:5', 'if (a < b)'],
    ['old:a.ts:6', 'if (a < c)'],
  ]);
  const known = (...results: readonly Result[]) =>
    knownResult(MUTANT, results, ({ commit, file, line }) =>
      LINES.get(`${commit}:${file}:${line}`),
    );

  it('counts at the same commit and line', () => {
    const here = { ...MUTANT, outcome: 'killed' as const };
    expect(known({ ...here, line: 9 }, OLD, here)).toBe(here);
    expect(known({ ...here, line: 9 })).toBeUndefined();
  });

  it('counts at another commit where the line is the same, wherever it was', () => {
    expect(known(OLD)).toBe(OLD);
    expect(known({ ...OLD, line: 6 })).toBeUndefined();
  });

  it('does not count at a commit that the repository does not have', () => {
    expect(known({ ...OLD, commit: 'lost' })).toBeUndefined();
    LINES.delete('new:a.ts:7');
    expect(known({ ...OLD, commit: 'lost' })).toBeUndefined();
  });

  it.each([
    { seed: 2 },
    { file: 'b.ts' },
    { operator: 'logical' },
    { original: '>' },
    { mutant: '!=' },
  ])('does not count for %j', (other) => {
    expect(known({ ...MUTANT, ...other })).toBeUndefined();
  });
});

describe('npm run mutate', () => {
  it.each([
    ['--sample', 'many'],
    ['--seed', '-1'],
    ['--minutes', '1.5'],
    ['--minutes', 'soon'],
    ['--operator', 'call'],
  ])('refuses %s %s in one line', (...args) => {
    const program = join(PROJECT, 'scripts/mutate.mjs');
    const { status, stderr } = spawnSync(process.execPath, [program, ...args], {
      encoding: 'utf8',
    });
    expect([status, stderr.trim().split('\n').length]).toEqual([2, 1]);
  });
});

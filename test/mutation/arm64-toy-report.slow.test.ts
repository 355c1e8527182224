// SPDX-License-Identifier: MIT
// Every check of the arm64 toy's report can fail: for each there is a bug, planted in a copy of the program, that it finds.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARM64_TOY_MUTANTS } from './arm64-toy-mutants.ts';
import { kindOf, plainName } from './check-names.ts';
import { failed, MutantProgram } from './mutant-program.ts';

/** Runs whose checks are all that the arm64 toy has. */
const RUNS = [
  '--arch arm64 --vms 2 --check --vcpus 2',
  '--arch arm64 --vms 1 --path overlay',
  '--arch arm64 --experiment ring-corruption',
  '--arch arm64 --experiment forget-tlbi',
];

let program: MutantProgram;
beforeAll(async () => {
  program = await MutantProgram.create();
});
afterAll(() => program.remove());

describe('the report of the arm64 toy', () => {
  it('has no check for which there is no bug', { timeout: 240_000 }, async () => {
    const names = new Set<string>();
    for (const args of RUNS) {
      const report = await program.report([], args.split(' '));
      expect(failed(report)).toEqual([]);
      for (const { name } of report.checks) names.add(kindOf(name));
    }
    const found = new Set(ARM64_TOY_MUTANTS.flatMap(({ fails }) => fails));
    expect([...names].filter((name) => !found.has(name))).toEqual([]);
  });

  it.each(ARM64_TOY_MUTANTS)(
    'notices when $bug',
    { timeout: 240_000 },
    async ({ edits, args, fails }) => {
      const report = await program.report(edits, args.split(' '));
      expect(report.ok).toBe(false);
      expect(failed(report).map(plainName)).toEqual(expect.arrayContaining([...fails]));
    },
  );
});

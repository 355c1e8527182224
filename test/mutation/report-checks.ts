// SPDX-License-Identifier: MIT
// Every check of a toy's report can fail: for each there is a bug, planted in a copy of
// the program, that it notices.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kindOf, plainName } from './check-names.ts';
import { failed, MutantProgram } from './mutant-program.ts';
import type { ToyMutant } from './toy-mutants.ts';

/**
 * @param title the toy of the report.
 * @param runs arguments of runs that together have all checks of the toy.
 */
export function describeReport(
  title: string,
  runs: readonly string[],
  mutants: readonly ToyMutant[],
): void {
  describe(title, () => {
    let program: MutantProgram;
    beforeAll(async () => {
      program = await MutantProgram.create();
    });
    afterAll(() => program.remove());

    it('has no check for which there is no bug', { timeout: 240_000 }, async () => {
      const names = new Set<string>();
      for (const args of runs) {
        const report = await program.report([], args.split(' '));
        expect(failed(report)).toEqual([]);
        for (const { name } of report.checks) names.add(kindOf(name));
      }
      const found = new Set(mutants.flatMap(({ fails }) => fails));
      expect([...names].filter((name) => !found.has(name))).toEqual([]);
    });

    it.each(mutants)('notices when $bug', { timeout: 240_000 }, async ({ edits, args, fails }) => {
      const report = await program.report(edits, args.split(' '));
      expect(report.ok).toBe(false);
      expect(failed(report).map(plainName)).toEqual(expect.arrayContaining([...fails]));
    });
  });
}

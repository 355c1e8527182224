// SPDX-License-Identifier: MIT
// The order of test files: long ones start first, so that none of them runs alone at the
// end. In a run that ends with the first failure (a mutant's), they start last: a quick
// test may be enough.

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Lower starts first. */
function rank({ project, moduleId }: TestSpecification): number {
  if (project.name === 'browser') return 0;
  return moduleId.endsWith('.slow.test.ts') ? 1 : 2;
}

export class LongestFirst extends BaseSequencer {
  /**
   * Within a rank: the runner's order, by the duration of the previous run, otherwise by
   * size.
   */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const direction = (this.ctx.config.bail ?? 0) > 0 ? -1 : 1;
    return sorted.toSorted((a, b) => direction * (rank(a) - rank(b)));
  }
}

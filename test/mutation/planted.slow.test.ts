// SPDX-License-Identifier: MIT
// The bugs of planted.ts, one after the other in a copy of the tree: the tests named for
// each fail.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MutantTree } from '../../scripts/mutant-tree.mjs';
import { PROJECT } from '../support/project.ts';
import { PLANTED_BUGS } from './planted.ts';

/** Mostly for building a WebAssembly module on a busy computer. */
const LIMIT_MS = 300_000;

let tree: MutantTree;
beforeAll(() => {
  tree = new MutantTree(PROJECT);
});
afterAll(() => tree.remove());

describe('the tests', { timeout: LIMIT_MS + 10_000 }, () => {
  it('pass without a bug', async () => {
    const files = new Set(PLANTED_BUGS.flatMap(({ tests }) => tests));
    const { status, output } = await tree.test([...files], { limitMs: LIMIT_MS });
    expect(status, output).toBe('passed');
  });

  it.each(PLANTED_BUGS)('notice when $bug', async ({ edit, tests }) => {
    const { file, original, mutant } = edit;
    try {
      tree.change(file, (text) => {
        expect(text.split(original).length - 1, `places of "${original}" in ${file}`).toBe(1);
        return text.replace(original, () => mutant);
      });
      const { status, output } = await tree.test(tests, { limitMs: LIMIT_MS });
      expect(status, output).toBe('failed');
    } finally {
      tree.restore();
    }
  });
});

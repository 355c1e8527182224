// SPDX-License-Identifier: MIT
// Before each run of tests, also in watch mode: the loaded files must match the sources.
// Stale WebAssembly modules and a stale dist/ are built, with a message. With
// VSMMU_BUILD=modules (runs of mutants) dist/ is not built.

import type { TestProject } from 'vitest/node';
import { buildStale } from '../../scripts/build-parts.mjs';
import { BuildError } from '../../scripts/build-record.mjs';
import { DEBUG } from './debug-modules.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why the tests cannot run on the current sources; empty when they can. */
    readonly buildProblem: string;
  }
}

/**
 * Type errors do not stop tests: `npm run typecheck` reports them.
 * @returns why the build failed; empty when it did not.
 */
async function freshen(): Promise<string> {
  const onStale = (names: readonly string[]) =>
    console.log(`Building what is stale: ${names.join(', ')}`);
  try {
    const modulesOnly = process.env.VSMMU_BUILD === 'modules';
    await buildStale({ debug: DEBUG, lenient: true, modulesOnly, onStale });
    return '';
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    return `build failed: ${error.message}`;
  }
}

export async function setup(project: TestProject): Promise<void> {
  let last = freshen();
  if (project.isRootProject()) {
    // Edits may arrive faster than builds: one at a time.
    project.onTestsRerun(async () => {
      last = last.then(freshen);
      project.provide('buildProblem', await last);
    });
  }
  const problem = await last;
  // The stack does not concern the build.
  if (problem) throw Object.assign(new Error(problem), { stack: '' });
  project.provide('buildProblem', '');
}

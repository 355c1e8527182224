// SPDX-License-Identifier: MIT
// Before each run of tests, in watch mode too: what the tests load is what the sources make. Stale WebAssembly modules and a stale
// dist/ are built, and a line says so. With VSMMU_BUILD=modules (runs of mutants) dist/ stays as it
// is.

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
 * Type errors stop no test: they are for `npm run typecheck`.
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
    // Edits may come faster than builds: one at a time.
    project.onTestsRerun(async () => {
      last = last.then(freshen);
      project.provide('buildProblem', await last);
    });
  }
  const problem = await last;
  // The stack would say nothing about the build.
  if (problem) throw Object.assign(new Error(problem), { stack: '' });
  project.provide('buildProblem', '');
}

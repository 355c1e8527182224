// SPDX-License-Identifier: MIT
// Before each file of tests: a build that failed in watch mode (fresh-build.ts) fails the tests that would run what was built earlier.

import { inject } from 'vitest';

const problem = inject('buildProblem');
if (problem) throw new Error(problem);

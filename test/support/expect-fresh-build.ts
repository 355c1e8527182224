// SPDX-License-Identifier: MIT
// Before each test file: a build that failed in watch mode (fresh-build.ts) fails the
// tests that would otherwise run an older build.

import { inject } from 'vitest';

const problem = inject('buildProblem');
if (problem) throw new Error(problem);

// SPDX-License-Identifier: MIT
// After each test: the sanitizer has no findings that the test did not expect.

import { afterEach, expect } from 'vitest';
import { untakenFindings } from './findings.ts';

afterEach(() => {
  expect(untakenFindings(), 'findings of the sanitizer').toEqual([]);
});

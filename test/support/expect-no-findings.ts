// SPDX-License-Identifier: MIT
// Behind each test: the sanitizer has found nothing that the test did not expect.

import { afterEach, expect } from 'vitest';
import { untakenFindings } from './findings.ts';

afterEach(() => {
  expect(untakenFindings(), 'findings of the sanitizer').toEqual([]);
});

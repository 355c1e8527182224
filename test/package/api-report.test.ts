// SPDX-License-Identifier: MIT
// The public surface agrees with docs/internals/api-report.txt, so that review shows a
// change of it. test/project/api-report.test.ts tests the content and format of the
// report.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { differences, ownReport, REPORT } from '../../scripts/api-report.mjs';
import { PROJECT } from '../support/project.ts';

it('agrees with the report; after an intended change: npm run api:report', () => {
  const committed = readFileSync(join(PROJECT, REPORT), 'utf8');
  expect(committed).toContain('\n## vsmmu/iommufd/smmu\n');
  expect(differences(committed, ownReport())).toEqual([]);
});

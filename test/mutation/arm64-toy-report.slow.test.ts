// SPDX-License-Identifier: MIT
// Every check of the arm64 toy's report can fail.

import { ARM64_TOY_MUTANTS } from './arm64-toy-mutants.ts';
import { describeReport } from './report-checks.ts';

describeReport(
  'the report of the arm64 toy',
  [
    '--arch arm64 --vms 2 --check --vcpus 2',
    '--arch arm64 --vms 1 --path overlay',
    '--arch arm64 --experiment ring-corruption',
    '--arch arm64 --experiment forget-tlbi',
  ],
  ARM64_TOY_MUTANTS,
);

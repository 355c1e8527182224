// SPDX-License-Identifier: MIT
// Every check of the toy's report can fail.

import { describeReport } from './report-checks.ts';
import { TOY_MUTANTS } from './toy-mutants.ts';

describeReport(
  'the report of the toy',
  [
    '--vms 2 --check --arg warmup=0',
    '--vms 1 --path direct --vcpus 2 --arg warmup=0',
    '--experiment ring-corruption',
    '--experiment forget-tlbi',
  ],
  TOY_MUTANTS,
);

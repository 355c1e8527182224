// SPDX-License-Identifier: MIT
// The numbers by which the thread of an arm64 vCPU distinguishes its machine's answers.

import { expect, it } from 'vitest';
import * as TRANSPORT from '../../../../vmm/vcpu/arm64/arm64-transport.ts';

it('each answer of a machine has its own number', () => {
  const answers = Object.entries(TRANSPORT).filter(([name]) => name.startsWith('ANSWER_'));
  expect(answers.map(([name]) => name).sort()).toEqual([
    'ANSWER_ENDED',
    'ANSWER_OFF',
    'ANSWER_RETURNED',
    'ANSWER_SUSPENDED',
    'ANSWER_UNDEFINED',
  ]);
  expect(answers.map(([, number]) => number).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
});

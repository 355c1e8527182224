// SPDX-License-Identifier: MIT
// The arm64 vCPU at EL0 against qemu-aarch64: random sequences of all forms, with
// registers, flags and memory compared. The results of fixed seeds are stored as a
// digest, for machines without the oracle; where it is installed, the sequences run on
// both.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { matches } from '../../assembly/layout/a64/a64-forms.ts';
import { steps } from '../support/thorough.ts';
import { runSequence, sequenceMachine } from './el0-machine.ts';
import { hasOracle, runOnOracle } from './oracle.ts';
import { Random, type Sequence, sequence, TESTED_FORMS } from './sequences.ts';

const LENGTH = 16;
/** Outcomes of 1500 sequences from seed 1, on which oracle and vCPU agree. */
const DIGEST = 'd2a9b64e1678bd1174bdb04934e4f6b40c4e08b31ff20e2af0788c79dbcf5679';

function sequencesFrom(seed: number, count: number): Sequence[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => sequence(random, LENGTH));
}

const words = ({ words: list }: Sequence) => list.map((word) => word.toString(16)).join(' ');

describe('A64 at EL0', () => {
  it('does what it did when the oracle agreed', () => {
    const machine = sequenceMachine();
    const hash = createHash('sha256');
    for (const one of sequencesFrom(1, 1500)) hash.update(runSequence(machine, one));
    expect(hash.digest('hex')).toBe(DIGEST);
  });

  it('executes every form in some sequence', () => {
    const patterns = new Set<string>();
    for (const one of sequencesFrom(1, 1500))
      for (const word of one.words)
        for (const form of TESTED_FORMS) if (matches(word, form)) patterns.add(form.name);
    expect(TESTED_FORMS.filter(({ name }) => !patterns.has(name))).toEqual([]);
  });

  it.runIf(hasOracle())('agrees with qemu-aarch64', () => {
    const all = sequencesFrom(steps(1, 2), steps(1500, 62_500));
    const expected = runOnOracle(all);
    const machine = sequenceMachine();
    all.forEach((one, i) => {
      expect(runSequence(machine, one), words(one)).toEqual(expected[i]);
    });
  });
});

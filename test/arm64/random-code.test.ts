// SPDX-License-Identifier: MIT
// Random words as code, at EL1 with the MMU on: the WebAssembly does not trap, nothing
// throws, and no byte outside RAM, the record pool and the vCPU's block changes. The
// thorough runs execute 100 million instructions (.ci/run).

import { expect, it } from 'vitest';
import { steps } from '../support/thorough.ts';
import { RandomCode } from './random-code.ts';

const RUNS = steps(8, 125);
const PARTS = steps(1, 8);

it.each(Array.from({ length: PARTS }, (_, part) => part))(
  'random code stays inside: part %i',
  (part) => {
    const code = new RandomCode();
    let executed = 0;
    for (let seed = part * RUNS; seed < (part + 1) * RUNS; seed++) executed += code.run(seed);
    expect(code.changedOutside()).toBeUndefined();
    expect(executed).toBeGreaterThanOrEqual(100_000 * RUNS);
    expect(code.exits.size).toBeGreaterThan(4);
  },
);

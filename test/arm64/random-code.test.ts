// SPDX-License-Identifier: MIT
// Random words as code, at EL1 with the MMU on: nothing traps the WebAssembly, nothing
// throws, and no byte outside of RAM, the record pool and the vCPU's block changes.

import { expect, it } from 'vitest';
import { steps } from '../support/thorough.ts';
import { RandomCode } from './random-code.ts';

it('random code stays inside', () => {
  const code = new RandomCode();
  const runs = steps(8, 125);
  let executed = 0;
  for (let seed = 0; seed < runs; seed++) executed += code.run(seed);
  expect(code.changedOutside()).toBeUndefined();
  expect(executed).toBeGreaterThanOrEqual(100_000 * runs);
  expect(code.exits.size).toBeGreaterThan(4);
});

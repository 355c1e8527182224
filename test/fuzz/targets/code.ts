// SPDX-License-Identifier: MIT
// Random words as code of an arm64 vCPU at EL1 and EL0 with the MMU on: the WebAssembly
// does not trap, and no byte outside the vCPU's memory is written.

import { RandomCode } from '../../arm64/random-code.ts';
import { ensure, type FuzzTarget } from '../target.ts';

export const code: FuzzTarget = {
  name: 'code',
  create() {
    const machine = new RandomCode();
    return Promise.resolve({
      run(seed) {
        const executed = machine.run(seed);
        const changed = machine.changedOutside();
        ensure(changed === undefined, () => `the byte at ${changed} has changed`);
        return executed;
      },
    });
  },
};

// SPDX-License-Identifier: MIT
// Commands of a test on a console, as QEMU's character device `testdev` has them: a number, and what to do
// with it. There is one thing to do, `q`: the test has ended with that number as its exit code.

import { checkRequiredFunction } from '../plugin/index.ts';

const QUIT = 0x71; // "q"
const [ZERO, NINE] = [0x30, 0x39];
const MOST_CODE = 0x7fffffff;

/** Where a command is: in front of its number, in it, or behind it. */
type Part = 'before' | 'number' | 'behind';

/** Space, and what isspace() of C takes for it besides. */
const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/**
 * What a `VirtioConsole` calls with its output to have it taken as a test's commands. A command without a number
 * has 0, and one of another letter means nothing.
 * @param onExit told of the exit code, an integer from 0, when a test has ended.
 */
export function testdevCommands(onExit: (code: number) => void): (bytes: Uint8Array) => void {
  checkRequiredFunction(onExit, 'testdevCommands: onExit');
  let [part, number]: [Part, number] = ['before', 0];
  return (bytes) => {
    for (const byte of bytes) {
      if (byte >= ZERO && byte <= NINE && part !== 'behind') {
        part = 'number';
        number = Math.min(MOST_CODE, number * 10 + byte - ZERO);
      } else if (isSpace(byte)) {
        if (part === 'number') part = 'behind';
      } else {
        const code = number;
        [part, number] = ['before', 0];
        if (byte === QUIT) onExit(code);
      }
    }
  };
}

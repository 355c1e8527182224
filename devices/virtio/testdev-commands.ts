// SPDX-License-Identifier: MIT
// Commands of a test on a console, like those of QEMU's character device `testdev`: a
// number and a letter. Only one letter has a meaning, `q`: the test has ended, and the
// number is its exit code.

import { checkRequiredFunction } from '../plugin/index.ts';

const QUIT = 0x71; // "q"
const [ZERO, NINE] = [0x30, 0x39];
const MOST_CODE = 0x7fffffff;

/** The part of a command that comes next: before its number, in it, or after it. */
type Part = 'before' | 'number' | 'after';

/** White space, as isspace() of C defines it. */
const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/** Reads a test's commands; see `testdevCommands`. */
export interface TestdevCommands {
  (bytes: Uint8Array): void;
  /** Drops a number whose letter has not come: for `onReset` of the console. */
  readonly reset: () => void;
}

/**
 * Makes a function that reads the output of a `VirtioConsole` as a test's commands. A
 * command without a number has the number 0. Other letters than `q` have no effect.
 * Output after a `q` in the same piece is ignored: the test has ended.
 * @param onExit called with the exit code, an integer from 0, when a test has ended.
 */
export function testdevCommands(onExit: (code: number) => void): TestdevCommands {
  checkRequiredFunction(onExit, 'testdevCommands: onExit');
  let [part, number]: [Part, number] = ['before', 0];
  const reset = () => {
    [part, number] = ['before', 0];
  };
  const receive = (bytes: Uint8Array) => {
    for (const byte of bytes) {
      if (byte >= ZERO && byte <= NINE && part !== 'after') {
        part = 'number';
        number = Math.min(MOST_CODE, number * 10 + byte - ZERO);
      } else if (isSpace(byte)) {
        if (part === 'number') part = 'after';
      } else {
        const code = number;
        reset();
        if (byte !== QUIT) continue;
        onExit(code);
        return;
      }
    }
  };
  return Object.assign(receive, { reset });
}

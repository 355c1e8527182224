// SPDX-License-Identifier: MIT
// Common parts of scripts that check kernels: the argument with the number of
// repetitions, and the output, with a line for each check, its problems, and their
// number. `npm run linux:all` counts these lines.

/** The line that `npm run linux:all` copies to the table of results. */
export const NOTE = 'note: ';

/**
 * The number in a script's first argument. Anything but a count ends the script with
 * status 2.
 * @param {number} usual without an argument.
 * @param {string} what for the message: the script, and what is counted.
 */
export function countArgument(usual, what) {
  const [, , argument = usual] = process.argv;
  const count = Number(argument);
  if (Number.isInteger(count) && count >= 1) return count;
  console.error(`${what} must be 1 or more, not ${argument}`);
  process.exit(2);
}

export class CheckList {
  #passed = 0;
  #failed = 0;

  /**
   * @param {string} what
   * @param {readonly string[]} problems
   * @param {string} [result]
   */
  add(what, problems, result = '') {
    const isGood = problems.length === 0;
    if (isGood) this.#passed++;
    else this.#failed++;
    console.log(`${isGood ? 'ok  ' : 'FAIL'} ${what}${result && `: ${result}`}`);
    for (const problem of problems) console.log(`     ${problem}`);
  }

  /**
   * Prints the numbers and sets the exit status: 1 if a check failed, or if there was
   * none.
   */
  end() {
    console.log(`${this.#passed} passed, ${this.#failed} failed`);
    if (this.#failed > 0 || this.#passed === 0) process.exitCode = 1;
  }
}

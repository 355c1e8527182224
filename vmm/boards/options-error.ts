// SPDX-License-Identifier: MIT
// An option, or an argument, that is not one or has a value that it cannot have.

import { VsmmuError } from '../../devices/plugin/index.ts';

/** A wrong value, or an option that does not exist. */
export type OptionsFault = 'bad-option' | 'unknown-option';

/** An option that is not one, or has a value that it cannot have. */
export class OptionsError extends VsmmuError<OptionsFault> {
  override readonly name = 'OptionsError';
  /** The option, `devices[0]` for one in a list. */
  readonly option: string;

  constructor(code: OptionsFault, option: string, message: string) {
    super(code, message);
    this.option = option;
  }
}

/**
 * Has what a check of device models says told as an error of an option.
 * @param option its place.
 * @throws {OptionsError} when the check throws.
 */
export function asOption(
  option: string,
  check: () => void,
  code: OptionsFault = 'bad-option',
): void {
  try {
    check();
  } catch (cause) {
    if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause;
    throw new OptionsError(code, option, cause.message);
  }
}

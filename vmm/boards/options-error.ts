// SPDX-License-Identifier: MIT
// The error for an unknown option or argument, or for a wrong value.

import { VsmmuError } from '../../devices/plugin/index.ts';

/** A wrong value, or an option that does not exist. */
export type OptionsFault = 'bad-option' | 'unknown-option';

/** An unknown option, or one with a wrong value. */
export class OptionsError extends VsmmuError<OptionsFault> {
  override readonly name = 'OptionsError';
  /** The option; `devices[0]` for an element of a list. */
  readonly option: string;

  constructor(code: OptionsFault, option: string, message: string) {
    super(code, message);
    this.option = option;
  }
}

/**
 * Turns the error of a check of device models into one about an option.
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

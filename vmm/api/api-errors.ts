// SPDX-License-Identifier: MIT

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

/** Why a call makes no sense now. */
export type UseFault = 'destroyed' | 'not-booted' | 'running' | 'booted' | 'no-debugger';

/** A method was called when it makes no sense: on a host that is destroyed, on a machine that was not booted. */
export class UseError extends VsmmuError<UseFault> {
  override readonly name = 'UseError';
}

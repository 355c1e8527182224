// SPDX-License-Identifier: MIT

import { VsmmuError } from '../../devices/plugin/index.ts';
import { asOption, OptionsError, type OptionsFault } from '../boards/options-error.ts';

export { asOption, OptionsError, type OptionsFault };

/** Why a call is not possible now. */
export type UseFault = 'destroyed' | 'not-booted' | 'running' | 'booted' | 'no-debugger';

/**
 * A method was called in the wrong state: on a destroyed host, on a machine that was not
 * booted.
 */
export class UseError extends VsmmuError<UseFault> {
  override readonly name = 'UseError';
}

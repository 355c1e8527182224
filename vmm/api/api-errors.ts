// SPDX-License-Identifier: MIT

import { VsmmuError } from '../../devices/plugin/index.ts';
import { asOption, OptionsError, type OptionsFault } from '../boards/options-error.ts';

export { asOption, OptionsError, type OptionsFault };

/** Why a call makes no sense now. */
export type UseFault = 'destroyed' | 'not-booted' | 'running' | 'booted' | 'no-debugger';

/** A method was called when it makes no sense: on a host that is destroyed, on a machine that was not booted. */
export class UseError extends VsmmuError<UseFault> {
  override readonly name = 'UseError';
}

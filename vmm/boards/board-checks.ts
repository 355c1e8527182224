// SPDX-License-Identifier: MIT
// What boards are asked to make machines with: by a Host, or by whoever calls `create`.

import { checkFunction, checkRequiredFunction } from '../../devices/plugin/index.ts';
import { checkBytes, checkInteger, checkMethods } from '../../devices/plugin/known-values.ts';
import { nonEmpty } from '../../devices/plugin/option-kinds.ts';
import type { BoardOptions } from './board.ts';
import { asOption, OptionsError } from './options-error.ts';

/** What every board needs of its host. */
const HOST_CALLS = ['createVm', 'destroyVm', 'service'] as const;

/**
 * @param what names the call: "toyBoard.create".
 * @throws {OptionsError} for the first of what no board can do without.
 */
export function checkBoardOptions(options: BoardOptions, what: string): void {
  if (typeof options !== 'object' || options === null)
    throw new OptionsError(
      'bad-option',
      'options',
      `${what}: options must be an object, as Host.createMachine({ board }) passes it`,
    );
  const { host, name, index, guest, onOutput, readInput } = options;
  asOption('host', () => checkMethods(host, HOST_CALLS, `${what}: host`));
  asOption('name', () => nonEmpty(name, what, 'name'));
  asOption('index', () => checkInteger(index, 0, 2 ** 32 - 1, `${what}: index`));
  asOption('guest', () => checkBytes(guest, `${what}: guest`));
  asOption('onOutput', () => checkRequiredFunction(onOutput, `${what}: onOutput`));
  asOption('readInput', () => checkFunction(readInput, `${what}: readInput`));
}

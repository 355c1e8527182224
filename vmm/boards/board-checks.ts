// SPDX-License-Identifier: MIT
// Checks of the options with which a Host, or another caller of `create`, creates
// machines on boards.

import { checkFunction, checkRequiredFunction } from '../../devices/plugin/index.ts';
import { checkBytes, checkInteger, checkMethods } from '../../devices/plugin/known-values.ts';
import { nonEmpty } from '../../devices/plugin/option-kinds.ts';
import type { BoardOptions } from './board.ts';
import { asOption, OptionsError } from './options-error.ts';

/** Functions of a host that every board needs. */
const HOST_CALLS = ['createVm', 'destroyVm', 'service'] as const;

/**
 * @param what the call's name in messages: "toyBoard.create".
 * @throws {OptionsError} for the first required option that is missing or wrong.
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

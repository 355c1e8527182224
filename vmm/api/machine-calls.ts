// SPDX-License-Identifier: MIT
// Checks of the arguments of a machine's methods.

import { allNamesOf, shownValue } from '../../devices/plugin/known-names.ts';
import { anyText } from '../../devices/plugin/option-kinds.ts';
import { asOption, OptionsError, UseError } from './api-errors.ts';
import type { BootOptions, MachineEnd, MachineStatus } from './machine-types.ts';
import { checkFlag, checkOptionNames } from './option-checks.ts';

const BOOT_OPTIONS = allNamesOf<BootOptions>({ paused: true, signal: true });

function checkSignal({ signal }: { readonly signal?: unknown }): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new OptionsError('bad-option', 'signal', 'signal must be an AbortSignal');
}

/** @throws {OptionsError} for the first error in the options of `boot`. */
export function checkBootOptions(options: BootOptions): void {
  checkOptionNames(options, BOOT_OPTIONS);
  checkFlag(options, 'paused');
  checkSignal(options);
}

/** @throws {OptionsError} for the first error in the options of `wait`. */
function checkWaitOptions(options: { readonly signal?: unknown }): void {
  checkOptionNames(options, ['signal']);
  checkSignal(options);
}

/**
 * Checks that an object was created by a method of the class.
 * @param made what it was built from.
 * @throws {OptionsError} when it was created by `new`.
 */
export function checkMade(made: unknown, what: string, method: string): void {
  if (typeof made !== 'object' || made === null)
    throw new OptionsError('bad-option', '', `${what} must be made by ${method}(), not by new`);
}

interface Runs {
  readonly name: string;
  readonly status: MachineStatus;
}

/** @throws {UseError} when a machine that boots has ended before. */
export function checkNew({ name, status }: Runs): void {
  if (status !== 'new')
    throw new UseError('booted', `${name} has ended (${status}): reset it before it boots again`);
}

/** @throws {UseError} when a machine has not been booted, nor is booting. */
export function checkBooted({ name, status }: Runs, booting?: Promise<void>): void {
  if (status === 'new' && !booting) throw new UseError('not-booted', `${name} has not been booted`);
}

/**
 * @throws {OptionsError} when the budget of a step is not a valid number.
 * @throws {UseError} when the machine is not paused.
 */
export function checkStep(machine: Runs, budget: number | undefined): void {
  if (budget !== undefined && !(Number.isFinite(budget) && budget > 0))
    throw new OptionsError(
      'bad-option',
      'budget',
      `step: budget must be a number above 0, not ${shownValue(budget)}`,
    );
  checkBooted(machine);
  const { name, status } = machine;
  if (status === 'paused') return;
  if (status !== 'running') throw new UseError('booted', `${name} has ended (${status})`);
  throw new UseError('running', `${name} is not paused: only a paused machine goes step by step`);
}

/** @throws {OptionsError} when the reason for stopping a machine is not a string. */
export function checkReason(reason: unknown): void {
  asOption('reason', () => anyText(reason, 'stop', 'reason'));
}

/**
 * The bytes of console input.
 * @throws {OptionsError} when it is neither a string nor bytes.
 */
export function inputBytes(input: unknown): Uint8Array {
  if (typeof input === 'string') return new TextEncoder().encode(input);
  if (input instanceof Uint8Array) return input;
  throw new OptionsError('bad-option', 'input', 'input must be text or bytes');
}

/**
 * The next value passed to a listener. A signal ends the wait, and rejects with its
 * reason.
 */
function untilTold<T>(
  listen: (listener: (value: T) => void) => () => void,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      unlisten();
      reject(signal?.reason);
    };
    const unlisten = listen((value) => {
      unlisten();
      signal?.removeEventListener('abort', abort);
      resolve(value);
    });
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
  });
}

/** The end of a machine, which may be in the past: for `Machine.wait`. */
export function untilEnd(
  machine: Runs & { on(name: 'end', listener: (end: MachineEnd) => void): () => void },
  end: MachineEnd | undefined,
  options: { readonly signal?: AbortSignal },
): Promise<MachineEnd> {
  checkWaitOptions(options);
  if (end) return Promise.resolve(end);
  if (machine.status === 'new')
    return Promise.reject(new UseError('not-booted', `${machine.name} has not been booted`));
  return untilTold((listener) => machine.on('end', listener), options.signal);
}

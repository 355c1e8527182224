// SPDX-License-Identifier: MIT
// What a machine's methods are called with, checked.

import { allNamesOf } from '../../devices/plugin/known-names.ts';
import { OptionsError } from './api-errors.ts';
import type { BootOptions } from './machine-types.ts';
import { checkFlag, checkOptionNames } from './option-checks.ts';

const BOOT_OPTIONS = allNamesOf<BootOptions>({ paused: true, signal: true });

function checkSignal({ signal }: { readonly signal?: unknown }): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new OptionsError('bad-option', 'signal', 'signal must be an AbortSignal');
}

/** @throws {OptionsError} for the first thing that is wrong with the options of `boot`. */
export function checkBootOptions(options: BootOptions): void {
  checkOptionNames(options, BOOT_OPTIONS);
  checkFlag(options, 'paused');
  checkSignal(options);
}

/** @throws {OptionsError} for the first thing that is wrong with the options of `wait`. */
export function checkWaitOptions(options: { readonly signal?: unknown }): void {
  checkOptionNames(options, ['signal']);
  checkSignal(options);
}

/**
 * The bytes of console input.
 * @throws {OptionsError} when it is neither text nor bytes.
 */
export function inputBytes(input: unknown): Uint8Array {
  if (typeof input === 'string') return new TextEncoder().encode(input);
  if (input instanceof Uint8Array) return input;
  throw new OptionsError('bad-option', 'input', 'input must be text or bytes');
}

/** The value that a listener is told next. A signal ends the waiting, and rejects with its reason. */
export function untilTold<T>(
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

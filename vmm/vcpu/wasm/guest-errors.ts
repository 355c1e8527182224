// SPDX-License-Identifier: MIT
// What can go wrong with a Wasm guest, and how one is ended.

import { printable, VsmmuError } from '../../../devices/plugin/index.ts';

/** Why a binary is no guest; docs/guests.md says what to change. */
export type GuestImageFault =
  | 'unreadable'
  | 'too-large'
  | 'not-wasm'
  | 'invalid-wasm'
  | 'no-memory-import'
  | 'memory-not-shared'
  | 'memory-not-fixed'
  | 'memory-too-small'
  | 'memory-size'
  | 'missing-export'
  | 'data-in-abi-area'
  | 'abi-version'
  | 'unknown-import'
  | 'import-type'
  | 'own-memory'
  | 'gc-types'
  | 'table-limits'
  | 'not-instantiable';

/** Which of the files of a machine an error is about: its guest, the program of its secondary vCPUs, or an initrd. */
export type GuestBinary = 'guest' | 'secondary' | 'initrd';

/** The binary is not a guest that this VMM can run. */
export class GuestImageError extends VsmmuError<GuestImageFault> {
  override readonly name = 'GuestImageError';
  /** Which binary it is about; the message begins with its path or URL where it has one. */
  readonly binary: GuestBinary;

  constructor(
    code: GuestImageFault,
    message: string,
    { binary = 'guest', ...options }: ErrorOptions & { readonly binary?: GuestBinary } = {},
  ) {
    super(code, message, options);
    this.binary = binary;
  }
}

/** What messages call a program of secondary vCPUs. */
export const SECONDARY_PROGRAM = 'the program of the secondary vCPUs';

/**
 * What was thrown through a guest's frames, as an error. An exception of the guest's own
 * says nothing of itself, and goes to no other thread.
 */
export function thrownError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new Error('the guest threw an exception that nothing caught');
}

/** Why something of a guest's failed, as part of a line: from another thread it comes as a text. */
export function reasonOf(cause: unknown): string {
  return printable(typeof cause === 'string' ? cause : thrownError(cause).message);
}

/**
 * What it means that a module was not instantiated: an import does not fit, a segment
 * lies out of bounds, its start function trapped. An error of the machine stays what it
 * is.
 */
export function instantiationError(cause: unknown, binary: GuestBinary = 'guest'): VsmmuError {
  if (cause instanceof VsmmuError) return cause;
  const what = binary === 'secondary' ? SECONDARY_PROGRAM : 'the guest';
  const message = `${what} cannot be instantiated: ${reasonOf(cause)}`;
  return new GuestImageError('not-instantiable', message, { cause, binary });
}

/** Which binary the program of a vCPU comes from. */
export function binaryOf(shape: string): GuestBinary {
  return shape === 'secondary' ? 'secondary' : 'guest';
}

/** Thrown through a guest's frames to end it: not an error of the guest. */
export class GuestExit extends Error {
  override readonly name = 'GuestExit';
  /** Exit code of the program, 0 when the machine was stopped from outside. */
  readonly code: number;

  constructor(code: number) {
    super(`the guest ended with code ${code}`);
    this.code = code;
  }
}

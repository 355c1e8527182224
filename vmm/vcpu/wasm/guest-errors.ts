// SPDX-License-Identifier: MIT
// Errors of Wasm guests, and how a guest is ended.

import { printable, VsmmuError } from '../../../devices/plugin/index.ts';

/** Why a binary is not a guest; docs/guests.md says what to change. */
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

/**
 * The file of a machine that caused an error: its guest, the program of its secondary
 * vCPUs, or an initrd.
 */
export type GuestBinary = 'guest' | 'secondary' | 'initrd';

/** The binary is not a guest that this VMM can run. */
export class GuestImageError extends VsmmuError<GuestImageFault> {
  override readonly name = 'GuestImageError';
  /**
   * The binary that caused it; the message begins with its path or URL, if it has one.
   */
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

/** Name in messages of a program of secondary vCPUs. */
export const SECONDARY_PROGRAM = 'the program of the secondary vCPUs';

/**
 * A value thrown through a guest's frames, as an error. A guest's own exception has no
 * text, and cannot be passed to another thread.
 */
export function thrownError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new Error('the guest threw an exception that nothing caught');
}

/**
 * Why something of a guest failed, as part of a line: from another thread it arrives as a
 * string.
 */
export function reasonOf(cause: unknown): string {
  return printable(typeof cause === 'string' ? cause : thrownError(cause).message);
}

/**
 * The error for a failed instantiation: an import does not fit, a segment is out of
 * bounds, its start function trapped. An error of the machine is returned unchanged.
 */
export function instantiationError(cause: unknown, binary: GuestBinary = 'guest'): VsmmuError {
  if (cause instanceof VsmmuError) return cause;
  const what = binary === 'secondary' ? SECONDARY_PROGRAM : 'the guest';
  const message = `${what} cannot be instantiated: ${reasonOf(cause)}`;
  return new GuestImageError('not-instantiable', message, { cause, binary });
}

/** The binary that contains the program of a vCPU. */
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

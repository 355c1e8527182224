// SPDX-License-Identifier: MIT
// Errors of a machine and its devices, as types. The message of each is one line that can
// be shown to a user.

import {
  EnvironmentError,
  type EnvironmentFault,
  VsmmuError,
} from '../../assembly/environment-error.ts';
import { printable } from './printable.ts';

/** Maximum number of characters of a reason that are shown. */
const MOST_REASON = 500;

export { EnvironmentError, type EnvironmentFault, VsmmuError };

/** The kind of problem with a device or its place. */
export type BoardFault = 'plugin-version' | 'plugin-failed' | 'placement';

/** The devices cannot form a board, or one of them does not work. */
export class BoardError extends VsmmuError<BoardFault> {
  override readonly name = 'BoardError';
}

/** The reason of a thrown value, in one line that begins with the part's name, once. */
function reasonOf(component: string, cause: unknown): string {
  const reason = printable(cause instanceof Error ? cause.message : String(cause), MOST_REASON);
  // Functions of a description are named with their device: "adder.SUM: read".
  const isNamed = [':', '.'].some((mark) => reason.startsWith(`${component}${mark}`));
  return isNamed ? reason : `${component}: ${reason}`;
}

/**
 * A part of a machine failed and stopped the machine; other machines of the host
 * continue.
 */
export class MachineError extends VsmmuError<'machine-failed'> {
  override readonly name = 'MachineError';
  /** The part that failed: "guest vCPU 0", the name of a device, "wasi". */
  readonly component: string;

  /**
   * The error for a failed part: `cause`, whose own part is kept when it is such an
   * error.
   */
  static of(component: string, cause: unknown): MachineError {
    return cause instanceof MachineError ? cause : new MachineError(component, cause);
  }

  constructor(component: string, cause: unknown) {
    super('machine-failed', reasonOf(component, cause), { cause });
    this.component = component;
  }
}

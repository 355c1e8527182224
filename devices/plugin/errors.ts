// SPDX-License-Identifier: MIT
// What can go wrong with a machine and its devices, as types. The message of each is one
// line that can be shown to a user.

import {
  EnvironmentError,
  type EnvironmentFault,
  VsmmuError,
} from '../../assembly/environment-error.ts';
import { printable } from './printable.ts';

/** Characters of a reason that are shown. */
const MOST_REASON = 500;

export { EnvironmentError, type EnvironmentFault, VsmmuError };

/** What is wrong with a device, or with its place. */
export type BoardFault = 'plugin-version' | 'plugin-failed' | 'placement';

/** The devices do not make a board, or one of them does not work. */
export class BoardError extends VsmmuError<BoardFault> {
  override readonly name = 'BoardError';
}

/** What was thrown, in one line that begins with the part's name, once. */
function reasonOf(component: string, cause: unknown): string {
  const reason = printable(cause instanceof Error ? cause.message : String(cause), MOST_REASON);
  // A description's functions are named with their device: "adder.SUM: read".
  const isNamed = [':', '.'].some((mark) => reason.startsWith(`${component}${mark}`));
  return isNamed ? reason : `${component}: ${reason}`;
}

/** A machine was stopped by one of its parts; other machines of the host go on. */
export class MachineError extends VsmmuError<'machine-failed'> {
  override readonly name = 'MachineError';
  /** The part that failed: "guest vCPU 0", the name of a device, "wasi". */
  readonly component: string;

  /** Why a part failed: `cause`, which keeps its own part's name where it is such an error. */
  static of(component: string, cause: unknown): MachineError {
    return cause instanceof MachineError ? cause : new MachineError(component, cause);
  }

  constructor(component: string, cause: unknown) {
    super('machine-failed', reasonOf(component, cause), { cause });
    this.component = component;
  }
}

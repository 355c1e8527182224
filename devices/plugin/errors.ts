// SPDX-License-Identifier: MIT
// What can go wrong with a machine and its devices, as types. The message of each is one
// line that can be shown to a user.

import {
  EnvironmentError,
  type EnvironmentFault,
  VsmmuError,
} from '../../assembly/environment-error.ts';

export { EnvironmentError, type EnvironmentFault, VsmmuError };

/** What is wrong with a device, or with its place. */
export type BoardFault = 'plugin-version' | 'plugin-failed' | 'placement';

/** The devices do not make a board, or one of them does not work. */
export class BoardError extends VsmmuError<BoardFault> {
  override readonly name = 'BoardError';
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
    super(
      'machine-failed',
      `${component}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
    this.component = component;
  }
}

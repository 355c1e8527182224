// SPDX-License-Identifier: MIT
// Errors of this library that have a `code`, and those of its environment. The message of
// each is one line that can be shown to a user.

/**
 * An error of this library that its user can act on: `code` for programs, `message` (one
 * line) for people.
 */
export abstract class VsmmuError<Code extends string = string> extends Error {
  /** Identifies the error within its class, for programs. */
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * What this environment lacks. `no-module` and `no-worker`: a file that cannot be loaded.
 */
export type EnvironmentFault =
  | 'no-threads'
  | 'no-webassembly'
  | 'no-module'
  | 'no-worker'
  | 'no-sockets';

/**
 * This environment lacks something that the call needs. `probe` tells beforehand what it
 * supports; `url` names a file that cannot be loaded.
 */
export class EnvironmentError extends VsmmuError<EnvironmentFault> {
  override readonly name = 'EnvironmentError';
  /** The file that cannot be loaded. Absent for other causes. */
  readonly url?: string;

  constructor(
    code: EnvironmentFault,
    message: string,
    options: ErrorOptions & { readonly url?: string } = {},
  ) {
    super(code, message, options);
    if (options.url !== undefined) this.url = options.url;
  }
}

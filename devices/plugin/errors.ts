// What can go wrong with a machine and its devices, as types. The message of each is one
// line that can be shown to a user.

/** An error of this library that its user can act on: `code` for programs, `message` (one line) for people. */
export abstract class VsmmuError<Code extends string = string> extends Error {
  /** Which error of its class it is, for programs. */
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What is wrong with a device, or with its place. */
export type BoardFault = 'plugin-version' | 'plugin-failed' | 'placement';

/** The devices do not make a board, or one of them does not work. */
export class BoardError extends VsmmuError<BoardFault> {
  override readonly name = 'BoardError';
}

/** What this environment lacks; `no-module` and `no-worker`: a file that cannot be loaded. */
export type EnvironmentFault =
  | 'no-threads'
  | 'no-webassembly'
  | 'no-module'
  | 'no-worker'
  | 'no-sockets';

/**
 * What was asked for cannot be had in this environment. What it can do, `probe` tells beforehand; which files
 * cannot be loaded, `url` does.
 */
export class EnvironmentError extends VsmmuError<EnvironmentFault> {
  override readonly name = 'EnvironmentError';
  /** The file that cannot be loaded. Absent when it is something else. */
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

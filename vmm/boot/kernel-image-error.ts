// SPDX-License-Identifier: MIT
// Errors of the files that a machine boots.

import { VsmmuError } from '../../devices/plugin/index.ts';

/** Why a file cannot be booted. */
export type KernelImageFault =
  /** It is truncated, or inconsistent. */
  | 'damaged'
  /** It is for another architecture, or in a format that is not supported. */
  | 'unsupported'
  /** It does not fit in the machine's RAM. */
  | 'too-large';

/** The kind of boot file. */
export type KernelImageFile = 'kernel' | 'initrd' | 'command-line';

/**
 * A kernel, initrd or command line that this machine cannot boot; the message is one
 * line.
 */
export class KernelImageError extends VsmmuError<KernelImageFault> {
  override readonly name = 'KernelImageError';
  /** The file that caused it. A kernel's message begins with its path or URL as given. */
  readonly file: KernelImageFile;

  constructor(
    code: KernelImageFault,
    message: string,
    { file = 'kernel', ...options }: ErrorOptions & { readonly file?: KernelImageFile } = {},
  ) {
    super(code, message, options);
    this.file = file;
  }
}

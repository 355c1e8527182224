// SPDX-License-Identifier: MIT
// What can be wrong with the files that a machine boots.

import { VsmmuError } from '../../devices/plugin/index.ts';

/** Why a file cannot be booted. */
export type KernelImageFault =
  /** It is cut off, or contradicts itself. */
  | 'damaged'
  /** It is for another machine, or in a form that is not supported. */
  | 'unsupported'
  /** It does not fit into the machine's RAM. */
  | 'too-large';

/** What of a kernel's files it is. */
export type KernelImageFile = 'kernel' | 'initrd' | 'command-line';

/** A kernel, initrd or command line that this machine cannot boot; the message is one line. */
export class KernelImageError extends VsmmuError<KernelImageFault> {
  override readonly name = 'KernelImageError';
  /** What it is about. A kernel's message begins with the path or URL that it was given by. */
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

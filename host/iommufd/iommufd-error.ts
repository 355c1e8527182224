// SPDX-License-Identifier: MIT
// Errors of the host object model: each carries the errno that Linux's iommufd returns for it.

import { VsmmuError } from '../../devices/plugin/index.ts';

/** Errors of the object model, by their names in Linux. */
export type Errno =
  | 'E2BIG'
  | 'EADDRINUSE'
  | 'EBADF'
  | 'EBUSY'
  | 'EEXIST'
  | 'EFAULT'
  | 'EINVAL'
  | 'EIO'
  | 'ENOENT'
  | 'ENOMEM'
  | 'ENOSPC'
  | 'ENXIO'
  | 'EOPNOTSUPP'
  | 'EOVERFLOW'
  | 'EPERM'
  | 'ESPIPE'
  | 'ETIMEDOUT';

/** What was asked for cannot be done. The message is one line that can be shown to a user. */
export class IommufdError extends VsmmuError<Errno> {
  override readonly name = 'IommufdError';
  /** The message without the errno's name. */
  readonly reason: string;
  /** Of an invalidation that failed on the way: entries that were carried out. */
  readonly handled: number | undefined;

  constructor(errno: Errno, reason: string, handled?: number) {
    super(errno, `${errno}: ${reason}`);
    this.reason = reason;
    this.handled = handled;
  }

  get errno(): Errno {
    return this.code;
  }
}

/** @throws {IommufdError} unless `holds`. */
export function require(holds: boolean, errno: Errno, message: string): asserts holds {
  if (!holds) throw new IommufdError(errno, message);
}

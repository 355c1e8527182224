// SPDX-License-Identifier: MIT
// Errors of the host object model. Each carries the errno that Linux's iommufd returns.

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

/**
 * A request that cannot be carried out. The message is one line that can be shown to a
 * user.
 */
export class IommufdError extends VsmmuError<Errno> {
  override readonly name = 'IommufdError';
  /** The message without the errno's name. */
  readonly reason: string;
  /** How many entries of a partly failed invalidation were carried out. */
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

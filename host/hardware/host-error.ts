// SPDX-License-Identifier: MIT

import { VsmmuError } from '../../devices/plugin/index.ts';
import type { Errno } from '../iommufd/index.ts';

/** Reasons why a host refuses or fails. */
export type HostFault =
  | 'no-smmu'
  | 'no-vmid'
  | 'over-limit'
  | 'no-vintf'
  | 'no-window'
  | 'no-context'
  | 'no-ram'
  | 'no-stream'
  | 'no-thread'
  | 'timeout'
  | 'in-use';

/** The errno that users of the object model get for each. */
const ERRNOS: Readonly<Record<HostFault, Errno>> = {
  'no-smmu': 'ENOENT',
  'no-vmid': 'ENOSPC',
  'over-limit': 'EBUSY',
  'no-vintf': 'ENOSPC',
  'no-window': 'ENOSPC',
  'no-context': 'ENOSPC',
  'no-ram': 'ENOMEM',
  'no-stream': 'ENOENT',
  'no-thread': 'ENOSPC',
  timeout: 'ETIMEDOUT',
  'in-use': 'EBUSY',
};

/**
 * A host could not carry out a request. The message is one line that can be shown to a
 * user.
 */
export class HostError extends VsmmuError<HostFault> {
  override readonly name = 'HostError';

  get errno(): Errno {
    return ERRNOS[this.code];
  }
}

// SPDX-License-Identifier: MIT
// The board of arm64 kernels, in a file of its own that is loaded when one has been picked.

import { type Board, virtBoard } from 'vsmmu';

/** What a kernel is told when nobody types it a command line. */
const APPEND = 'console=ttyAMA0';

export function kernelBoard(initrd: Uint8Array<ArrayBuffer> | undefined): Board {
  return virtBoard({ initrd, append: APPEND, sleep: 'wait' });
}

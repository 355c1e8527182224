// SPDX-License-Identifier: MIT
// The board of arm64 kernels, in a separate file that is loaded when one has been picked.

import { type Board, virtBoard } from 'vsmmu';

/** Default command line of a kernel. */
const APPEND = 'console=ttyAMA0';

export function kernelBoard(initrd: Uint8Array<ArrayBuffer> | undefined): Board {
  return virtBoard({ initrd, append: APPEND, sleep: 'wait' });
}

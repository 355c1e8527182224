// SPDX-License-Identifier: MIT
// A kernel that `boot` gets without --arch arm64.

import { GuestImageError } from '../vmm/api/index.ts';
import { looksLikeKernel } from '../vmm/boot/index.ts';
import { UsageError } from './cli-error.ts';
import { headOf } from './file-head.ts';

/** An error that names the missing option if a refused guest is a kernel, otherwise `error`. */
export function kernelError(error: unknown, guest: string): unknown {
  const isRefused =
    error instanceof GuestImageError && error.code === 'not-wasm' && error.binary === 'guest';
  if (!isRefused || !looksLikeKernel(headOf(guest))) return error;
  return new UsageError(`${error.message}: a kernel needs --arch arm64`);
}

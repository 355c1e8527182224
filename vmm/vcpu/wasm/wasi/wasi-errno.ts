// SPDX-License-Identifier: MIT
// errno values of wasi_snapshot_preview1.

export const SUCCESS = 0;
export const EBADF = 8;
export const EBUSY = 10;
export const EFAULT = 21;
export const EFBIG = 22;
export const EILSEQ = 25;
export const EINVAL = 28;
export const EIO = 29;
export const EMFILE = 33;
export const ENAMETOOLONG = 37;
export const ENOENT = 44;
export const ENOSPC = 51;
export const ENOSYS = 52;
export const ENOTDIR = 54;
export const ENOTSUP = 58;
export const ESPIPE = 70;
export const ENOTCAPABLE = 76;

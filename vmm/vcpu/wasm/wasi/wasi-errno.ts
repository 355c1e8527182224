// SPDX-License-Identifier: MIT
// errno values of wasi_snapshot_preview1.

export const SUCCESS = 0;
export const EBADF = 8;
export const EBUSY = 10;
export const EEXIST = 20;
export const EFAULT = 21;
export const EILSEQ = 25;
export const EINVAL = 28;
export const EIO = 29;
export const EISDIR = 31;
export const EMFILE = 33;
export const ENAMETOOLONG = 37;
export const ENOENT = 44;
export const ENOSPC = 51;
export const ENOSYS = 52;
export const ENOTDIR = 54;
export const ENOTEMPTY = 55;
export const ENOTSUP = 58;
export const EPERM = 63;
export const ESPIPE = 70;
export const ENOTCAPABLE = 76;

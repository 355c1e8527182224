// SPDX-License-Identifier: MIT
// The WASI functions that the toy uses (wasi_snapshot_preview1). Pointers are offsets in
// guest memory.

export declare function fd_write(fd: i32, iovs: usize, iovsLength: i32, written: usize): i32;
export declare function fd_read(fd: i32, iovs: usize, iovsLength: i32, read: usize): i32;
export declare function args_sizes_get(count: usize, bufferSize: usize): i32;
export declare function args_get(argv: usize, buffer: usize): i32;

// SPDX-License-Identifier: MIT

/** Version of the package: its WebAssembly modules carry it, and those of another one are refused. */
export const PACKAGE_VERSION = '0.1.0';

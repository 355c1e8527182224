// SPDX-License-Identifier: MIT

/**
 * Version of the package. Its WebAssembly modules carry it, and those of another version
 * are refused.
 */
export const PACKAGE_VERSION = '0.1.0';

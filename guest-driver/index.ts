// SPDX-License-Identifier: MIT
// Entry "vsmmu/guest": the guests in the package, and the numbers of the guest ABI
// (docs/guest-abi.md).

export * from '../assembly/layout/guest-abi.ts';

/** The toy guest: a WebAssembly file. */
export const toyGuest: URL = new URL('./toy.wasm', import.meta.url);
/** Program of the toy's secondary vCPUs. */
export const toySecondary: URL = new URL('./secondary.wasm', import.meta.url);

// SPDX-License-Identifier: MIT
// Imports of the arm64 CPU from the board it is on. Addresses and values lie in the vCPU
// block (ARM64_MMIO_*).

/**
 * Behind a store to a direct map that rings (layout/arm64-map-table.ts): the drain's, Wasm to
 * Wasm. `offset` is in bytes from where the range begins.
 */
export declare function doorbell(id: u32, offset: u32): void;
/** Asks the device at a physical address; false where there is none. */
export declare function mmio(cpu: usize, isWrite: bool): bool;
/**
 * Asks for a system register that the board has (`encoding` as in MRS, 16 bits); false
 * where it is UNDEFINED.
 */
export declare function register(cpu: usize, encoding: u32, isWrite: bool): bool;

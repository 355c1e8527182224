// SPDX-License-Identifier: MIT
// Imports of the arm64 CPU from its board. Addresses and values are in the vCPU block
// (ARM64_MMIO_*).

/**
 * Called after a store to a direct map with a doorbell (layout/arm64-map-table.ts): the
 * drain's export, Wasm to Wasm. `offset` is in bytes from the start of the range.
 */
export declare function doorbell(id: u32, offset: u32): void;
/** Accesses the device at a physical address; false when there is none. */
export declare function mmio(cpu: usize, isWrite: bool): bool;
/**
 * Accesses a system register that the board implements, or that nothing does (`encoding`
 * as in MRS, 16 bits); false when it is UNDEFINED.
 */
export declare function register(cpu: usize, encoding: u32, isWrite: bool): bool;

// Imports of the arm64 CPU from the board it is on. Addresses and values lie in the vCPU
// block (ARM64_MMIO_*).

/** Asks the device at a physical address; false where there is none. */
export declare function mmio(cpu: usize, isWrite: bool): bool;
/**
 * Asks for a system register that the board has (`encoding` as in MRS, 16 bits); false
 * where it is UNDEFINED.
 */
export declare function register(cpu: usize, encoding: u32, isWrite: bool): bool;

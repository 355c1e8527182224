// SPDX-License-Identifier: MIT
// The host's functions for a guest: the Wasm module "vsmmu" (docs/guest-abi.md). Every
// call but `doorbell`, `tlbi` and `dsb` is an exit.

/** Trapped register accesses. The gpa is 4-byte (32) or 8-byte (64) aligned. */
export declare function mmio_read32(gpa: i32): i32;
export declare function mmio_write32(gpa: i32, value: i32): void;
export declare function mmio_read64(gpa: i32): i64;
export declare function mmio_write64(gpa: i32, value: i64): void;

/**
 * Tells the VCMDQ drain that the word at `offset` of directly mapped range `id` was
 * stored. Stays inside Wasm.
 */
export declare function doorbell(id: i32, offset: i32): void;

/**
 * Issues a broadcast TLBI of the vCPU, for its VM: ABI_TLBI_*. It reaches the SMMUs that
 * participate (IDR0.BTM), and there the CDs whose ASIDs are shared with processors
 * (CD.ASET = 0). It stays inside Wasm.
 */
export declare function tlbi(operation: i32, asid: i32, va: i64): void;

/**
 * The DSB after TLBIs. Call it with 0 first, then with the ticket that it returned, until
 * it returns 0: no access in progress then uses a removed translation. It stays inside
 * Wasm.
 */
export declare function dsb(before: i64): i64;

/** Sleeps for at most this long; in the meantime the host handles pending work. */
export declare function wait(microseconds: i32): void;

/**
 * Starts the program of a secondary vCPU with an argument. It starts within about a
 * millisecond; an inline vCPU runs to completion before this returns.
 * @returns 0, or -1 when there is no such vCPU or it is still running.
 */
export declare function vcpu_start(vcpu: i32, argument: i32): i32;

/** Nanoseconds since an arbitrary start, monotonic. */
export declare function clock_ns(): f64;

// SPDX-License-Identifier: MIT
// What the host gives a guest: the Wasm module "vsmmu" (docs/guest-abi.md). Every call but `doorbell` leaves the guest.

/** Trapped register accesses. The gpa is 4-byte (32) or 8-byte (64) aligned. */
export declare function mmio_read32(gpa: i32): i32;
export declare function mmio_write32(gpa: i32, value: i32): void;
export declare function mmio_read64(gpa: i32): i64;
export declare function mmio_write64(gpa: i32, value: i64): void;

/** Tells the VCMDQ drain that the word at `offset` of directly mapped range `id` was stored. Stays inside Wasm. */
export declare function doorbell(id: i32, offset: i32): void;

/**
 * A broadcast TLBI of the vCPU, for its VM: ABI_TLBI_*. It reaches the SMMUs that take
 * part (IDR0.BTM), and there the CDs whose ASIDs are shared with processors (CD.ASET =
 * 0). Stays inside Wasm.
 */
export declare function tlbi(operation: i32, asid: i32, va: i64): void;

/**
 * The DSB behind TLBIs: 0 when no access under way uses what they have removed; else what
 * to call it with again. Called with 0 first. Stays inside Wasm.
 */
export declare function dsb(before: i64): i64;

/** Sleeps for at most this long; the host serves what needs its attention meanwhile. */
export declare function wait(microseconds: i32): void;

/**
 * Has a secondary vCPU run its program with an argument; it starts within about a
 * millisecond, inline at once and to its end.
 * @returns 0, or -1 when there is no such vCPU or it is still running.
 */
export declare function vcpu_start(vcpu: i32, argument: i32): i32;

/** Nanoseconds since an arbitrary start, monotonic. */
export declare function clock_ns(): f64;

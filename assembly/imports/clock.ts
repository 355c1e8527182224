// SPDX-License-Identifier: MIT
// The host's clock, the only JavaScript function that a hot module can call. It is called
// only while something is traced, or while a CMD_SYNC waits for an endpoint that does not
// answer.

/** Milliseconds since HOST_AT_EPOCH. */
export declare function now(): f64;

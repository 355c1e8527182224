// SPDX-License-Identifier: MIT
// Allocations and accesses to memory of the object model, announced before they happen: a
// host accounts them, a test has one fail.

/** What is announced to a `ResourceGate`. */
export type Resource = 'allocation' | 'memory access';

/**
 * Called before each.
 * @param what what it is for, such as "IOAS area".
 * @throws {IommufdError} ENOMEM or EFAULT when it is refused; the request then leaves nothing behind.
 */
export type ResourceGate = (resource: Resource, what: string) => void;

/** A gate that refuses nothing. */
export const OPEN_GATE: ResourceGate = () => undefined;

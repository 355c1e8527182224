// SPDX-License-Identifier: MIT
// Announcements of the object model's allocations and memory accesses before they happen,
// so that a host can account for them and a test can make one fail.

/** What is announced to a `ResourceGate`. */
export type Resource = 'allocation' | 'memory access';

/**
 * Called before each allocation and access.
 * @param what its purpose, such as "IOAS area".
 * @throws {IommufdError} ENOMEM or EFAULT to refuse it; the request then changes nothing.
 */
export type ResourceGate = (resource: Resource, what: string) => void;

/** A gate that refuses nothing. */
export const OPEN_GATE: ResourceGate = () => undefined;

// SPDX-License-Identifier: MIT
// Accounts for VMIDs, which are few: one group of VMs must not use up those of the others
// (as Linux's misc cgroup counts such resources).

import { HostError } from '../hardware/host-error.ts';

export class VmidAccount {
  readonly name: string;
  /** Most VMIDs that the group's VMs may have at once. */
  readonly limit: number;
  #charged = 0;
  #refused = 0;

  /** @throws {RangeError} when the limit is not a non-negative integer. */
  constructor(name: string, limit: number) {
    if (!Number.isSafeInteger(limit) || limit < 0)
      throw new RangeError(`the limit of VMIDs must be a non-negative integer, not ${limit}`);
    this.name = name;
    this.limit = limit;
  }

  /** VMIDs charged to the group now. */
  get charged(): number {
    return this.#charged;
  }

  /** Requests that were refused at the limit. */
  get refused(): number {
    return this.#refused;
  }

  /** @throws {HostError} at the limit; nothing is charged then. */
  charge(): void {
    if (this.#charged >= this.limit) {
      this.#refused++;
      throw new HostError('over-limit', `${this.name} has all ${this.limit} VMIDs of its limit`);
    }
    this.#charged++;
  }

  uncharge(): void {
    this.#charged--;
  }
}

// SPDX-License-Identifier: MIT
// Settings of the toy's runs, to be combined (test/vmm/threads/toy.test.ts).

import type { Factors } from './pairwise.ts';

export interface ToyCombination {
  readonly mailbox: boolean;
  readonly thread: boolean;
  readonly vcpus: number;
  readonly vms: number;
}

/**
 * In an order in which many machines rarely have both a mailbox and a drain thread
 * (pairwise.ts): that combination takes longest.
 */
export const TOY_FACTORS: Factors<ToyCombination> = {
  vcpus: [1, 2, 3, 4],
  mailbox: [false, true],
  thread: [false, true],
  vms: [1, 2, 3, 4],
};

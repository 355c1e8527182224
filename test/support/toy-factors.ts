// SPDX-License-Identifier: MIT
// What the toy is run with, in combinations (test/vmm/threads/toy.test.ts).

import type { Factors } from './pairwise.ts';

export interface ToyCombination {
  readonly mailbox: boolean;
  readonly thread: boolean;
  readonly vcpus: number;
  readonly vms: number;
}

/** In an order by which many machines seldom meet both a mailbox and a drain thread (pairwise.ts): that takes longest. */
export const TOY_FACTORS: Factors<ToyCombination> = {
  vcpus: [1, 2, 3, 4],
  mailbox: [false, true],
  thread: [false, true],
  vms: [1, 2, 3, 4],
};

// What the toy is run with, in combinations (test/vmm/threads/toy.test.ts).

import type { Factors } from './pairwise.ts';

export interface ToyCombination {
  readonly mailbox: boolean;
  readonly thread: boolean;
  readonly vcpus: number;
  readonly vms: number;
}

export const TOY_FACTORS: Factors<ToyCombination> = {
  mailbox: [false, true],
  thread: [false, true],
  vcpus: [1, 2, 3, 4],
  vms: [1, 2, 3, 4],
};

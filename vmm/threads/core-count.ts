// SPDX-License-Identifier: MIT

import { IN_NODE } from '../../assembly/in-node.ts';

/** Threads that this computer, or this program's share of it, runs at once. */
export function coreCount(): number {
  return IN_NODE
    ? process.getBuiltinModule('node:os').availableParallelism()
    : navigator.hardwareConcurrency;
}

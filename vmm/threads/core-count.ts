// SPDX-License-Identifier: MIT

import { IN_NODE } from '../../assembly/in-node.ts';

/**
 * Number of threads that this computer, or this program's share of it, runs in parallel.
 */
export function coreCount(): number {
  return IN_NODE
    ? process.getBuiltinModule('node:os').availableParallelism()
    : navigator.hardwareConcurrency;
}

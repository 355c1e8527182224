import { IN_NODE } from './in-node.ts';

/** Threads that this computer, or this program's share of it, runs at once. */
export async function coreCount(): Promise<number> {
  return IN_NODE ? (await import('node:os')).availableParallelism() : navigator.hardwareConcurrency;
}

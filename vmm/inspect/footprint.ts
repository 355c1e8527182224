// SPDX-License-Identifier: MIT
// The state of a VM in its host and its memory, as counts and hashes: two footprints are
// equal when nothing was lost or changed in between. For the isolation checks; reads the
// host's structures without modifying them.

import { CMDQV_SIDS_PER_VINTF } from '../../assembly/layout/cmdqv-registers.ts';
import { CTX_STRIDE } from '../../assembly/layout/context-memory.ts';
import { TLB_ENTRY_SIZE } from '../../assembly/layout/iotlb-memory.ts';
import { QUEUE_STRIDE } from '../../assembly/layout/queue-memory.ts';
import type { GuestSmmu, InspectedSmmu } from './inspected.ts';
import { eachLiveTlbEntry } from './iotlb-view.ts';

/** One kind of state: its count, and a hash of all of it. */
export interface Footprint {
  readonly count: number;
  readonly hash: number;
}

export const FOOTPRINT_KINDS = ['IOTLB entries', 'queues and contexts', 'guest memory'] as const;
/** What a footprint counts. */
export type FootprintKind = (typeof FOOTPRINT_KINDS)[number];
/** A machine's footprint, by kind: see `Machine.footprint`. */
export type MachineFootprint = Readonly<Record<FootprintKind, Footprint>>;

/** Initial value of a hash. */
export const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * FNV-1a over 32-bit words, in four lanes that are hashed at the end: it is all of a
 * machine's memory, and each step of a lane waits for the multiplication before it.
 */
export function hashWords(words: Uint32Array | Int32Array, seed = FNV_OFFSET): number {
  // As signed numbers, and the length looked at once.
  const signed = new Int32Array(words.buffer, words.byteOffset, words.length);
  const { length } = signed;
  const inLanes = length - (length % 4);
  let first = seed | 0;
  let second = first;
  let third = first;
  let fourth = first;
  for (let i = 0; i < inLanes; i += 4) {
    first = Math.imul(first ^ (signed[i] ?? 0), FNV_PRIME);
    second = Math.imul(second ^ (signed[i + 1] ?? 0), FNV_PRIME);
    third = Math.imul(third ^ (signed[i + 2] ?? 0), FNV_PRIME);
    fourth = Math.imul(fourth ^ (signed[i + 3] ?? 0), FNV_PRIME);
  }
  // Each lane is multiplied another number of times: swapped words change the hash.
  let hash = FNV_OFFSET | 0;
  for (const lane of [first, second, third, fourth]) hash = Math.imul(hash ^ lane, FNV_PRIME);
  for (let i = inLanes; i < length; i++) hash = Math.imul(hash ^ (signed[i] ?? 0), FNV_PRIME);
  return hash >>> 0;
}

/** Entries of the VMID that a lookup would still use. */
function tlbFootprint(
  { hostMemory, smmuBlock, vmid: own }: InspectedSmmu,
  seed: Footprint,
): Footprint {
  const words = new Uint32Array(hostMemory.buffer);
  let { count, hash } = seed;
  eachLiveTlbEntry(hostMemory, smmuBlock, ({ address, vmid }) => {
    if (vmid !== own) return;
    count++;
    hash = hashWords(words.subarray(address >> 2, (address + TLB_ENTRY_SIZE) >> 2), hash);
  });
  return { count, hash };
}

/** Command contexts (VMID, StreamID pairs) and queue blocks (CONS, state, counters). */
function queueFootprint({ smmu, vintf }: GuestSmmu, seed: Footprint): Footprint {
  const words = new Uint32Array(smmu.hostMemory.buffer);
  const queues = [
    ...(vintf?.queues ?? []),
    smmu.commandQueue,
    ...smmu.enhancedQueues.map(({ block }) => block),
  ];
  const contexts = [...(vintf ? [vintf.context] : []), smmu.context];
  let { hash } = seed;
  for (const { address } of queues)
    hash = hashWords(words.subarray(address >> 2, (address + QUEUE_STRIDE) >> 2), hash);
  for (const { address } of contexts)
    hash = hashWords(words.subarray(address >> 2, (address + CTX_STRIDE) >> 2), hash);
  return {
    count: seed.count + queues.length + contexts.length * CMDQV_SIDS_PER_VINTF,
    hash,
  };
}

/** Guest memory, counted in bytes. `except`: byte offset of a word that is left out. */
export function memoryFootprint(memory: WebAssembly.Memory, except: number | undefined): Footprint {
  const words = new Int32Array(memory.buffer);
  const word = except === undefined ? words.length : except >> 2;
  const before = hashWords(words.subarray(0, word));
  return { count: words.byteLength, hash: hashWords(words.subarray(word + 1), before) };
}

/**
 * Everything of a machine that another machine must not be able to change.
 * @param memory the guest's.
 * @param smmus the guest's, with what is lent to them.
 * @param drainSleeping byte offset of the word of guest memory, if any, in which the
 *   host's own drain marks that it sleeps: it is left out.
 */
export function machineFootprint(
  memory: WebAssembly.Memory,
  smmus: readonly GuestSmmu[],
  drainSleeping?: number,
): MachineFootprint {
  const none: Footprint = { count: 0, hash: FNV_OFFSET };
  return {
    'IOTLB entries': smmus.reduce((sum, { smmu }) => tlbFootprint(smmu, sum), none),
    'queues and contexts': smmus.reduce((sum, one) => queueFootprint(one, sum), none),
    'guest memory': memoryFootprint(memory, drainSleeping),
  };
}

// SPDX-License-Identifier: MIT
// Scalable-mode structures in memory, as hardware reads them: from a source ID to its
// PASID table entry, and page tables of four levels.

import {
  VTD_AW_48,
  VTD_CONTEXT_SIZE,
  VTD_FS_P,
  VTD_FS_RW,
  VTD_PASID_ENTRY_SIZE,
  VTD_PE_AW,
  VTD_PE_DID,
  VTD_PE_FSPM,
  VTD_PE_FSPTPTR,
  VTD_PE_PGTT,
  VTD_PE_SSPTPTR,
  VTD_PGTT_FIRST,
  VTD_PGTT_NESTED,
  VTD_PGTT_SECOND,
  VTD_PRESENT,
  VTD_PTE_PS,
  VTD_ROOT_SIZE,
  VTD_SS_R,
  VTD_SS_W,
} from '../../assembly/layout/vtd-formats.ts';
import { bitsOf, fieldOf } from '../plugin/index.ts';
import { guestStructure } from '../tables/guest-structure.ts';

/** Memory as hardware reads it; undefined outside memory. */
export type Load64 = (address: bigint) => bigint | undefined;

/** Bits 51:12: the address in an entry. */
const ADDRESS = 0xf_ffff_ffff_f000n;
const LEVELS = 4;
const PAGE_SHIFT = 12n;
const PAGE_OFFSET = (1n << PAGE_SHIFT) - 1n;
/** devfn 128 and above: the upper half of a bus has its own context table. */
const UPPER = 128;

const low = (word: bigint) => Number(word & 0xffffffffn);
const isPresent = (word: bigint) => bitsOf(low(word), VTD_PRESENT) === 1;

/** The address in bits 63:12 of a doubleword of a structure. */
export function addressOf(words: Uint32Array, doubleword: number): bigint {
  const low = words[2 * doubleword] ?? 0;
  const high = words[2 * doubleword + 1] ?? 0;
  return ((BigInt(high) << 32n) | BigInt(low)) & ~PAGE_OFFSET;
}

/** Sets it; the bits below are kept. */
export function setAddress(words: Uint32Array, doubleword: number, address: bigint): void {
  const low = words[2 * doubleword] ?? 0;
  words[2 * doubleword] = (low | Number(address & 0xfffff000n)) >>> 0;
  words[2 * doubleword + 1] = Number(address >> 32n);
}

/** The entry of a source ID for requests without a PASID (RID_PASID 0). */
export interface PasidEntry {
  /** The context entry's first doubleword: DTE and PRE. */
  readonly context: bigint;
  /** VTD_PGTT_*. */
  readonly pgtt: number;
  readonly did: number;
  /** Tables of the first and second stage; 0 when PGTT does not use the stage. */
  readonly firstStage: bigint;
  readonly secondStage: bigint;
  /** 32-bit words of the entry. */
  readonly words: Uint32Array;
}

/**
 * Walks root, context and PASID tables (section 3.4).
 * @param root address of the root table.
 * @returns undefined when an entry is missing, or requires what this IOMMU does not
 *   support.
 */
export function pasidEntryOf(load: Load64, root: bigint, sourceId: number): PasidEntry | undefined {
  const bus = sourceId >>> 8;
  const devfn = sourceId & 0xff;
  const follow = (at: bigint) => {
    const word = load(at);
    return word !== undefined && isPresent(word) ? word : undefined;
  };
  const half = devfn < UPPER ? 0n : 8n;
  const rootEntry = follow((root & ADDRESS) + BigInt(bus * VTD_ROOT_SIZE) + half);
  if (rootEntry === undefined) return undefined;
  const context = follow((rootEntry & ADDRESS) + BigInt((devfn % UPPER) * VTD_CONTEXT_SIZE));
  if (context === undefined) return undefined;
  const directory = follow(context & ADDRESS);
  if (directory === undefined) return undefined;
  const words = guestStructure(
    { load64: (at) => load(BigInt(at)) },
    Number(directory & ADDRESS),
    VTD_PASID_ENTRY_SIZE,
  );
  return words && decoded(context, words);
}

function decoded(context: bigint, words: Uint32Array): PasidEntry | undefined {
  const pgtt = fieldOf(words, VTD_PE_PGTT);
  const hasFirst = pgtt === VTD_PGTT_FIRST || pgtt === VTD_PGTT_NESTED;
  const hasSecond = pgtt === VTD_PGTT_SECOND || pgtt === VTD_PGTT_NESTED;
  const isKnown =
    fieldOf(words, VTD_PRESENT) === 1 &&
    (hasFirst || hasSecond) &&
    (!hasSecond || fieldOf(words, VTD_PE_AW) === VTD_AW_48) &&
    fieldOf(words, VTD_PE_FSPM) === 0;
  if (!isKnown) return undefined;
  return {
    context,
    pgtt,
    did: fieldOf(words, VTD_PE_DID),
    firstStage: hasFirst ? addressOf(words, VTD_PE_FSPTPTR) & ADDRESS : 0n,
    secondStage: hasSecond ? addressOf(words, VTD_PE_SSPTPTR) & ADDRESS : 0n,
    words,
  };
}

/** The kind of tables to walk. */
export type Stage = 'first' | 'second';

/** An output address of a stage, and whether all entries on the path permit writes. */
export interface Walked {
  readonly address: bigint;
  readonly writable: boolean;
}

const BITS = {
  first: { read: VTD_FS_P, write: VTD_FS_RW },
  second: { read: VTD_SS_R, write: VTD_SS_W },
} as const;

/**
 * Walks page tables of four levels of 4 KiB, with leaves of 1 GiB, 2 MiB and 4 KiB.
 * @param load reads an entry at its address: for a nested first stage, through the second
 *   one.
 * @returns undefined for a fault.
 */
export function walkTables(
  load: Load64,
  root: bigint,
  input: bigint,
  stage: Stage,
): Walked | undefined {
  if (input >> (PAGE_SHIFT + BigInt(9 * LEVELS)) !== 0n) return undefined;
  let table = root;
  let writable = true;
  for (let level = LEVELS - 1; level >= 0; level--) {
    const shift = PAGE_SHIFT + BigInt(9 * level);
    const entry = load(table + ((input >> shift) & 0x1ffn) * 8n);
    if (entry === undefined || bitsOf(low(entry), BITS[stage].read) === 0) return undefined;
    writable &&= bitsOf(low(entry), BITS[stage].write) === 1;
    const isLeaf = level === 0 || (level < LEVELS - 1 && bitsOf(low(entry), VTD_PTE_PS) === 1);
    const offset = (1n << shift) - 1n;
    if (isLeaf) return { address: (entry & ADDRESS & ~offset) | (input & offset), writable };
    table = entry & ADDRESS;
  }
  return undefined;
}

// SPDX-License-Identifier: MIT
// Table walks for display: each descriptor on the path, decoded. Nothing is cached, and
// no descriptor is updated.

import { type Decoded, decodePte } from '../../devices/decode/index.ts';
import { byteSwapped } from '../../devices/tables/descriptor-order.ts';
import type { Granule } from '../../devices/tables/index.ts';
import { entryShift, SHIFTS } from '../../devices/tables/table-geometry.ts';

/** Reads an aligned 64-bit word, little-endian; undefined outside RAM. */
export type TableLoad = (address: number) => bigint | undefined;

/** The tables of one stage. */
export interface Tables {
  readonly stage: 1 | 2;
  readonly root: number;
  readonly granule: Granule;
  readonly inputBits: number;
  readonly startLevel: number;
  readonly ds: boolean;
  /** Descriptors are big-endian. */
  readonly isBigEndian: boolean;
}

/** Result of a walk: an output address, or the reason why there is none. */
export type WalkResult = { readonly output: bigint } | { readonly why: string };

const hex = (value: bigint | number) => `0x${value.toString(16)}`;

/** The address in a descriptor, assembled from its fields. */
function addressOf({ fields }: Decoded): bigint {
  const value = (name: string) => fields.find((field) => field.name === name)?.value ?? 0n;
  return value('Address') | (value('Address[51:48]') << 48n) | (value('Address[51:50]') << 50n);
}

/**
 * Walks the tables for an input address in their range.
 * @param say receives a line for each descriptor.
 */
export function walkTables(
  tables: Tables,
  input: bigint,
  load64: TableLoad,
  say: (line: string) => void,
): WalkResult {
  const { stage, granule, inputBits, startLevel, ds } = tables;
  let table = BigInt(tables.root);
  for (let level = startLevel; level <= 3; level++) {
    const shift = entryShift(granule, level);
    // The first table has one entry per value of the remaining input bits.
    const bits = level === startLevel ? Math.max(0, inputBits - shift) : SHIFTS[granule] - 3;
    const index = (input >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n);
    const slot = Number(table + 8n * index);
    const word = load64(slot);
    if (word === undefined) return { why: `there is no RAM at ${hex(slot)}` };
    const descriptor = tables.isBigEndian ? byteSwapped(word) : word;
    const words = [Number(descriptor & 0xffffffffn), Number(descriptor >> 32n)];
    const decoded = decodePte(words, { granule, level, stage, ds });
    say(`${hex(slot)}: ${hex(descriptor)}, ${decoded.name}, ${decoded.summary}`);
    if (decoded.name === 'table descriptor') {
      table = addressOf(decoded);
      continue;
    }
    if (decoded.name !== 'block descriptor' && decoded.name !== 'page descriptor')
      return { why: `stage ${stage} does not map ${hex(input)}` };
    return { output: addressOf(decoded) | (input & ((1n << BigInt(shift)) - 1n)) };
  }
  return { why: `stage ${stage} does not map ${hex(input)}` };
}

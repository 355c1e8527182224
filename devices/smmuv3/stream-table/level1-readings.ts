// SPDX-License-Identifier: MIT
// Level-1 descriptors of a guest's stream table that its SMMU may have cached. A CFGI_STE
// with Leaf = 1 does not invalidate them (IHI 0070 sections 4.3.1 and 5.1.1). Only valid
// ones are tracked: Linux makes one valid without a command.

import { L1STD_SIZE } from '../../../assembly/layout/ste.ts';
import type { StreamTableShape } from '../table-shapes.ts';
import type { StaleLevel1 } from '../viommu-backend.ts';
import { level1Table } from './locate-ste.ts';

type Load64 = (address: number) => bigint | undefined;

interface Reading {
  readonly address: number;
  readonly split: number;
  readonly value: bigint;
}

export class Level1Readings {
  /** By the first stream that the descriptor covers. */
  readonly #readings = new Map<number, Reading>();

  clear(): void {
    this.#readings.clear();
  }

  /** The SMMU has read the descriptor of a stream. An earlier reading is kept. */
  remember(shape: StreamTableShape, sid: number, load64: Load64): void {
    const place = placeOf(shape, sid);
    if (!place) return;
    const { first, address, split } = place;
    const known = this.#readings.get(first);
    if (known?.address === address && known.split === split) return;
    const value = load64(address);
    if (value !== undefined && level1Table(value, split))
      this.#readings.set(first, { address, split, value });
    else this.#readings.delete(first);
  }

  /** A CFGI that invalidates level-1 descriptors covered these streams. */
  forget(firstSid: number, lastSid: number): void {
    for (const [first, { split }] of this.#readings)
      if (first <= lastSid && first + 2 ** split > firstSid) this.#readings.delete(first);
  }

  /**
   * How the descriptor of a stream differs from the one that its SMMU may have cached.
   */
  stale(shape: StreamTableShape, sid: number, load64: Load64): StaleLevel1 | undefined {
    const place = placeOf(shape, sid);
    const reading = place && this.#readings.get(place.first);
    if (!place || reading?.address !== place.address || reading.split !== place.split)
      return undefined;
    const now = load64(place.address);
    if (now === undefined) return undefined;
    const [was, is] = [level1Table(reading.value, place.split), level1Table(now, place.split)];
    if (was?.base === is?.base && was?.entries === is?.entries) return undefined;
    return {
      address: place.address,
      old: reading.value,
      now,
      reading,
      current: () => this.#readings.get(place.first) === reading,
    };
  }
}

function placeOf({ base, log2size, split }: StreamTableShape, sid: number) {
  if (split === undefined || sid >= 2 ** log2size) return undefined;
  const index = Math.floor(sid / 2 ** split);
  return { first: index * 2 ** split, address: base + index * L1STD_SIZE, split };
}

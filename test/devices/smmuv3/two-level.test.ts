// SPDX-License-Identifier: MIT
// A guest's 2-level stream table, read by its SMMU.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  abortSte,
  invalidSte,
  level1SteDescriptor,
  stage1Ste,
  writeSte,
} from '../../../devices/tables/index.ts';
import {
  BUFFER,
  backend,
  bus,
  CDS,
  enable,
  memory,
  PA,
  RING,
  record,
  STREAMS,
  setUp,
  stage1,
} from './guest-board.ts';

/** FMT 2-level, SPLIT 6, 2^8 StreamIDs: four level-1 descriptors. */
const TWO_LEVEL = 0x10188;
const SID = 8;
let level2: number;

beforeEach(() => {
  setUp();
  stage1();
  level2 = memory.allocate(4096, 4096);
  enable(0xc);
  memory.store64(STREAMS, 0n);
  bus.write32(0x88, TWO_LEVEL);
});

function cfgiSte(): void {
  memory.store64(RING, 0x0000_0008_0000_0003n);
  memory.store64(RING + 8, 1n);
  bus.write32(0x98, 1);
}

describe('a 2-level stream table', () => {
  it('returns the STE of its level-1 descriptor', () => {
    memory.store64(STREAMS, level1SteDescriptor(level2, 7));
    writeSte(memory, level2, SID, stage1Ste({ contextPtr: CDS }));
    bus.write32(0x20, 0xd);
    expect(backend.dma(SID, 0x10000)).toBe(PA + BUFFER);
  });

  it.each([
    ['SPAN 0', () => 0n],
    ['a SPAN that leaves the stream out', () => level1SteDescriptor(level2, 4)],
    ['a SPAN beyond SPLIT', () => level1SteDescriptor(level2, 8)],
  ])('%s: C_BAD_STREAMID', (_name, descriptor) => {
    memory.store64(STREAMS, descriptor());
    writeSte(memory, level2, SID, stage1Ste({ contextPtr: CDS }));
    bus.write32(0x20, 0xd);
    expect(backend.dma(SID, 0x10000)).toBeUndefined();
    backend.forwardEvents();
    expect(record(0)).toEqual([0x0000_0008_0000_0002n, 0n, 0n, 0n]);
  });

  it('a level-2 table that is not RAM: F_STE_FETCH with the address of the STE', () => {
    memory.store64(STREAMS, level1SteDescriptor(0x7000_0000, 7));
    bus.write32(0x20, 0xd);
    expect(backend.dma(SID, 0x10000)).toBeUndefined();
    backend.forwardEvents();
    expect(record(0)).toEqual([0x0000_0008_0000_0003n, 0n, 0n, 0x7000_0200n]);
  });

  it('a descriptor that appears without a command counts: as Linux does when it meets a device', () => {
    bus.write32(0x20, 0xd);
    writeSte(memory, level2, SID, abortSte());
    memory.store64(STREAMS, level1SteDescriptor(level2, 7));
    expect(backend.dma(SID, 0x10000)).toBeUndefined();
    backend.forwardEvents();
    expect(bus.read32(0x100a8)).toBe(0);
    writeSte(memory, level2, SID, invalidSte());
    writeSte(memory, level2, SID, stage1Ste({ contextPtr: CDS }));
    cfgiSte();
    expect(backend.dma(SID, 0x10000)).toBe(PA + BUFFER);
  });
});

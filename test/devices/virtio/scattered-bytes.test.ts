// SPDX-License-Identifier: MIT
// Buffers of many segments: a turn accesses some of them, and the next turn continues.

import { describe, expect, it } from 'vitest';
import { FakeHost } from '../../../devices/testing/index.ts';
import { isUnderWay, ScatteredBytes } from '../../../devices/virtio/scattered-bytes.ts';

const RAM = 0x80000000;
const LENGTH = 24;
/** 200 segments, every second piece of memory, last one first. */
const SEGMENTS = Array.from({ length: 200 }, (_, i) => ({
  iova: RAM + 2 * LENGTH * (199 - i),
  length: LENGTH,
}));
const TOTAL = SEGMENTS.length * LENGTH;

function buffers() {
  const host = new FakeHost({ ramGpa: RAM });
  return { host, bytes: new ScatteredBytes(SEGMENTS, host.dmaPort()) };
}

/** Repeats an access until it ends. */
function calls(access: () => ReturnType<ScatteredBytes['read']>): [number, string] {
  for (let count = 1; ; count++) {
    const end = access();
    if (!isUnderWay(end)) return [count, end];
  }
}

const pattern = Uint8Array.from({ length: TOTAL }, (_, i) => (i * 7) & 0xff);
const accesses = (host: FakeHost) => host.log.filter((line) => line.startsWith('dma')).length;

describe('buffers of many segments', () => {
  it('are written and read in turns of 64, each segment once', () => {
    const { host, bytes } = buffers();
    expect(calls(() => bytes.write(0, pattern))).toEqual([4, 'done']);
    expect(accesses(host)).toBe(200);
    const target = new Uint8Array(TOTAL);
    expect(calls(() => bytes.read(0, target))).toEqual([4, 'done']);
    expect(target).toEqual(pattern);
    expect(host.ram.subarray(2 * LENGTH * 199, 2 * LENGTH * 199 + LENGTH)).toEqual(
      pattern.subarray(0, LENGTH),
    );
  });

  it('from the middle of one to the middle of another', () => {
    const { bytes } = buffers();
    const part = pattern.subarray(0, 130 * LENGTH);
    expect(calls(() => bytes.write(LENGTH / 2, part))).toEqual([3, 'done']);
    const target = new Uint8Array(part.length);
    expect(calls(() => bytes.read(LENGTH / 2, target))).toEqual([3, 'done']);
    expect(target).toEqual(part);
  });

  it('continue at the segment that the IOMMU has stalled', () => {
    const { host, bytes } = buffers();
    const held = SEGMENTS[70]?.iova ?? 0;
    host.stalls = (iova) => iova === held;
    expect([bytes.write(0, pattern), bytes.write(0, pattern)]).toEqual(['more', 'stalled']);
    expect(bytes.write(0, pattern)).toBe('stalled');
    host.stalls = () => false;
    expect(calls(() => bytes.write(0, pattern))).toEqual([3, 'done']);
    // Three accesses of one segment were stalled.
    expect(accesses(host)).toBeLessThanOrEqual(203);
    const target = new Uint8Array(TOTAL);
    calls(() => bytes.read(0, target));
    expect(target).toEqual(pattern);
  });

  it('restart with another array', () => {
    const { bytes } = buffers();
    expect(bytes.write(0, new Uint8Array(TOTAL))).toBe('more');
    expect(calls(() => bytes.write(0, pattern))).toEqual([4, 'done']);
    const target = new Uint8Array(TOTAL);
    calls(() => bytes.read(0, target));
    expect(target).toEqual(pattern);
  });

  it('end at what the IOMMU refuses', () => {
    const host = new FakeHost({ ramGpa: RAM });
    const far = [...SEGMENTS.slice(0, 100), { iova: RAM + host.ramSize, length: LENGTH }];
    const bytes = new ScatteredBytes(far, host.dmaPort());
    const source = new Uint8Array(101 * LENGTH);
    expect(calls(() => bytes.write(0, source))).toEqual([2, 'refused']);
  });
});

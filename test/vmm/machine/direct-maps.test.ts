// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import {
  ABI_AREA_SIZE,
  ABI_AT_MAP_ACK,
  ABI_AT_MAP_COUNT,
  ABI_AT_MAP_EPOCH,
  ABI_AT_MAPS,
  ABI_DIRECT_PAGES,
  ABI_MAP_SIZE,
} from '../../../assembly/layout/guest-abi.ts';
import { DirectMaps } from '../../../vmm/machine/index.ts';
import { AbiDirectMaps } from '../../../vmm/vcpu/wasm/index.ts';

function setUp(inGuest: (vcpu: number) => boolean = () => false, count = 1, nowMs?: () => number) {
  const memory = new WebAssembly.Memory({
    initial: ABI_AREA_SIZE / 65536,
    maximum: ABI_AREA_SIZE / 65536,
    shared: true,
  });
  const words = new Int32Array(memory.buffer);
  const maps = new DirectMaps(memory, new AbiDirectMaps(memory), { count, inGuest }, nowMs);
  /** gpa, length, offset, flags, doorbell of a table entry. */
  const entry = (index: number) => [
    ...words.subarray(
      (ABI_AT_MAPS + index * ABI_MAP_SIZE) / 4,
      (ABI_AT_MAPS + index * ABI_MAP_SIZE) / 4 + 5,
    ),
  ];
  return { memory, words, maps, entry };
}

describe('direct maps', () => {
  it('publish a range as the table entry that the guest reads', () => {
    const { words, maps, entry } = setUp();
    const map = maps.map({ gpa: 0x0a030000, length: 0x10000, doorbell: 0x0003 });
    expect(map?.memoryOffset).toBe(ABI_DIRECT_PAGES);
    expect(entry(0)).toEqual([0x0a030000, 0x10000, ABI_DIRECT_PAGES, 1, 3]);
    expect(words[ABI_AT_MAP_COUNT / 4]).toBe(1);
    expect(words[ABI_AT_MAP_EPOCH / 4]).toBe(1);
    map?.unmap();
    expect(entry(0)[1]).toBe(0);
    expect(words[ABI_AT_MAP_EPOCH / 4]).toBe(2);
    map?.unmap();
    expect(words[ABI_AT_MAP_EPOCH / 4]).toBe(2);
  });

  it('give ranges of one page the same backing page, and zero each', () => {
    const { words, maps, entry } = setUp();
    new Uint8Array(words.buffer).fill(0xff, ABI_DIRECT_PAGES, ABI_DIRECT_PAGES + 0x10000);
    const first = maps.map({ gpa: 0x09050098, length: 8, doorbell: undefined });
    expect(first?.memoryOffset).toBe(ABI_DIRECT_PAGES + 0x98);
    expect(entry(0).slice(3)).toEqual([0, 0]);
    expect([
      ...words.subarray((ABI_DIRECT_PAGES + 0x94) / 4, (ABI_DIRECT_PAGES + 0xa4) / 4),
    ]).toEqual([-1, 0, 0, -1]);
    expect(maps.map({ gpa: 0x09050100, length: 4, doorbell: 1 })?.memoryOffset).toBe(
      ABI_DIRECT_PAGES + 0x100,
    );
    expect(maps.map({ gpa: 0x09060100, length: 4, doorbell: 1 })?.memoryOffset).toBe(
      ABI_DIRECT_PAGES + 0x10100,
    );
  });

  it('refuse what overlaps, leaves its page, or has no room', () => {
    const { maps } = setUp();
    expect(maps.map({ gpa: 0x1000, length: 0x100, doorbell: undefined })).toBeDefined();
    expect(maps.map({ gpa: 0x10f8, length: 0x10, doorbell: undefined })).toBeUndefined();
    expect(maps.map({ gpa: 0x1fff8, length: 16, doorbell: undefined })).toBeUndefined();
    expect(maps.map({ gpa: 0x2000, length: 0, doorbell: undefined })).toBeUndefined();
    const more = Array.from({ length: 15 }, (_, i) =>
      maps.map({ gpa: 0x100000 * (i + 1), length: 8, doorbell: undefined }),
    );
    expect(more.filter((map) => map !== undefined)).toHaveLength(14);
    more[3]?.unmap();
    expect(maps.map({ gpa: 0x9000000, length: 8, doorbell: undefined })).toBeDefined();
    // Fifteen pages are in use; one table slot is left, for a second range of one of
    // them.
    expect(maps.map({ gpa: 0x2000, length: 8, doorbell: undefined })).toBeDefined();
    expect(maps.map({ gpa: 0x3000, length: 8, doorbell: undefined })).toBeUndefined();
  });

  it('are removed when every vCPU in guest code has acknowledged', () => {
    const looks = [0, 0];
    const { words, maps } = setUp(
      (vcpu) => {
        looks[vcpu] = (looks[vcpu] ?? 0) + 1;
        // vCPU 1 acknowledges at its third safe point, vCPU 0 is at an exit.
        if (vcpu === 1 && looks[1] === 3)
          words[ABI_AT_MAP_ACK / 4 + 1] = words[ABI_AT_MAP_EPOCH / 4] ?? 0;
        return vcpu === 1;
      },
      2,
      () => 0,
    );
    maps.map({ gpa: 0x1000, length: 8, doorbell: undefined })?.unmap();
    expect(looks).toEqual([1, 3]);
  });

  describe('whose acknowledgement is late', () => {
    /**
     * Sixteen vCPUs in guest code, a clock that advances by 10 us at each read, and their
     * acknowledgement.
     */
    function late() {
      let now = 0;
      const inGuest = Array.from({ length: 16 }, () => true);
      const { maps, words } = setUp(
        (vcpu) => inGuest[vcpu] ?? false,
        16,
        () => {
          now += 0.01;
          return now;
        },
      );
      return {
        maps,
        inGuest,
        now: () => now,
        pass: (ms: number) => {
          now += ms;
        },
        acknowledge: (vcpu: number) => {
          words[ABI_AT_MAP_ACK / 4 + vcpu] = words[ABI_AT_MAP_EPOCH / 4] ?? 0;
        },
        map: (gpa: number) => maps.map({ gpa, length: 8, doorbell: undefined }),
      };
    }

    it('keep the thread for 0.2 ms, however many vCPUs are late, as often as they are', () => {
      const { map, now } = late();
      for (let i = 0; i < 10; i++) {
        const removed = map(0x1000);
        const start = now();
        removed?.unmap();
        expect(now() - start).toBeLessThan(0.25);
      }
    });

    it('are mapped again at once, at another address: the old page is kept for late vCPUs', () => {
      const { maps, map, acknowledge } = late();
      const first = map(0x1000);
      first?.unmap();
      const second = map(0x1000);
      expect([first?.memoryOffset, second?.memoryOffset]).toEqual([
        ABI_DIRECT_PAGES + 0x1000,
        ABI_DIRECT_PAGES + 0x11000,
      ]);
      second?.unmap();
      for (let vcpu = 0; vcpu < 15; vcpu++) acknowledge(vcpu);
      maps.poll();
      expect(map(0x1000)?.memoryOffset).toBe(ABI_DIRECT_PAGES + 0x21000);
      acknowledge(15);
      maps.poll();
      expect(map(0x11000)?.memoryOffset).toBe(ABI_DIRECT_PAGES + 0x1000);
    });

    it('count a vCPU as come that is outside of guest code once', () => {
      const { maps, map, inGuest } = late();
      map(0x1000)?.unmap();
      for (let vcpu = 0; vcpu < 16; vcpu++) {
        inGuest[vcpu] = false;
        maps.poll();
        inGuest[vcpu] = true;
      }
      expect(map(0x1000)?.memoryOffset).toBe(ABI_DIRECT_PAGES + 0x1000);
    });

    it('fail their machine when one of them has not come within a second', () => {
      const { maps, map, acknowledge, pass } = late();
      map(0x1000)?.unmap();
      for (let vcpu = 0; vcpu < 16; vcpu++) if (vcpu !== 3) acknowledge(vcpu);
      pass(990);
      maps.poll();
      pass(20);
      expect(() => maps.poll()).toThrow(
        "guest vCPU 3: no safe point within 1000 ms after a direct map's removal",
      );
    });
  });

  it('are forgotten by a reset', () => {
    const { words, maps, entry } = setUp();
    maps.map({ gpa: 0x1000, length: 8, doorbell: 7 });
    maps.reset();
    expect(entry(0)).toEqual([0, 0, 0, 0, 0]);
    expect(words[ABI_AT_MAP_COUNT / 4]).toBe(0);
    expect(maps.map({ gpa: 0x1000, length: 8, doorbell: 7 })?.memoryOffset).toBe(
      ABI_DIRECT_PAGES + 0x1000,
    );
  });
});

// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { createHostMemory } from '../../../devices/unit/index.ts';
import { HostRam, RamPool } from '../../../host/hardware/host-ram.ts';
import { HostError } from '../../../host/hardware/index.ts';

describe('host RAM', () => {
  const ram = () => new HostRam(createHostMemory({ ramSize: 0x20000 }));

  it('hands out aligned, zeroed pieces, none of them PA 0', () => {
    const host = ram();
    const first = host.allocate(64, 64);
    const second = host.allocate(0x1000, 0x1000);
    expect(first).toBeGreaterThan(0);
    expect(second % 0x1000).toBe(0);
    host.store64(second, 0x8877665544332211n);
    expect(host.load64(second)).toBe(0x8877665544332211n);
    expect(host.bytes(second, 2)).toEqual(Uint8Array.of(0x11, 0x22));
    host.free(second, 0x1000);
    expect(host.allocate(0x1000, 0x1000)).toBe(second);
    expect(host.load64(second)).toBe(0n);
  });

  it('does not hand out a freed piece of a smaller alignment', () => {
    const host = ram();
    host.allocate(0x20, 0x20);
    const odd = host.allocate(0x1000, 0x20);
    host.free(odd, 0x1000);
    expect(host.allocate(0x1000, 0x1000) % 0x1000).toBe(0);
  });

  it('ends with an error, and has bounds', () => {
    const host = ram();
    expect(() => host.allocate(0x40000, 0x1000)).toThrow(HostError);
    expect(() => host.load64(0x20000)).toThrow(RangeError);
    expect(() => host.store64(4, 0n)).toThrow(RangeError);
    expect(host.bytes(0x1fff8, 16)).toBeUndefined();
  });

  it('merges the freed pieces of a pool', () => {
    const host = ram();
    const pool = new RamPool(host);
    const pieces = [pool.allocate(0x1000, 0x1000), pool.allocate(0x1000, 0x1000)];
    pool.freeAll();
    expect([host.allocate(0x1000, 0x1000), host.allocate(0x1000, 0x1000)].sort()).toEqual(
      pieces.sort(),
    );
  });
});

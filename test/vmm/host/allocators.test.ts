import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHostMemory } from '../../../devices/unit/index.ts';
import { HostRam, RamPool } from '../../../vmm/host/host-ram.ts';
import { HostError, VmidAllocator } from '../../../vmm/host/index.ts';

describe('VMIDs', () => {
  it('are never 0 and never shared, and run out with an error', () => {
    const vmids = new VmidAllocator(8);
    const given = Array.from({ length: 255 }, () => vmids.allocate());
    expect(new Set(given).size).toBe(255);
    expect(Math.min(...given)).toBe(1);
    expect(Math.max(...given)).toBe(255);
    expect(() => vmids.allocate()).toThrow(expect.objectContaining({ name: 'HostError', code: 'no-vmid' }));
    vmids.free(77);
    expect(vmids.allocate()).toBe(77);
    expect(vmids.inUse).toBe(255);
  });

  it('agree with a plain set under any order of allocations and frees', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat({ max: 300 }))), (steps) => {
        const vmids = new VmidAllocator(8);
        const held = new Set<number>();
        for (const step of steps) {
          if (step === null) {
            const vmid = vmids.allocate();
            expect(held.has(vmid) || vmid === 0).toBe(false);
            held.add(vmid);
          } else {
            vmids.free(step);
            held.delete(step);
          }
          expect(vmids.inUse).toBe(held.size);
        }
      }),
    );
  });
});

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

  it('ends with an error, and knows its bounds', () => {
    const host = ram();
    expect(() => host.allocate(0x40000, 0x1000)).toThrow(HostError);
    expect(() => host.load64(0x20000)).toThrow(RangeError);
    expect(() => host.store64(4, 0n)).toThrow(RangeError);
    expect(host.bytes(0x1fff8, 16)).toBeUndefined();
  });

  it('takes the pieces of a pool back together', () => {
    const host = ram();
    const pool = new RamPool(host);
    const pieces = [pool.allocate(0x1000, 0x1000), pool.allocate(0x1000, 0x1000)];
    pool.freeAll();
    expect([host.allocate(0x1000, 0x1000), host.allocate(0x1000, 0x1000)].sort()).toEqual(pieces.sort());
  });
});

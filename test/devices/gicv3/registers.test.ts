// SPDX-License-Identifier: MIT
// Registers of distributor and redistributors, with literal offsets and values (IHI 0069
// chapter 12).

import { describe, expect, it } from 'vitest';
import { loadGicv3 } from '../../../assembly/load.ts';
import { Gicv3, gicBlockSize } from '../../../devices/gicv3/index.ts';
import { GicHarness } from './gic-harness.ts';

describe('the distributor', () => {
  it('describes itself as Linux reads it', () => {
    const gic = new GicHarness(1, 256);
    expect(gic.gicd(0x0)).toBe(0x50);
    expect(gic.gicd(0x4)).toBe(0x02780008);
    expect(gic.gicd(0x8)).toBe(0x43b);
    expect(gic.gicd(0xc)).toBe(0);
    expect(gic.gicd(0xffe8)).toBe(0x3b);
    const identification = Array.from({ length: 12 }, (_, i) => gic.gicd(0xffd0 + 4 * i));
    expect(identification).toEqual([0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1]);
    expect(new GicHarness(1, 992).gicd(0x4)).toBe(0x0278001f);
  });

  it('keeps ARE and DS, and accepts both group enables', () => {
    const gic = new GicHarness();
    gic.setGicd(0, 0xffffffff);
    expect(gic.gicd(0)).toBe(0x53);
    gic.setGicd(0, 0);
    expect(gic.gicd(0)).toBe(0x50);
  });

  it.each([
    ['IGROUPR', 0x80, 0x80],
    ['ISENABLER', 0x100, 0x100],
    ['ICENABLER', 0x100, 0x180],
    ['ISPENDR', 0x200, 0x200],
    ['ICPENDR', 0x200, 0x280],
    ['ISACTIVER', 0x300, 0x300],
    ['ICACTIVER', 0x300, 0x380],
  ])('%s shows what was set, of SPIs alone', (_name, set, read) => {
    const gic = new GicHarness(1, 64);
    for (let i = 0; i < 32; i++) gic.setGicd(set + 4 * i, 0xa0000005);
    const words = Array.from({ length: 32 }, (_, i) => gic.gicd(read + 4 * i));
    expect(words).toEqual([0, 0xa0000005, 0xa0000005, ...new Array(29).fill(0)]);
  });

  it.each([
    ['ICENABLER', 0x100, 0x180],
    ['ICPENDR', 0x200, 0x280],
    ['ICACTIVER', 0x300, 0x380],
  ])('%s clears where it is written 1', (_name, set, clear) => {
    const gic = new GicHarness();
    gic.setGicd(set + 4, 0xffffffff);
    gic.setGicd(clear + 4, 0x0000ff01);
    expect(gic.gicd(set + 4)).toBe(0xffff00fe);
    expect(gic.gicd(clear + 4)).toBe(0xffff00fe);
  });

  it('has five bits of priority, by words and bytes', () => {
    const gic = new GicHarness();
    gic.setGicd(0x420, 0xffa7c0f1);
    expect(gic.gicd(0x420)).toBe(0xf8a0c0f0);
    gic.setGicd(0x421, 0x17, 1);
    expect(gic.gicd(0x420)).toBe(0xf8a010f0);
    expect(gic.gicd(0x423, 1)).toBe(0xf8);
    gic.setGicd(0x400, 0xffffffff);
    expect(gic.gicd(0x400)).toBe(0);
  });

  it('accepts byte accesses only for priorities', () => {
    const gic = new GicHarness();
    gic.setGicd(0x104, 0xff, 1);
    gic.setGicd(0x0, 0x3, 1);
    expect([gic.gicd(0x104), gic.gicd(0)]).toEqual([0, 0x50]);
  });

  it('keeps the odd bits of ICFGR', () => {
    const gic = new GicHarness();
    gic.setGicd(0xc08, 0xffffffff);
    gic.setGicd(0xc0c, 0x00000008);
    expect([gic.gicd(0xc08), gic.gicd(0xc0c)]).toEqual([0xaaaaaaaa, 0x00000008]);
    gic.setGicd(0xc08, 0x2);
    expect(gic.gicd(0xc08)).toBe(0x2);
    gic.setGicd(0xc00, 0xffffffff);
    expect(gic.gicd(0xc00)).toBe(0);
  });

  it('has IROUTER in 64 bits and in halves, without IRM', () => {
    const gic = new GicHarness();
    gic.setGicd(0x6100, 0xff040302, 8, 0xffffff05);
    expect(gic.gicd(0x6100)).toBe(0x00040302);
    expect(gic.gicd(0x6104)).toBe(0x05);
    expect(gic.readHigh(0, 0x6100)).toBe(0x05);
    gic.setGicd(0x6104, 0);
    gic.setGicd(0x6100, 0x80000001);
    expect([gic.gicd(0x6100), gic.gicd(0x6104)]).toEqual([1, 0]);
    // INTID 31, and the first one that does not exist.
    gic.setGicd(0x60f8, 1);
    gic.setGicd(0x6900, 1);
    expect([gic.gicd(0x60f8), gic.gicd(0x6900)]).toEqual([0, 0]);
  });

  it.each([
    0x10, 0x40, 0x48, 0x800, 0x8fc, 0xbfc, 0xd00, 0xe00, 0xf00, 0xf10, 0x1000, 0x9000, 0xffcc,
  ])('is RAZ/WI at 0x%x', (offset) => {
    const gic = new GicHarness();
    const before = JSON.stringify(gic.device.save());
    gic.setGicd(offset, 0xffffffff);
    expect(gic.gicd(offset)).toBe(0);
    expect(JSON.stringify(gic.device.save())).toBe(before);
  });
});

describe('a redistributor', () => {
  it('states whose it is, and which is the last', () => {
    const gic = new GicHarness(18);
    const typer = (vcpu: number) => [gic.gicr(vcpu, 0x8), gic.gicr(vcpu, 0xc)];
    expect(typer(0)).toEqual([0, 0]);
    expect(typer(15)).toEqual([0xf00, 0x00f]);
    expect(typer(16)).toEqual([0x1000, 0x100]);
    expect(typer(17)).toEqual([0x1110, 0x101]);
    expect(gic.readHigh(1, 0x20000 * 17 + 8)).toBe(0x101);
    expect([gic.gicr(1, 0), gic.gicr(1, 4), gic.gicr(1, 0xffe8)]).toEqual([0, 0x43b, 0x3b]);
  });

  it('wakes at once', () => {
    const gic = new GicHarness(2);
    expect(gic.gicr(1, 0x14)).toBe(0x6);
    gic.setGicr(1, 0x14, 0);
    expect([gic.gicr(0, 0x14), gic.gicr(1, 0x14)]).toEqual([0x6, 0]);
    gic.setGicr(1, 0x14, 0xffffffff);
    expect(gic.gicr(1, 0x14)).toBe(0x6);
  });

  it.each([
    ['IGROUPR0', 0x10080, 0x10080],
    ['ISENABLER0', 0x10100, 0x10180],
    ['ISPENDR0', 0x10200, 0x10280],
    ['ISACTIVER0', 0x10300, 0x10380],
  ])('%s is of its vCPU alone', (_name, set, read) => {
    const gic = new GicHarness(2);
    gic.setGicr(1, set, 0x89abcdef);
    gic.setGicr(1, set + 4, 0xffffffff);
    expect([gic.gicr(0, read), gic.gicr(1, read), gic.gicr(1, read + 4)]).toEqual([
      0, 0x89abcdef, 0,
    ]);
  });

  it.each([
    ['groups', 0x10084, 0x84, 0xffffffff],
    ['enables', 0x10104, 0x104, 0xffffffff],
    ['pending bits', 0x10204, 0x204, 0xffffffff],
    ['active bits', 0x10304, 0x304, 0xffffffff],
    ['priorities', 0x10420, 0x420, 0xf8f8f8f8],
    ['triggers', 0x10c08, 0xc08, 0xaaaaaaaa],
  ])('shows no %s of SPIs', (_name, own, shared, all) => {
    const gic = new GicHarness(1, 64);
    gic.setGicd(shared, 0xffffffff);
    expect([gic.gicd(shared), gic.gicr(0, own)]).toEqual([all, 0]);
  });

  it('has SGIs fixed as edges, and PPIs as they are configured', () => {
    const gic = new GicHarness();
    gic.setGicr(0, 0x10c00, 0);
    gic.setGicr(0, 0x10c04, 0xffffffff);
    expect([gic.gicr(0, 0x10c00), gic.gicr(0, 0x10c04)]).toEqual([0xaaaaaaaa, 0xaaaaaaaa]);
    gic.setGicr(0, 0x10c04, 0);
    expect(gic.gicr(0, 0x10c04)).toBe(0);
  });

  it('has priorities by words and bytes', () => {
    const gic = new GicHarness(2);
    gic.setGicr(1, 0x1041c, 0xc0a0ff07);
    gic.setGicr(1, 0x1041f, 0x80, 1);
    expect([gic.gicr(1, 0x1041c), gic.gicr(0, 0x1041c)]).toEqual([0x80a0f800, 0]);
    expect(gic.gicr(1, 0x1041d, 1)).toBe(0xf8);
  });

  it.each([0x0, 0x4, 0x70, 0x78, 0xa0, 0xc0, 0x10000, 0x10420, 0x10c08, 0x10d00, 0x10e00, 0x1ffe8])(
    'ignores writes at 0x%x',
    (offset) => {
      const gic = new GicHarness();
      const before = JSON.stringify(gic.device.save());
      gic.setGicr(0, offset, 0xffffffff);
      expect(JSON.stringify(gic.device.save())).toBe(before);
    },
  );
});

describe('a Gicv3', () => {
  it('names its registers', () => {
    const gic = new GicHarness(2).device;
    const names = [0x0, 0x4, 0x84, 0x13c, 0x428, 0xc0c, 0x6108, 0x610c, 0xffe8, 0xfff0].map(
      (offset) => gic.registerName(0, offset),
    );
    expect(names).toEqual([
      'GICD_CTLR',
      'GICD_TYPER',
      'GICD_IGROUPR1',
      'GICD_ISENABLER15',
      'GICD_IPRIORITYR10',
      'GICD_ICFGR3',
      'GICD_IROUTER33',
      'GICD_IROUTER33',
      'GICD_PIDR2',
      'GICD_CIDR0',
    ]);
    expect(gic.registerName(1, 0x20014)).toBe('GICR_WAKER');
    expect(gic.registerName(1, 0x30104)).toBe('GICR_ISENABLER1');
    expect(gic.registerName(1, 0x20100)).toMatch(/gicr/);
  });

  it.each([
    [{ vcpus: 0 }, 'a GIC has 1 to 256 vCPUs, not 0'],
    [{ vcpus: 257 }, 'a GIC has 1 to 256 vCPUs, not 257'],
    [{ spis: 33 }, 'a GIC has a multiple of 32 SPIs, at most 992, not 33'],
    [{ spis: 1024 }, 'a GIC has a multiple of 32 SPIs, at most 992, not 1024'],
    [{ at: 0x1004 }, 'the block of a GIC lies at a multiple of 4 KiB'],
    [{ at: 0xd000 }, 'the block of a GIC lies within its memory'],
  ])('refuses %o', async (change, message) => {
    const module = await loadGicv3();
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const options = { module, memory, at: 0x1000, vcpus: 1, spis: 32, ...change };
    expect(() => new Gicv3(options)).toThrow(message);
  });

  it('has a line for each SPI', () => {
    const { device } = new GicHarness(1, 64);
    expect(() => device.line(63)).not.toThrow();
    expect(() => device.line(64)).toThrow('the GIC has 64 SPIs: there is no SPI 64');
  });

  it('accesses no byte outside its block', () => {
    const gic = new GicHarness(3, 64);
    const end = 0x1000 + gicBlockSize(3);
    const bytes = new Uint8Array(gic.memory.buffer);
    bytes.fill(0x5a, 0, 0x1000);
    bytes.fill(0x5a, end);
    let random = 7;
    const next = () => {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      return random;
    };
    for (let i = 0; i < 30000; i++) {
      const value = next() % 3 === 0 ? 0xffffffff : next();
      const offset = (next() >>> 8) % 0x60000;
      if (next() % 2) gic.setGicd((offset % 0x10000) & ~3, value, i % 5 === 0 ? 1 : 4);
      else gic.setGicr(0, offset & ~3, value);
      const vcpu = (next() >>> 8) % 3;
      const register = 0xc640 + ((next() >>> 8) % 0x28);
      gic.msr(vcpu, register, (BigInt(value) << 20n) | BigInt(next()));
      gic.mrs(vcpu, register);
      gic.setLine(32 + ((next() >>> 8) % 64), i % 2 === 0);
    }
    expect(bytes.subarray(0, 0x1000).every((byte) => byte === 0x5a)).toBe(true);
    expect(bytes.subarray(end).every((byte) => byte === 0x5a)).toBe(true);
  });
});

// SPDX-License-Identifier: MIT
// The states of an interrupt (IHI 0069 section 4.1), for edges and levels.

import { describe, expect, it } from 'vitest';
import * as REG from '../../../assembly/layout/gic-registers.ts';
import { GicHarness } from './gic-harness.ts';

const SPI = 42;
const BIT = 1 << 10;

/** Pending and active, as read from the distributor. */
function shown(gic: GicHarness): string {
  const pending = (gic.gicd(0x204) & BIT) !== 0;
  const active = (gic.gicd(0x304) & BIT) !== 0;
  return pending && active
    ? 'active and pending'
    : pending
      ? 'pending'
      : active
        ? 'active'
        : 'idle';
}

const booted = (trigger: 'edge' | 'level') => {
  const gic = new GicHarness().boot();
  gic.enable(SPI, trigger);
  return gic;
};

describe('an edge', () => {
  it('is delivered once, however long the line stays high', () => {
    const gic = booted('edge');
    gic.setLine(SPI, true);
    expect([shown(gic), gic.irq()]).toEqual(['pending', true]);
    expect([gic.iar(), shown(gic), gic.irq()]).toEqual([SPI, 'active', false]);
    gic.eoi(SPI);
    expect([shown(gic), gic.iar()]).toEqual(['idle', 1023]);
    gic.setLine(SPI, false);
    gic.setLine(SPI, true);
    expect(gic.iar()).toBe(SPI);
  });

  it('stays latched when the line falls', () => {
    const gic = booted('edge');
    gic.pulse(SPI);
    expect([shown(gic), gic.iar()]).toEqual(['pending', SPI]);
  });

  it('of a pulse ends with the line low, so that the next rise is another one', () => {
    const gic = booted('edge');
    gic.setLine(SPI, true);
    expect(gic.iar()).toBe(SPI);
    gic.eoi(SPI);
    // The line is high: this pulse has no edge, and lowers it.
    gic.pulse(SPI);
    expect([shown(gic), gic.iar()]).toEqual(['idle', 1023]);
    gic.setLine(SPI, true);
    expect([shown(gic), gic.iar()]).toEqual(['pending', SPI]);
  });

  it.each<[string, (gic: GicHarness) => void, (gic: GicHarness) => void]>([
    ['disabled', (gic) => gic.setGicd(0x184, BIT), (gic) => gic.setGicd(0x104, BIT)],
    ['of a disabled group', (gic) => gic.setGicd(0, 0), (gic) => gic.setGicd(0, 3)],
    ['of group 0', (gic) => gic.setGicd(0x84, ~BIT), (gic) => gic.setGicd(0x84, ~0)],
    ['set active', (gic) => gic.setGicd(0x304, BIT), (gic) => gic.setGicd(0x384, BIT)],
    ['routed nowhere', (gic) => gic.setGicd(0x6150, 1), (gic) => gic.setGicd(0x6150, 0)],
    ['masked by PMR', (gic) => gic.msr(0, 0xc230, 0xc0), (gic) => gic.msr(0, 0xc230, 0xc8)],
    ['of a group off at the vCPU', (gic) => gic.msr(0, 0xc667, 0), (gic) => gic.msr(0, 0xc667, 1)],
  ])('while %s is delivered afterwards, once', (_what, block, unblock) => {
    const gic = booted('edge');
    block(gic);
    gic.pulse(SPI);
    gic.pulse(SPI);
    expect([gic.irq(), gic.iar(), shown(gic).includes('pending')]).toEqual([false, 1023, true]);
    unblock(gic);
    expect([gic.irq(), gic.iar()]).toEqual([true, SPI]);
    gic.eoi(SPI);
    expect(gic.iar()).toBe(1023);
  });

  it('while active is delivered once more after deactivation', () => {
    const gic = booted('edge');
    gic.pulse(SPI);
    expect(gic.iar()).toBe(SPI);
    for (let i = 0; i < 3; i++) gic.pulse(SPI);
    expect([shown(gic), gic.iar()]).toEqual(['active and pending', 1023]);
    gic.eoi(SPI);
    expect([gic.iar(), shown(gic)]).toEqual([SPI, 'active']);
    gic.eoi(SPI);
    expect([gic.iar(), shown(gic)]).toEqual([1023, 'idle']);
  });

  it('is cleared by ICPENDR, and set by ISPENDR', () => {
    const gic = booted('edge');
    gic.pulse(SPI);
    gic.setGicd(0x284, BIT);
    expect([shown(gic), gic.iar()]).toEqual(['idle', 1023]);
    gic.setGicd(0x204, BIT);
    expect(gic.iar()).toBe(SPI);
  });
});

describe('a level', () => {
  it('is delivered as long as it is high', () => {
    const gic = booted('level');
    gic.setLine(SPI, true);
    expect([shown(gic), gic.iar(), shown(gic)]).toEqual(['pending', SPI, 'active and pending']);
    expect(gic.iar()).toBe(1023);
    gic.eoi(SPI);
    expect([gic.irq(), gic.iar()]).toEqual([true, SPI]);
    gic.setLine(SPI, false);
    expect(shown(gic)).toBe('active');
    gic.eoi(SPI);
    expect([shown(gic), gic.irq(), gic.iar()]).toEqual(['idle', false, 1023]);
  });

  it('that fell before it was acknowledged leaves nothing', () => {
    const gic = booted('level');
    gic.setLine(SPI, true);
    gic.setLine(SPI, false);
    expect([gic.irq(), gic.iar()]).toEqual([false, 1023]);
  });

  it('does not latch a pulse', () => {
    const gic = booted('level');
    gic.pulse(SPI);
    expect([shown(gic), gic.iar()]).toEqual(['idle', 1023]);
  });

  it('ends with a pulse, which leaves the line low', () => {
    const gic = booted('level');
    gic.setLine(SPI, true);
    gic.pulse(SPI);
    expect([shown(gic), gic.irq(), gic.iar()]).toEqual(['idle', false, 1023]);
  });

  it('stays pending under ICPENDR while it is high', () => {
    const gic = booted('level');
    gic.setLine(SPI, true);
    gic.setGicd(0x284, BIT);
    expect(shown(gic)).toBe('pending');
    gic.setLine(SPI, false);
    expect(shown(gic)).toBe('idle');
  });

  it('set by ISPENDR is pending without the line, until it is acknowledged', () => {
    const gic = booted('level');
    gic.setGicd(0x204, BIT);
    gic.setLine(SPI, true);
    gic.setLine(SPI, false);
    expect([shown(gic), gic.iar(), shown(gic)]).toEqual(['pending', SPI, 'active']);
  });

  it('of a PPI is of its vCPU', () => {
    const gic = new GicHarness(2).boot();
    gic.enable(27, 'level', 0);
    gic.enable(27, 'level', 1);
    gic.setLine(27, true, 1);
    expect([gic.iar(0), gic.iar(1)]).toEqual([1023, 27]);
    expect([gic.gicr(0, 0x10200), gic.gicr(1, 0x10200)]).toEqual([0, 1 << 27]);
    gic.setLine(27, false, 1);
    gic.eoi(27, 1);
    expect(gic.iar(1)).toBe(1023);
  });

  it('is seen in ISPENDR while its PPI is disabled', () => {
    const gic = new GicHarness();
    gic.setLine(30, true);
    expect(gic.gicr(0, 0x10200)).toBe(1 << 30);
    gic.setLine(30, false);
    expect(gic.gicr(0, 0x10200)).toBe(0);
  });
});

describe('what is pending', () => {
  it('keeps latch and line when the trigger changes', () => {
    const gic = booted('edge');
    gic.setGicd(0x184, BIT);
    gic.setLine(SPI, true);
    gic.setGicd(0xc08, 0);
    expect(shown(gic)).toBe('pending');
    gic.setLine(SPI, false);
    expect(shown(gic)).toBe('pending');
    gic.setGicd(0xc08, 2 << 20);
    gic.setGicd(0x284, BIT);
    expect(shown(gic)).toBe('idle');
  });

  it('moves with its route', () => {
    const gic = new GicHarness(18).boot();
    gic.enable(SPI, 'edge');
    gic.pulse(SPI);
    gic.setGicd(0x6000 + 8 * SPI, 0x101, 8, 0);
    expect([gic.irq(0), gic.iar(0), gic.irq(17), gic.iar(17)]).toEqual([false, 1023, true, SPI]);
  });

  it.each([
    ['Aff0 of 16', 0x10, 0],
    ['an Aff1 beyond the last vCPU', 0x200, 0],
    ['an Aff0 beyond the last vCPU', 0x102, 0],
    ['an Aff2', 0x10000, 0],
    ['an Aff3', 0, 1],
  ])('goes nowhere by %s', (_what, low, high) => {
    const gic = new GicHarness(18).boot();
    gic.enable(SPI, 'edge');
    gic.setGicd(0x6000 + 8 * SPI, low, 8, high);
    gic.pulse(SPI);
    const taken = Array.from({ length: 18 }, (_, vcpu) => gic.iar(vcpu));
    expect(taken).toEqual(new Array(18).fill(1023));
    expect(gic.gicd(0x6000 + 8 * SPI)).toBe(low);
    gic.setGicd(0x6000 + 8 * SPI, 2, 8, 0);
    expect(gic.iar(2)).toBe(SPI);
  });

  it('is pending again in a restored GIC, with all that masks it', () => {
    const gic = new GicHarness(2).boot();
    gic.enable(SPI, 'edge');
    gic.enable(50, 'edge');
    gic.enable(27, 'level', 1);
    gic.setGicd(0x6000 + 8 * 50, 1, 8);
    gic.pulse(SPI);
    expect(gic.iar(0)).toBe(SPI);
    gic.pulse(50);
    gic.setLine(27, true, 1);
    const other = new GicHarness(2);
    other.device.restore(structuredClone(gic.device.save()));
    expect(other.device.save()).toEqual(gic.device.save());
    expect([other.irq(0), other.irq(1), other.iar(1)]).toEqual([false, true, 27]);
    expect(other.mrs(0, 0xc65b)).toBe(0xc0);
    other.eoi(SPI, 0);
    other.setLine(27, false, 1);
    other.eoi(27, 1);
    expect([other.iar(0), other.iar(1)]).toEqual([1023, 50]);
  });

  it('a state that was made up brings nothing outside of the GIC', () => {
    const gic = new GicHarness(1, 32);
    const end = new Uint8Array(gic.memory.buffer, 0x1000 + 0x3200);
    end.fill(0x5a);
    const state = gic.device.save() as Record<string, number | number[]>;
    const ones = Object.fromEntries(
      Object.entries(state).map(([field, value]) => [
        field,
        typeof value === 'number' ? 0xffffffff : value.map(() => 0xffffffff),
      ]),
    );
    gic.device.restore(ones);
    for (let i = 0; i < 70; i++) gic.iar();
    expect(end.every((byte) => byte === 0x5a)).toBe(true);
    expect(gic.gicd(0)).toBe(0x53);
    expect(() => gic.device.restore({ ...state, spis: [1] })).toThrow(TypeError);
  });
});

describe('whether anything but vCPUs can still interrupt one', () => {
  const SPI = 5;
  const BIT = 1 << SPI;
  /** SPI 5 is enabled with priority 0 and routed to vCPU 0, which takes it. */
  function open(): GicHarness {
    const gic = new GicHarness(2);
    gic.setGicd(REG.GICD_CTLR, REG.GICD_CTLR_ENABLE_GRP1);
    gic.setGicd(REG.GIC_IGROUPR + 4, BIT);
    gic.setGicd(REG.GIC_ISENABLER + 4, BIT);
    gic.device.writeInterface(0, REG.ICC_PMR_EL1, 0xf0n);
    gic.device.writeInterface(0, REG.ICC_IGRPEN1_EL1, 1n);
    return gic;
  }
  const canInterrupt = ({ device }: GicHarness) => device.canInterrupt((spi) => spi === SPI);

  it('is so with an SPI that something may assert', () => {
    expect(canInterrupt(open())).toBe(true);
    expect(open().device.canInterrupt((spi) => spi !== SPI)).toBe(false);
  });

  const MASKS: Readonly<Record<string, (gic: GicHarness) => void>> = {
    'the distributor': (gic) => gic.setGicd(REG.GICD_CTLR, 0),
    'its enable': (gic) => gic.setGicd(REG.GIC_ICENABLER + 4, BIT),
    'its group': (gic) => gic.setGicd(REG.GIC_IGROUPR + 4, 0),
    'its active state': (gic) => gic.setGicd(REG.GIC_ISACTIVER + 4, BIT),
    'its route to a vCPU that does not take it': (gic) =>
      gic.setGicd(REG.GICD_IROUTER + 8 * (32 + SPI), 1, 8),
    'its route to none': (gic) => gic.setGicd(REG.GICD_IROUTER + 8 * (32 + SPI), 7, 8),
    'the priority mask': (gic) => gic.device.writeInterface(0, REG.ICC_PMR_EL1, 0n),
    'the group enable of the vCPU': (gic) => gic.device.writeInterface(0, REG.ICC_IGRPEN1_EL1, 0n),
  };
  it.each(Object.entries(MASKS))('is not so where %s masks it', (_name, mask) => {
    const gic = open();
    mask(gic);
    expect(canInterrupt(gic)).toBe(false);
  });
});

// SPDX-License-Identifier: MIT
// The CPU interface's system registers by their encodings (IHI 0069 section 12.2).

import { describe, expect, it } from 'vitest';
import { GicHarness } from './gic-harness.ts';

/** op0 3, op1 0, CRn, CRm, op2. */
const icc = (crn: number, crm: number, op2: number) => 0xc000 | (crn << 7) | (crm << 3) | op2;
const PMR = icc(4, 6, 0);
const BPR0 = icc(12, 8, 3);
const AP0R0 = icc(12, 8, 4);
const AP1R0 = icc(12, 9, 0);
const DIR = icc(12, 11, 1);
const RPR = icc(12, 11, 3);
const SGI1R = icc(12, 11, 5);
const IAR1 = icc(12, 12, 0);
const EOIR1 = icc(12, 12, 1);
const HPPIR1 = icc(12, 12, 2);
const BPR1 = icc(12, 12, 3);
const CTLR = icc(12, 12, 4);
const SRE = icc(12, 12, 5);
const IGRPEN1 = icc(12, 12, 7);

/** A GIC with three edges of priorities 0xa0, 0xc0, 0x80, on vCPU 0. */
function threePriorities(): GicHarness {
  const gic = new GicHarness().boot();
  for (const [intid, priority] of [
    [40, 0xa0],
    [41, 0xc0],
    [42, 0x80],
  ] as const) {
    gic.enable(intid, 'edge');
    gic.setGicd(0x400 + intid, priority, 1);
  }
  return gic;
}

describe('registers', () => {
  it('have their reset values', () => {
    const gic = new GicHarness();
    const values = [PMR, BPR0, AP0R0, AP1R0, RPR, IAR1, HPPIR1, BPR1, CTLR, SRE, IGRPEN1].map((r) =>
      gic.mrs(0, r),
    );
    expect(values).toEqual([0, 2, 0, 0, 0xff, 1023, 1023, 3, 0x400, 7, 0]);
  });

  it('keep what exists of what is written', () => {
    const gic = new GicHarness();
    const readBack = (register: number, value: number) => {
      gic.msr(0, register, value);
      return gic.mrs(0, register);
    };
    expect(readBack(PMR, 0xff)).toBe(0xf8);
    expect([readBack(BPR0, 0), readBack(BPR0, 7)]).toEqual([2, 7]);
    expect([readBack(BPR1, 0), readBack(BPR1, 5), readBack(BPR1, 0xff)]).toEqual([3, 5, 7]);
    expect(readBack(CTLR, 0xffffffff)).toBe(0x403);
    expect(readBack(SRE, 0)).toBe(7);
    expect(readBack(IGRPEN1, 0xff)).toBe(1);
    expect(readBack(icc(12, 12, 6), 0xff)).toBe(1);
    expect(readBack(AP1R0, 0x80000001)).toBe(0x80000001);
  });

  it('BPR1 is BPR0 + 1 with CBPR, and is not written then', () => {
    const gic = new GicHarness();
    gic.msr(0, BPR0, 4);
    gic.msr(0, CTLR, 1);
    gic.msr(0, BPR1, 6);
    expect(gic.mrs(0, BPR1)).toBe(5);
    gic.msr(0, BPR0, 7);
    expect(gic.mrs(0, BPR1)).toBe(7);
    gic.msr(0, CTLR, 0);
    expect(gic.mrs(0, BPR1)).toBe(3);
  });

  it('that are read-only or write-only are UNDEFINED the other way, and so are those that do not exist', () => {
    const gic = new GicHarness();
    const defined = { read: [] as string[], write: [] as string[] };
    for (let crm = 8; crm < 13; crm++)
      for (let op2 = 0; op2 < 8; op2++) {
        if (gic.mrs(0, icc(12, crm, op2)) !== 'undefined') defined.read.push(`${crm},${op2}`);
        if (gic.msr(0, icc(12, crm, op2), 0) !== 'undefined') defined.write.push(`${crm},${op2}`);
      }
    expect(defined.read.join(' ')).toBe(
      '8,0 8,2 8,3 8,4 9,0 11,3 12,0 12,2 12,3 12,4 12,5 12,6 12,7',
    );
    expect(defined.write.join(' ')).toBe(
      '8,1 8,3 8,4 9,0 11,1 11,5 11,6 11,7 12,1 12,3 12,4 12,5 12,6 12,7',
    );
    expect(gic.mrs(0, icc(4, 6, 1))).toBe('undefined');
  });

  it('of group 0 have no interrupt', () => {
    const gic = new GicHarness().boot();
    gic.setGicd(0x84, 0);
    gic.enable(40, 'edge');
    gic.pulse(40);
    gic.msr(0, icc(12, 12, 6), 1);
    expect([gic.mrs(0, icc(12, 8, 0)), gic.mrs(0, icc(12, 8, 2)), gic.iar(), gic.irq()]).toEqual([
      1023,
      1023,
      1023,
      false,
    ]);
  });
});

describe('priorities', () => {
  it('decide the order; of equal ones the lowest INTID is first', () => {
    const gic = threePriorities();
    gic.enable(39, 'edge');
    gic.setGicd(0x400 + 39, 0xa0, 1);
    for (const intid of [41, 40, 39, 42]) gic.pulse(intid);
    const order: number[] = [];
    for (let i = 0; i < 4; i++) {
      const intid = Number(gic.iar());
      order.push(intid);
      gic.eoi(intid);
    }
    expect(order).toEqual([42, 39, 40, 41]);
  });

  it('below the mask, strictly, are signalled', () => {
    const gic = threePriorities();
    gic.msr(0, PMR, 0xa0);
    gic.pulse(40);
    expect([gic.irq(), gic.iar(), gic.mrs(0, HPPIR1)]).toEqual([false, 1023, 40]);
    gic.pulse(42);
    expect([gic.irq(), gic.mrs(0, HPPIR1), gic.iar()]).toEqual([true, 42, 42]);
    gic.eoi(42);
    gic.msr(0, PMR, 0xa8);
    expect([gic.irq(), gic.iar()]).toEqual([true, 40]);
  });

  it('preempt when they are higher, and nest', () => {
    const gic = threePriorities();
    gic.pulse(41);
    expect([gic.iar(), gic.mrs(0, RPR), gic.mrs(0, AP1R0)]).toEqual([41, 0xc0, 1 << 24]);
    gic.pulse(40);
    expect([gic.iar(), gic.mrs(0, RPR), gic.mrs(0, AP1R0)]).toEqual([40, 0xa0, 0x01100000]);
    gic.enable(43, 'edge');
    gic.setGicd(0x400 + 43, 0xa0, 1);
    gic.pulse(43);
    expect([gic.irq(), gic.iar()]).toEqual([false, 1023]);
    gic.pulse(42);
    expect([gic.iar(), gic.mrs(0, RPR)]).toEqual([42, 0x80]);
    gic.eoi(42);
    expect([gic.mrs(0, RPR), gic.irq()]).toEqual([0xa0, false]);
    gic.eoi(40);
    expect([gic.mrs(0, RPR), gic.irq(), gic.iar()]).toEqual([0xc0, true, 43]);
    gic.eoi(43);
    gic.eoi(41);
    expect([gic.mrs(0, RPR), gic.mrs(0, AP1R0)]).toEqual([0xff, 0]);
  });

  it('of one group do not preempt each other', () => {
    const gic = threePriorities();
    gic.msr(0, BPR1, 6);
    gic.pulse(40);
    expect([gic.iar(), gic.mrs(0, RPR)]).toEqual([40, 0x80]);
    gic.pulse(42);
    expect([gic.irq(), gic.mrs(0, HPPIR1)]).toEqual([false, 42]);
    gic.eoi(40);
    expect(gic.iar()).toBe(42);
  });

  it('raised while it is pending, an interrupt is signalled', () => {
    const gic = threePriorities();
    gic.pulse(42);
    expect(gic.iar()).toBe(42);
    gic.pulse(41);
    expect(gic.irq()).toBe(false);
    gic.setGicd(0x400 + 41, 0x10, 1);
    expect([gic.irq(), gic.iar()]).toEqual([true, 41]);
  });
});

describe('the end of an interrupt', () => {
  it('in EOImode 1 is a drop, and later a deactivation, by any vCPU', () => {
    const gic = new GicHarness(2).boot();
    gic.enable(40, 'edge');
    gic.msr(0, CTLR, 2);
    gic.msr(1, CTLR, 2);
    gic.pulse(40);
    expect(gic.iar()).toBe(40);
    gic.pulse(40);
    gic.eoi(40);
    expect([gic.mrs(0, RPR), gic.gicd(0x304), gic.iar()]).toEqual([0xff, 1 << 8, 1023]);
    gic.msr(1, DIR, 40);
    expect([gic.gicd(0x304), gic.irq(0), gic.iar(0)]).toEqual([0, true, 40]);
  });

  it('DIR in EOImode 0 is ignored', () => {
    const gic = threePriorities();
    gic.pulse(40);
    gic.iar();
    gic.msr(0, DIR, 40);
    expect(gic.gicd(0x304)).toBe(1 << 8);
  });

  it.each([1020, 1021, 1022, 1023])('%i is not one', (intid) => {
    const gic = threePriorities();
    gic.pulse(40);
    gic.iar();
    gic.eoi(intid);
    expect([gic.mrs(0, RPR), gic.gicd(0x304)]).toEqual([0xa0, 1 << 8]);
  });

  it('of an INTID that does not exist drops the priority alone', () => {
    const gic = threePriorities();
    gic.pulse(40);
    gic.iar();
    gic.eoi(0x123456);
    expect([gic.mrs(0, RPR), gic.gicd(0x304)]).toEqual([0xff, 1 << 8]);
  });

  it('leaves AP1R alone when ICACTIVER ended the interrupt', () => {
    const gic = threePriorities();
    gic.pulse(40);
    gic.iar();
    gic.setGicd(0x384, 1 << 8);
    expect(gic.mrs(0, AP1R0)).toBe(1 << 20);
  });
});

describe('SGIs', () => {
  const sgi = (intid: number, list: number, { aff1 = 0, high = 0n } = {}) =>
    (BigInt(intid) << 24n) | (BigInt(aff1) << 16n) | BigInt(list) | high;
  const booted = (vcpus: number) => {
    const gic = new GicHarness(vcpus).boot();
    for (let vcpu = 0; vcpu < vcpus; vcpu++) gic.setGicr(vcpu, 0x10100, 0xffff);
    return gic;
  };
  const taken = (gic: GicHarness) =>
    Array.from({ length: gic.vcpus }, (_, vcpu) => gic.iar(vcpu)).flatMap((intid, vcpu) =>
      intid === 1023 ? [] : [`${vcpu}:${intid}`],
    );

  it.each([
    ['a list', sgi(3, 0b1010), ['1:3', '3:3']],
    ['the sender', sgi(15, 0b1), ['0:15']],
    ['a list in another Aff1', sgi(0, 0b11, { aff1: 1 }), ['16:0', '17:0']],
    ['vCPUs that there are not', sgi(1, 0xfffc, { aff1: 1 }), []],
    [
      'all but the sender',
      sgi(2, 0, { high: 1n << 40n }),
      Array.from({ length: 17 }, (_, i) => `${i + 1}:2`),
    ],
    ['Aff2', sgi(2, 0xffff, { high: 1n << 32n }), []],
    ['Aff3', sgi(2, 0xffff, { high: 1n << 48n }), []],
    ['a range', sgi(2, 0xffff, { high: 1n << 44n }), []],
  ])('reach %s', (_what, value, expected) => {
    const gic = booted(18);
    gic.msr(0, SGI1R, value);
    expect(taken(gic)).toEqual(expected);
  });

  it('are one pending bit for each target and INTID', () => {
    const gic = booted(2);
    gic.msr(0, SGI1R, sgi(1, 0b10));
    gic.msr(1, SGI1R, sgi(1, 0b10));
    gic.msr(0, SGI1R, sgi(4, 0b10));
    expect([gic.gicr(1, 0x10200), gic.gicr(0, 0x10200)]).toEqual([0x12, 0]);
    expect(gic.iar(1)).toBe(1);
    gic.eoi(1, 1);
    expect(gic.iar(1)).toBe(4);
    gic.eoi(4, 1);
    expect(gic.iar(1)).toBe(1023);
  });

  it('to a target that has them in group 0 are dropped', () => {
    const gic = booted(2);
    gic.setGicr(1, 0x10080, 0);
    gic.msr(0, SGI1R, sgi(1, 0b11));
    gic.setGicr(1, 0x10080, 0xffffffff);
    expect(taken(gic)).toEqual(['0:1']);
  });
});

describe('a vCPU is notified', () => {
  const pendingAndLimit = (gic: GicHarness) => {
    const words = new Int32Array(gic.memory.buffer, 0x200, 2);
    words[1] = 1000;
    gic.device.connect(0, 0x200, 0x204);
    return words;
  };

  it('by its words, and by nothing that is not for it', () => {
    const gic = threePriorities();
    const words = pendingAndLimit(gic);
    gic.pulse(50);
    expect([...words]).toEqual([0, 1000]);
    words[0] = 4;
    gic.pulse(40);
    expect([...words]).toEqual([5, 0]);
  });

  it('until there is nothing left', () => {
    const gic = threePriorities();
    const words = pendingAndLimit(gic);
    gic.pulse(40);
    expect([gic.irq(), words[0]]).toEqual([true, 1]);
    gic.iar();
    expect([gic.irq(), words[0]]).toEqual([false, 0]);
    words[1] = 1000;
    gic.eoi(40);
    expect([...words]).toEqual([0, 1000]);
  });

  it.each<[string, (gic: GicHarness) => void]>([
    ['the end of what ran', (gic) => gic.eoi(42)],
    ['a binary point', (gic) => gic.msr(0, BPR1, 4)],
    ['active priorities', (gic) => gic.msr(0, AP1R0, 0)],
    ['the mask', (gic) => gic.msr(0, PMR, 0xf8)],
    ['the enable', (gic) => gic.msr(0, IGRPEN1, 1)],
  ])('again by %s while something waits', (_what, change) => {
    const gic = threePriorities();
    const words = pendingAndLimit(gic);
    gic.pulse(42);
    gic.iar();
    gic.pulse(41);
    gic.irq();
    words[1] = 1000;
    expect(words[0]).toBe(0);
    change(gic);
    expect([...words]).toEqual([1, 0]);
  });

  it('keeps its words over a reset', () => {
    const gic = new GicHarness();
    const words = pendingAndLimit(gic);
    gic.device.reset();
    gic.boot();
    gic.enable(40, 'edge');
    gic.pulse(40);
    expect([...words]).toEqual([1, 0]);
  });

  it('and woken while it sleeps', async () => {
    const gic = threePriorities();
    const words = pendingAndLimit(gic);
    const waiting = Atomics.waitAsync(words, 0, 0, 20_000);
    gic.pulse(50);
    // Asleep: a word of its block.
    const asleep = new Int32Array(gic.memory.buffer, 0x1000 + 0x3000 + 0x108, 1);
    asleep[0] = 1;
    gic.pulse(40);
    expect(waiting.async).toBe(true);
    expect(await waiting.value).toBe('ok');
  });
});

it('EOIR1 and DIR use 24 bits of INTID', () => {
  const gic = threePriorities();
  gic.pulse(40);
  gic.iar();
  gic.msr(0, EOIR1, 0xff000028n);
  expect(gic.gicd(0x304)).toBe(0);
});

// SPDX-License-Identifier: MIT
// A GICv2m frame, with literal offsets and values.

import { describe, expect, it } from 'vitest';
import { Gicv2mFrame } from '../../../devices/gicv3/index.ts';
import { GicHarness } from './gic-harness.ts';

const FRAME = 0x08020000;

/** A frame with SPIs 32 to 35, INTIDs 64 to 67, on a GIC as Linux initializes it. */
function board() {
  const gic = new GicHarness(1, 64).boot();
  const frame = new Gicv2mFrame({ firstIntid: 64, spis: 4 });
  frame.attach({
    ...({} as Parameters<Gicv2mFrame['attach']>[0]),
    interruptLine: (index) => gic.device.line(32 + index),
  });
  const access = (offset: number, lo = 0) => ({
    region: 0,
    offset,
    size: 4 as const,
    lo,
    hi: 0,
    vcpu: 0,
  });
  return {
    gic,
    frame,
    read(offset: number): number {
      const done = access(offset);
      frame.read(done);
      return done.lo;
    },
    write: (offset: number, value: number) => frame.write(access(offset, value)),
  };
}

describe('a GICv2m frame', () => {
  it('states which SPIs it has', () => {
    const { frame, read } = board();
    expect([read(0x008), read(0xfcc), read(0x040), read(0)]).toEqual([0x00400004, 0x43b, 0, 0]);
    expect(frame.identity.interrupts).toBe(4);
    expect([0x008, 0x040, 0xfcc, 4].map((at) => frame.registerName(0, at))).toEqual([
      'MSI_TYPER',
      'MSI_SETSPI_NS',
      'MSI_IIDR',
      'gicv2m+0x4',
    ]);
  });

  it.each(['device', 'vCPU'])('makes an SPI pending that a %s writes, of its own', (who) => {
    const { gic, frame, write } = board();
    const { send, doorbells } = frame.msiController(FRAME);
    const set = (intid: number) =>
      who === 'vCPU' ? write(0x040, intid) : send(9, 0x08020040, intid);
    for (const intid of [62, 64, 67, 68]) gic.enable(intid, 'edge');
    expect(doorbells).toEqual([{ gpa: FRAME, size: 0x1000 }]);
    for (const intid of [62, 68, 0xffffffff, 0]) set(intid);
    expect(gic.iar()).toBe(1023);
    set(67);
    set(67);
    set(64);
    expect([gic.iar(), gic.eoi(64), gic.iar(), gic.eoi(67), gic.iar()]).toEqual([
      64,
      undefined,
      67,
      undefined,
      1023,
    ]);
  });

  it('accepts a message at its one doorbell', () => {
    const { gic, frame, write } = board();
    gic.enable(64, 'edge');
    const { send } = frame.msiController(FRAME);
    expect([send(undefined, 0x08020044, 64), send(undefined, 0x08020040, 64)]).toEqual([
      false,
      true,
    ]);
    expect(gic.iar()).toBe(64);
    gic.eoi(64);
    write(0x044, 64);
    expect(gic.iar()).toBe(1023);
  });

  it('has SPIs alone', () => {
    for (const [firstIntid, spis] of [
      [31, 4],
      [1000, 21],
      [64, 0],
      [64.5, 1],
    ] as const)
      expect(() => new Gicv2mFrame({ firstIntid, spis })).toThrow('lie from 32 to 1019');
    expect(new Gicv2mFrame({ firstIntid: 1000, spis: 20 }).identity.interrupts).toBe(20);
  });

  it('has no state', () => {
    const { frame } = board();
    frame.restore(frame.save());
    expect(() => frame.restore({ firstIntid: 64 })).toThrow('the state is not of this device');
  });
});

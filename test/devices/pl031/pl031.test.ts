// SPDX-License-Identifier: MIT
// Offsets and bits are literals from the PL031's manual (DDI 0224).

import { describe, expect, it } from 'vitest';
import { Pl031 } from '../../../devices/pl031/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';

/** 2026-01-01T00:00:00Z. */
const EPOCH = 1767225600;
const SECOND = 1e9;

function clock(epoch = EPOCH) {
  const device = new Pl031({ epoch });
  const host = new FakeHost();
  device.attach(host);
  host.reset(device);
  const bus = new DeviceBus(device);
  return {
    device,
    host,
    read: (offset: number) => bus.read32(offset),
    bus,
    write: (offset: number, value: number) => bus.write32(offset, value),
    /** Advances the machine's time. */
    pass(seconds: number) {
      host.timeNs += seconds * SECOND;
      host.poll();
    },
  };
}

describe('Pl031', () => {
  it('identifies itself as an Arm PL031', () => {
    const { read } = clock();
    const id = [0xfe0, 0xfe4, 0xfe8, 0xfec, 0xff0, 0xff4, 0xff8, 0xffc].map(read);
    expect(id).toEqual([0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('counts seconds of the machine’s time', () => {
    const { read, pass } = clock();
    expect(read(0x00)).toBe(EPOCH);
    pass(0.999);
    expect(read(0x00)).toBe(EPOCH);
    pass(0.001);
    expect(read(0x00)).toBe(EPOCH + 1);
    pass(2);
    expect(read(0x00)).toBe(EPOCH + 3);
  });

  it('is set by LR, and wraps at 32 bits', () => {
    const { read, write, pass } = clock();
    pass(5);
    write(0x08, 0xffffffff);
    expect([read(0x00), read(0x08)]).toEqual([0xffffffff, 0xffffffff]);
    pass(2);
    expect(read(0x00)).toBe(1);
  });

  it('always runs', () => {
    const { read, write, pass } = clock();
    write(0x0c, 0);
    pass(1);
    expect([read(0x0c), read(0x00)]).toEqual([1, EPOCH + 1]);
  });

  it('raises its line when it matches, until the interrupt is cleared', () => {
    const { host, read, write, pass } = clock();
    write(0x10, 1);
    write(0x04, EPOCH + 2);
    pass(1);
    expect([read(0x14), host.level(0)]).toEqual([0, false]);
    pass(1);
    expect([read(0x14), read(0x18), host.level(0)]).toEqual([1, 1, true]);
    write(0x1c, 0);
    expect(host.level(0)).toBe(true);
    write(0x1c, 1);
    expect([read(0x14), read(0x18), host.level(0)]).toEqual([0, 0, false]);
    pass(10);
    expect(read(0x14)).toBe(0);
  });

  it('records a match while it is masked', () => {
    const { host, read, write, pass } = clock();
    write(0x04, EPOCH + 1);
    pass(1);
    expect([read(0x14), read(0x18), host.level(0)]).toEqual([1, 0, false]);
    write(0x10, 0xffffffff);
    expect([read(0x10), read(0x18), host.level(0)]).toEqual([1, 1, true]);
    write(0x10, 0);
    expect(host.level(0)).toBe(false);
  });

  it.each([
    ['MR', 0x04, EPOCH],
    ['LR', 0x08, 0],
  ])('matches at once when %s makes it so', (_name, register, value) => {
    const { read, write } = clock();
    write(register, value);
    expect(read(0x14)).toBe(1);
  });

  it('matches at the new time when the time is set', () => {
    const { read, write, pass } = clock();
    write(0x04, EPOCH + 100);
    write(0x08, EPOCH + 98);
    pass(1);
    expect(read(0x14)).toBe(0);
    pass(1);
    expect(read(0x14)).toBe(1);
  });

  it('forgets an alarm that is set again', () => {
    const { read, write, pass } = clock();
    write(0x04, EPOCH + 1);
    write(0x04, EPOCH + 5);
    pass(4);
    expect(read(0x14)).toBe(0);
    pass(1);
    expect(read(0x14)).toBe(1);
  });

  it('keeps DR, RIS, MIS and its identification regardless of writes, at all widths', () => {
    const { bus, read } = clock();
    for (const offset of [0x00, 0x14, 0x18, 0xfe0, 0xffc])
      for (const size of [1, 2, 4] as const) bus.write(0, offset, size, 0xff);
    expect([0x00, 0x14, 0x18, 0xfe0, 0xffc].map(read)).toEqual([EPOCH, 0, 0, 0x31, 0xb1]);
  });

  it('treats a narrow access as one to the whole register', () => {
    const { bus, read } = clock();
    bus.write(0, 0x04, 1, 0x12);
    bus.write(0, 0x05, 1, 0x34);
    expect([read(0x04), bus.read(0, 0x00, 1).lo]).toEqual([0x12, EPOCH & 0xff]);
  });

  it('is named', () => {
    const { device } = clock();
    const names = [0x00, 0x04, 0x14, 0xfe0].map((offset) => device.registerName(0, offset));
    expect(names).toEqual(['RTCDR', 'RTCMR', 'RTCRIS', 'RTCPeriphID0']);
  });

  it.each([-1, 1.5, 2 ** 32, Number.NaN])('refuses the epoch %d', (epoch) => {
    expect(() => new Pl031({ epoch })).toThrow(
      `Pl031: epoch must be an integer from 0 to 4294967295, not ${epoch}`,
    );
  });
});

// SPDX-License-Identifier: MIT
// The DMA engine as a PCIe endpoint: what its capabilities allow, with literal registers.

import { describe, expect, it } from 'vitest';
import { DmaEnginePci } from '../../../devices/dma-engine/index.ts';
import type { AtsSettings, DmaPort, PageResponses } from '../../../devices/plugin/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { findCapability } from '../../support/pcie-function.ts';

const RAM = 0x80000000;
const [FILL, DONE, WRITE_FAULT, BUSY] = [2, 1, 3, 8];

class HostWithAts extends FakeHost {
  settings: AtsSettings = { enabled: false, pageRequests: false, silent: false };
  responses: PageResponses = { isWaiting: false, failed: false, unexpected: false };
  /** How often the ATC was emptied, which also forgets a page request. */
  emptied = 0;

  override dmaPort(): DmaPort {
    const settings = () => this.settings;
    return {
      ...super.dmaPort(),
      ats: {
        get settings() {
          return settings();
        },
        configure: (wanted) => {
          this.settings = wanted;
          this.emptied++;
        },
        takeResponses: () => this.responses,
      },
    };
  }
}

function engine() {
  const host = new HostWithAts();
  const device = new DmaEnginePci('dma');
  device.attach(host);
  device.reset();
  const bus = new DeviceBus(device);
  const config = (offset: number) => bus.read(0, offset, 4).lo;
  /** Offset of an extended capability. */
  const extended = (id: number) => {
    for (let at = 0x100; at !== 0; at = config(at) >>> 20)
      if ((config(at) & 0xffff) === id) return at;
    return 0;
  };
  bus.write(0, 4, 2, 6);
  const fill = (pasid = 0) => {
    for (const [offset, value] of [
      [0x18, RAM + 0x100],
      [0x1c, 0],
      [0x0c, 16],
      [0x20, 0x12345678],
      [0x3c, pasid],
      [0x34, 1],
      [0x04, FILL],
    ] as const)
      bus.write(1, offset, 4, value);
    return bus.read(1, 0x08, 4).lo;
  };
  return { host, device, bus, config, extended, fill };
}

describe('the DMA engine as a PCIe endpoint', () => {
  it('has ATS, PRI and PASID, and resets by function', () => {
    const { config, extended, bus } = engine();
    expect([config(0), config(8) >>> 8, bus.read(0, 0x3d, 1).lo]).toEqual([
      0x4d441234, 0x088000, 0,
    ]);
    expect([extended(0x0f), extended(0x13), extended(0x1b)]).toEqual([0x100, 0x108, 0x118]);
    expect([config(0x104), config(0x10c), config(0x110), config(0x11c)]).toEqual([
      0x20, 0x81000000, 1, 0x1406,
    ]);
    const express = findCapability(bus, 0, 0x10);
    expect([config(express + 4), config(express + 0x24)]).toEqual([0x10008000, 0x00600000]);
  });

  it('writes to memory, and sends its message', () => {
    const { host, bus, fill } = engine();
    for (const [i, word] of [RAM + 0x40, 0, 0x99, 0].entries()) bus.write(2, 4 * i, 4, word);
    bus.write(0, findCapability(bus, 0, 0x11) + 2, 2, 0x8000);
    expect(fill()).toBe(DONE);
    expect([...host.ram.subarray(0x100, 0x104)]).toEqual([0x78, 0x56, 0x34, 0x12]);
    expect(host.log.filter((line) => line.startsWith('msi'))).toEqual([
      'msi 0x80000040 0x99 taken',
    ]);
  });

  it('makes no access while it is not a bus master', () => {
    const { bus, fill } = engine();
    bus.write(0, 4, 2, 2);
    expect(fill()).toBe(WRITE_FAULT);
  });

  it.each([
    ['a PASID', 0x80000005, 1, ' pasid 5'],
    ['an instruction fetch', 0xa0000005, 3, ' pasid 5 instruction'],
    ['privilege', 0xc0000005, 5, ' pasid 5 privileged'],
  ])('has accesses carry %s when its capability enables it', (_, register, enable, carried) => {
    const { host, bus, extended, fill } = engine();
    expect(fill(register)).toBe(WRITE_FAULT);
    bus.write(0, extended(0x1b) + 6, 2, enable & ~1);
    expect(fill(register)).toBe(WRITE_FAULT);
    bus.write(0, extended(0x1b) + 6, 2, enable);
    expect(fill(register)).toBe(DONE);
    expect(host.log).toContain(`dma write 0x80000100 16 ok${carried}`);
    expect(fill(register & ~0x80000000)).toBe(register === 0x80000005 ? DONE : WRITE_FAULT);
  });

  it('sends neither atomic operations nor hints, which no port above it routes', () => {
    const { host, bus, fill } = engine();
    expect(fill(0x10000000)).toBe(WRITE_FAULT);
    bus.write(1, 0x04, 4, 4);
    expect(bus.read(1, 0x08, 4).lo).toBe(DONE);
    expect(host.log.filter((line) => line.startsWith('dma'))).toEqual([]);
    expect(fill()).toBe(DONE);
  });

  it('has privileged accesses and instruction fetches as its PASID capability enables each', () => {
    const { bus, extended, fill } = engine();
    const control = extended(0x1b) + 6;
    const [ENABLED, EXECUTE, PRIVILEGED] = [1, 2, 4];
    const done = (enabled: number) => {
      bus.write(0, control, 2, enabled);
      // PASID 1; also an instruction fetch; also privileged.
      return [0x8000_0001, 0xa000_0001, 0xc000_0001].map((pasid) => fill(pasid) === DONE);
    };
    expect(done(0)).toEqual([false, false, false]);
    expect(done(ENABLED)).toEqual([true, false, false]);
    expect(done(ENABLED | EXECUTE)).toEqual([true, true, false]);
    expect(done(ENABLED | PRIVILEGED)).toEqual([true, false, true]);
  });

  it('uses ATS and PRI according to the capabilities, not to its own register', () => {
    const { host, bus, extended, config } = engine();
    bus.write(1, 0x38, 4, 5);
    expect(host.settings).toEqual({ enabled: false, pageRequests: false, silent: false });
    const [ats, pri] = [extended(0x0f), extended(0x13)];
    bus.write(0, pri + 4, 2, 1);
    expect([config(pri + 4), host.settings.pageRequests]).toEqual([0x80000001, false]);
    bus.write(0, pri + 12, 4, 1);
    bus.write(0, ats + 6, 2, 0x8000);
    expect(host.settings).toEqual({ enabled: true, pageRequests: true, silent: false });
    expect(bus.read(1, 0x38, 4).lo).toBe(5);
    bus.write(1, 0x38, 4, 2);
    expect(host.settings).toEqual({ enabled: true, pageRequests: true, silent: true });
    bus.write(0, pri + 4, 2, 0);
    expect([config(pri + 4), host.settings.pageRequests]).toEqual([0x81000000, false]);
    bus.write(0, pri + 4, 2, 1);
    expect(host.settings.pageRequests).toBe(true);
    bus.write(0, pri + 12, 4, 0);
    expect(host.settings.pageRequests).toBe(false);
  });

  it('shows responses in the status of PRI, whose bits software clears', () => {
    const { host, bus, extended, config } = engine();
    const pri = extended(0x13);
    bus.write(0, pri + 4, 2, 1);
    host.responses = { isWaiting: true, failed: false, unexpected: true };
    expect(config(pri + 4)).toBe(0x80020001);
    host.responses = { isWaiting: true, failed: false, unexpected: false };
    bus.write(0, pri + 6, 2, 0xffff);
    expect(config(pri + 4)).toBe(0x80000001);
    bus.write(0, pri + 4, 1, 0);
    expect(config(pri + 4)).toBe(0x80000000);
    host.responses = { isWaiting: false, failed: true, unexpected: false };
    expect(config(pri + 4)).toBe(0x81010000);
    // One byte of it: the other bits keep their values.
    bus.write(0, pri + 7, 1, 0xff);
    host.responses = { isWaiting: false, failed: false, unexpected: false };
    expect(config(pri + 4)).toBe(0x81010000);
    bus.write(0, pri + 4, 4, 0x00010000);
    expect(config(pri + 4)).toBe(0x81000000);
  });

  it('forgets a page request at a reset of PRI, which is one only while PRI is disabled', () => {
    const { host, bus, extended, config } = engine();
    const control = extended(0x13) + 4;
    bus.write(0, control, 2, 1);
    host.responses = { isWaiting: true, failed: false, unexpected: false };
    const before = host.emptied;
    const status = (written: number) => {
      bus.write(0, control, 2, written);
      return [config(control), host.emptied - before];
    };
    expect(status(3)).toEqual([0x80000001, 0]);
    expect(status(0)).toEqual([0x80000000, 0]);
    bus.write(0, control, 2, 2);
    host.responses = { isWaiting: false, failed: false, unexpected: false };
    expect([config(control), host.emptied - before]).toEqual([0x81000000, 1]);
  });

  it('stops at FLR: DMA in flight ends, BARs, commands and MSI-X are those of a reset', () => {
    const { host, bus, config } = engine();
    bus.write(0, 0x10, 4, 0x10000000);
    bus.write(0, 0x14, 4, 0x10001000);
    const [express, msix] = [findCapability(bus, 0, 0x10), findCapability(bus, 0, 0x11)];
    bus.write(0, msix + 2, 2, 0xc000);
    for (const [i, word] of [RAM + 0x40, 0, 0x99, 0].entries()) bus.write(2, 4 * i, 4, word);
    // Three turns of 32 KiB; the write executes the first.
    const { ram } = host;
    for (const [offset, value] of [
      [0x18, RAM + 0x4000],
      [0x0c, 0xc000],
      [0x20, 0x5a5a5a5a],
      [0x34, 1],
      [0x04, FILL],
    ] as const)
      bus.write(1, offset, 4, value);
    expect([bus.read(1, 0x08, 4).lo, ram[0x4000], ram[0xc000]]).toEqual([BUSY, 0x5a, 0]);
    bus.write(0, express + 8, 2, 0x8000);
    for (let turn = 0; turn < 4; turn++) host.poll();
    expect([ram[0xbfff], ram[0xc000], bus.read(1, 0x08, 4).lo]).toEqual([0x5a, 0, 0]);
    expect(host.log.filter((line) => line.startsWith('msi'))).toEqual([]);
    expect([0x04, 0x10, 0x14, msix].map(config)).toEqual([0x00110000, 0, 0, 0x00000011]);
    expect([0, 4, 8, 12, 0x800].map((offset) => bus.read(2, offset, 4).lo)).toEqual([
      0, 0, 0, 1, 0,
    ]);
    // Initiate Function Level Reset reads 0.
    expect(config(express + 8) & 0xffff).toBe(0x2810);
  });

  it('is as new after FLR: ATS, PRI and PASID are off', () => {
    const { host, bus, extended, device } = engine();
    bus.write(0, extended(0x1b) + 6, 2, 7);
    bus.write(0, extended(0x13) + 4, 2, 1);
    bus.write(0, extended(0x0f) + 6, 2, 0x8000);
    expect(host.settings.enabled).toBe(true);
    bus.write(0, findCapability(bus, 0, 0x10) + 8, 2, 0x8000);
    expect(host.settings.enabled).toBe(false);
    const fresh = engine().device;
    fresh.reset();
    expect(device.save()).toEqual(fresh.save());
  });

  it('restores a saved state completely, or not at all', () => {
    const one = engine();
    one.bus.write(0, one.extended(0x0f) + 6, 2, 0x8000);
    one.fill();
    const state = structuredClone(one.device.save());
    const other = engine();
    other.device.restore(state);
    expect([other.device.save(), other.host.settings.enabled]).toEqual([state, true]);
    const before = other.device.save();
    expect(() => other.device.restore({ ...state, function: {} })).toThrow(TypeError);
    expect(other.device.save()).toEqual(before);
  });
});

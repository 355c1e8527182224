// SPDX-License-Identifier: MIT
// Offsets and bits are literals from the PL011's manual (DDI 0183).

import { describe, expect, it } from 'vitest';
import { Pl011 } from '../../../devices/pl011/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';

function uart() {
  const sent: number[] = [];
  const device = new Pl011({
    onOutput(bytes) {
      sent.push(...bytes);
    },
  });
  const host = new FakeHost();
  device.attach(host);
  device.reset();
  return { device, host, bus: new DeviceBus(device), sent };
}

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

describe('Pl011', () => {
  it('sends what is written to UARTDR, for any width of the write', () => {
    const { bus, sent } = uart();
    bus.write(0, 0x000, 1, 0x41);
    bus.write(0, 0x000, 2, 0x142);
    bus.write32(0x000, 0xffffff43);
    expect(sent).toEqual([0x41, 0x42, 0x43]);
  });

  it('treats a narrow write as one to the whole register, and a narrow read returns the low bytes', () => {
    const { bus } = uart();
    bus.write32(0x024, 0xabcd);
    expect([1, 2, 4].map((size) => bus.read(0, 0x024, size as 1 | 2 | 4).lo)).toEqual([
      0xcd, 0xabcd, 0xabcd,
    ]);
    bus.write(0, 0x025, 1, 0xff);
    expect([bus.read(0, 0x025, 1).lo, bus.read32(0x024)]).toEqual([0, 0xabcd]);
    bus.write(0, 0x024, 1, 0x12);
    expect(bus.read32(0x024)).toBe(0x12);
  });

  it('identifies itself as an Arm PL011', () => {
    const { bus } = uart();
    const id = [0xfe0, 0xfe4, 0xfe8, 0xfec, 0xff0, 0xff4, 0xff8, 0xffc].map((offset) =>
      bus.read32(offset),
    );
    expect(id).toEqual([0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('has empty FIFOs and both directions enabled after reset', () => {
    const { bus } = uart();
    expect([bus.read32(0x018), bus.read32(0x030), bus.read32(0x034), bus.read32(0x038)]).toEqual([
      0x90, 0x300, 0x12, 0,
    ]);
  });

  it('returns characters in order and then reads zero with RXFE set', () => {
    const { bus, device } = uart();
    device.receive(bytes('ab'));
    expect(bus.read32(0x018) & 0x10).toBe(0);
    expect([bus.read32(0x000), bus.read(0, 0x000, 1).lo, bus.read32(0x000)]).toEqual([
      0x61, 0x62, 0,
    ]);
    expect(bus.read32(0x018) & 0x10).toBe(0x10);
  });

  it('raises the receive interrupt as a level until the character is read', () => {
    const { bus, device, host } = uart();
    bus.write32(0x038, 0x10);
    device.receive(bytes('a'));
    expect([host.level(0), bus.read32(0x03c), bus.read32(0x040)]).toEqual([true, 0x50, 0x10]);
    bus.read32(0x000);
    expect([host.level(0), bus.read32(0x03c)]).toEqual([false, 0]);
  });

  it('does not drive the line while UARTIMSC masks the interrupt', () => {
    const { bus, device, host } = uart();
    device.receive(bytes('a'));
    expect([host.level(0), bus.read32(0x040)]).toEqual([false, 0]);
    bus.write32(0x038, 0x10);
    expect(host.level(0)).toBe(true);
  });

  it('with FIFOs interrupts at the trigger level, and by timeout below it', () => {
    const { bus, device } = uart();
    bus.write32(0x02c, 0x70);
    device.receive(bytes('1234567'));
    expect(bus.read32(0x03c)).toBe(0x40);
    device.receive(bytes('8'));
    expect(bus.read32(0x03c)).toBe(0x50);
    bus.read32(0x000);
    expect(bus.read32(0x03c)).toBe(0x40);
  });

  it('loses nothing when more arrives than the FIFO has room for', () => {
    const { bus, device } = uart();
    bus.write32(0x02c, 0x70);
    const text = 'the quick brown fox jumps over the lazy dog';
    device.receive(bytes(text));
    expect(bus.read32(0x018) & 0x40).toBe(0x40);
    expect(String.fromCharCode(...Array.from(text, () => bus.read32(0x000)))).toBe(text);
  });

  it('an interrupt cleared by UARTICR is set again by the next character', () => {
    const { bus, device, host } = uart();
    bus.write32(0x038, 0x50);
    device.receive(bytes('a'));
    bus.write32(0x044, 0x50);
    expect(host.level(0)).toBe(false);
    device.receive(bytes('b'));
    expect(host.level(0)).toBe(true);
  });

  it('has its transmit interrupt after each character, until it is cleared', () => {
    const { bus, host } = uart();
    bus.write32(0x038, 0x20);
    bus.write32(0x000, 0x41);
    expect([host.level(0), bus.read32(0x03c)]).toEqual([true, 0x20]);
    bus.write32(0x044, 0x20);
    expect(host.level(0)).toBe(false);
  });

  // What Linux's amba-pl011.c does at open and in its handler.
  it('is quiet once a handler has drained it, and again with the next character', () => {
    const { bus, device, host } = uart();
    bus.write32(0x02c, 0x70);
    device.receive(bytes('login: root'));
    bus.write32(0x044, 0x7f0);
    while ((bus.read32(0x018) & 0x10) === 0) bus.read32(0x000);
    bus.write32(0x038, 0x50);
    expect([host.level(0), bus.read32(0x03c)]).toEqual([false, 0]);
    device.receive(bytes('x'));
    expect([host.level(0), bus.read32(0x040)]).toEqual([true, 0x40]);
    expect([bus.read32(0x000), host.level(0), bus.read32(0x03c)]).toEqual([0x78, false, 0]);
  });

  it('stores what it has no use for: UARTILPR, UARTDMACR', () => {
    const { bus } = uart();
    bus.write32(0x020, 0xfff);
    bus.write32(0x048, 0xff);
    expect([bus.read32(0x020), bus.read32(0x048)]).toEqual([0xff, 0x7]);
  });

  it('is never busy or full on the sending side', () => {
    const { bus } = uart();
    for (let i = 0; i < 40; i++) bus.write32(0x000, 0x41);
    expect(bus.read32(0x018)).toBe(0x90);
  });
});

// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { Checkpoint } from '../../../devices/checkpoint/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';

const RAM = 0x80000000;

function checkpoint() {
  const events: unknown[] = [];
  const device = new Checkpoint({
    onPhase: (...event) => events.push(event),
    onResult: (...event) => events.push(event),
  });
  const host = new FakeHost({ ramGpa: RAM, ramSize: 0x10000 });
  device.attach(host);
  device.reset();
  const bus = new DeviceBus(device);
  const data = (...words: number[]) => {
    words.forEach((word, i) => {
      bus.write32(0x10 + 4 * i, word);
    });
  };
  const text = (at: number, characters: string) => {
    host.ram.set(
      Uint8Array.from(characters, (character) => character.charCodeAt(0)),
      at,
    );
  };
  return { bus, host, events, data, text };
}

describe('Checkpoint', () => {
  it('reports the beginning and the end of a phase with the payload', () => {
    const { bus, events, data } = checkpoint();
    data(1, 2, 3, 4, 5, 6, 7, 0xffffffff);
    bus.write32(0x04, 2);
    bus.write32(0x04, 0x80000002);
    const payload = [1, 2, 3, 4, 5, 6, 7, 0xffffffff];
    expect(events).toEqual([
      [2, false, payload],
      [2, true, payload],
    ]);
    expect([bus.read32(0x00), bus.read32(0x04)]).toEqual([0x31504b43, 0x80000002]);
  });

  it('reads name and detail from RAM at any alignment', () => {
    const { bus, events, data, text } = checkpoint();
    text(0x103, 'stale entry hit');
    text(0x1000, 'DMA went through');
    data(RAM + 0x103, 15, RAM + 0x1000, 16);
    bus.write32(0x08, 1);
    bus.write32(0x08, 0);
    expect(events).toEqual([
      ['stale entry hit', true, 'DMA went through'],
      ['stale entry hit', false, 'DMA went through'],
    ]);
  });

  it('treats any result except 1 as a failure', () => {
    const { bus, events } = checkpoint();
    bus.write32(0x08, 3);
    expect(events).toEqual([['', false, '']]);
  });

  it('lets no control character through', () => {
    const { bus, events, data, text } = checkpoint();
    text(0, 'a\x1b[31m\n\0\x7f\xffb');
    data(RAM, 11, 0, 0);
    bus.write32(0x08, 1);
    expect(events).toEqual([['a?[31m????b', true, '']]);
  });

  it('cuts text at 240 bytes and where RAM ends', () => {
    const { bus, events, data, host } = checkpoint();
    host.ram.fill(0x41);
    data(RAM, 0xffffffff, RAM + 0xfffa, 100);
    bus.write32(0x08, 1);
    expect(events).toEqual([['A'.repeat(240), true, 'A'.repeat(6)]]);
  });

  it('has no text for an address outside RAM', () => {
    const { bus, events, data } = checkpoint();
    data(0, 10, 0xffffffff, 10);
    bus.write32(0x08, 1);
    expect(events).toEqual([['', true, '']]);
  });
});

// SPDX-License-Identifier: MIT
// A PCIe host bridge and its functions, as software finds and programs them: literal
// offsets and bits.

import { describe, expect, it } from 'vitest';
import { PcieHost, PcieRootPort } from '../../../devices/pcie/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { ecam, findCapability, resetAll, WordEndpoint } from '../../support/pcie-function.ts';

const WINDOW = { gpa: 0x10000000, size: 0x400000 };
const [MEMORY, MASTER, INTX_OFF] = [2, 4, 0x400];

/** A bridge with a function at device 3, and one below a root port at device 4. */
function machine() {
  const word = new WordEndpoint();
  const behind = new WordEndpoint('behind');
  const port = new PcieRootPort('port', [behind]);
  const bridge = new PcieHost({
    buses: 4,
    window: WINDOW,
    functions: [
      { device: 3, plugged: word },
      { device: 4, plugged: port },
    ],
  });
  const host = new FakeHost();
  const ids: number[] = [];
  const own = host.dmaPort();
  behind.attach(
    Object.assign(Object.create(host), {
      dmaPort: () =>
        bridge.dmaPortOf(behind, (id) => {
          ids.push(id);
          return own;
        }),
    }),
  );
  word.attach(host);
  bridge.attach(host);
  resetAll(bridge);
  const bus = new DeviceBus(bridge);
  const at = ecam(0, 3, 0);
  const config = (register: number, value?: number) => {
    if (value !== undefined) bus.write(0, at + register, 4, value);
    return bus.read(0, at + register, 4).lo;
  };
  const command = (value: number) => bus.write(0, at + 4, 2, value);
  return { host, bridge, bus, word, behind, port, config, command, at, ids };
}

/** After BAR 1 of the function at device 3, when it is at the window's beginning. */
function msix() {
  const one = machine();
  one.config(0x14, WINDOW.gpa);
  one.command(MEMORY | MASTER);
  const control = one.at + findCapability(one.bus, one.at, 0x11) + 2;
  const entry = (vector: number, words: readonly number[]) => {
    for (const [i, word] of words.entries()) one.bus.write(1, 16 * vector + 4 * i, 4, word);
  };
  const messages = () => one.host.log.filter((line) => line.startsWith('msi'));
  const pending = () => one.bus.read(1, 0x800, 8);
  const setControl = (value: number) => one.bus.write(0, control, 2, value);
  return { ...one, control, entry, messages, pending, setControl };
}

describe('a PCIe host bridge', () => {
  it('finds functions by bus, device and function; elsewhere it reads all ones', () => {
    const { bus, at } = machine();
    expect(bus.read(0, at, 4).lo).toBe(0x56781234);
    expect(bus.read(0, at + 2, 2).lo).toBe(0x5678);
    expect(bus.read(0, at + 0x0e, 1).lo).toBe(0);
    expect(bus.read(0, ecam(0, 4, 0x0e), 1).lo).toBe(1);
    const absent = [ecam(0, 0, 0), ecam(0, 3, 0, 1), ecam(1, 0, 0), ecam(1, 3, 0)];
    expect(absent.map((offset) => bus.read(0, offset, 4).lo)).toEqual([
      0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
    ]);
    expect([bus.read(0, 0, 1).lo, bus.read(0, 0, 2).lo]).toEqual([0xff, 0xffff]);
  });

  it('keeps the rules of the header', () => {
    const { config } = machine();
    expect(config(0, 0)).toBe(0x56781234);
    expect(config(8, 0)).toBe(0x08800009);
    expect(config(0x2c, 0)).toBe(0x87654321);
    // Memory, bus master, parity, SERR#, INTx off; status: capabilities, immediate
    // readiness.
    expect(config(4, 0xffffffff)).toBe(0x00110546);
    expect(config(0x0c, 0xffffffff)).toBe(0xff);
    expect(config(0x3c, 0xffffffff)).toBe(0x2ff);
    expect(config(0x30, 0xffffffff)).toBe(0);
  });

  it('lists PCI Express and MSI-X, and no extended capability', () => {
    const { bus, at } = machine();
    const express = findCapability(bus, at, 0x10);
    const table = findCapability(bus, at, 0x11);
    // Version 2, integrated endpoint; role-based errors and FLR.
    expect(bus.read(0, at + express + 2, 2).lo).toBe(0x92);
    expect(bus.read(0, at + express + 4, 4).lo).toBe(0x10008000);
    expect([2, 4, 8].map((offset) => bus.read(0, at + table + offset, 2).lo)).toEqual([
      1, 1, 0x801,
    ]);
    expect(bus.read(0, at + 0x100, 4).lo).toBe(0);
  });

  it('shows sizes of BARs, and accepts their addresses', () => {
    const { config } = machine();
    expect([0x10, 0x14, 0x18, 0x24].map((bar) => config(bar, 0xffffffff))).toEqual([
      0xffffe000, 0xfffff000, 0, 0,
    ]);
    expect(config(0x10, 0x10005000)).toBe(0x10004000);
  });

  it('accesses what a BAR decodes at its present address', () => {
    const { bus, config, command, word } = machine();
    config(0x10, WINDOW.gpa + 0x4000);
    bus.write(1, 0x4000, 4, 1);
    expect([bus.read(1, 0x4000, 4).lo, word.word]).toEqual([0xffffffff, 0]);
    command(MEMORY);
    bus.write(1, 0x4000, 4, 7);
    expect([bus.read(1, 0x4000, 4).lo, bus.read(1, 0x5ffc, 4).lo]).toEqual([7, 0x1ffc]);
    config(0x10, WINDOW.gpa + 0x8000);
    expect([bus.read(1, 0x4000, 4).lo, bus.read(1, 0x8000, 4).lo]).toEqual([0xffffffff, 7]);
    // Outside the window it is not mapped.
    config(0x10, 0x80000000);
    expect([0x4000, 0x8000].map((offset) => bus.read(1, offset, 4).lo)).toEqual([
      0xffffffff, 0xffffffff,
    ]);
  });

  it('splits 64-bit accesses, and answers sizes that a function does not have with ones', () => {
    const { bus, config, command, word } = machine();
    config(0x10, WINDOW.gpa);
    command(MEMORY);
    bus.write(1, 0, 8, 5, 6);
    expect([bus.read(1, 0, 8), word.word]).toEqual([{ lo: 5, hi: 4 }, 5]);
    bus.write(1, 0, 2, 9);
    expect([bus.read(1, 0, 2).lo, word.word]).toEqual([0xffff, 5]);
  });

  it('wires INTB of device 3 to the line of INTA of device 0, unless the command register disables it', () => {
    const { host, word, command, config } = machine();
    word.assert(true);
    expect([0, 1, 2, 3].map((line) => host.level(line))).toEqual([true, false, false, false]);
    expect(config(4) & 0x80000).toBe(0x80000);
    command(INTX_OFF);
    expect([host.level(0), config(4) & 0x80000]).toEqual([false, 0x80000]);
    command(0);
    expect(host.level(0)).toBe(true);
    word.assert(false);
    expect([host.level(0), config(4) & 0x80000]).toEqual([false, 0]);
  });

  it('keeps a line asserted while one of its functions does', () => {
    const functions = [3, 7].map((device) => ({ device, plugged: new WordEndpoint(`w${device}`) }));
    const bridge = new PcieHost({ window: WINDOW, functions });
    const host = new FakeHost();
    bridge.attach(host);
    for (const { plugged } of functions) plugged.assert(true);
    functions[0]?.plugged.assert(false);
    expect(host.level(0)).toBe(true);
    functions[1]?.plugged.assert(false);
    expect(host.level(0)).toBe(false);
  });

  it.each([
    ['a device number', [{ device: 32, plugged: new WordEndpoint() }]],
    ['a function number', [{ device: 1, function: 8, plugged: new WordEndpoint() }]],
    ['a place twice', [1, 1].map((device) => ({ device, plugged: new WordEndpoint() }))],
  ])('refuses %s that cannot be', (_, functions) => {
    expect(() => new PcieHost({ window: WINDOW, functions })).toThrow(RangeError);
  });

  it('shows that a device has several functions', () => {
    const functions = [0, 2].map((number) => ({
      device: 1,
      function: number,
      plugged: new WordEndpoint(`w${number}`),
    }));
    const bridge = new PcieHost({ window: WINDOW, functions });
    resetAll(bridge);
    const bus = new DeviceBus(bridge);
    expect(bus.read(0, ecam(0, 1, 0x0e), 1).lo).toBe(0x80);
    expect(bus.read(0, ecam(0, 1, 0, 2), 4).lo).toBe(0x56781234);
  });
});

describe('MSI-X', () => {
  it('sends a message to the address in its entry, once MSI-X is on', () => {
    const { entry, messages, setControl, word } = msix();
    entry(1, [0x80001006, 0, 0x55, 0]);
    word.raise(1);
    expect(messages()).toEqual([]);
    setControl(0x8000);
    word.raise(1);
    // Bits [1:0] of the address are ignored.
    expect(messages()).toEqual(['msi 0x80001004 0x55 taken']);
  });

  it.each([
    ['an entry', 0x8000, 1],
    ['the function', 0xc000, 0],
  ])('keeps what is raised while %s is masked, and sends it afterwards', (_, control, mask) => {
    const { entry, messages, pending, setControl, word, bus } = msix();
    entry(1, [0x80001000, 0, 0x55, mask]);
    setControl(control);
    word.raise(1);
    word.raise(1);
    expect([messages(), pending()]).toEqual([[], { lo: 2, hi: 0 }]);
    bus.write(1, 0x1c, 4, 0);
    setControl(0x8000);
    expect([messages(), pending()]).toEqual([['msi 0x80001000 0x55 taken'], { lo: 0, hi: 0 }]);
  });

  it('sends nothing while the function is not a bus master, and nothing that exceeds a port', () => {
    const { entry, messages, setControl, word, command } = msix();
    entry(0, [0x80001000, 0, 0x55, 0]);
    entry(1, [0xfffffffc, 0xffffffff, 0x55, 0]);
    setControl(0x8000);
    word.raise(1);
    command(MEMORY);
    word.raise(0);
    word.raise(2);
    expect(messages()).toEqual([]);
  });

  it('keeps what is raised or unmasked while the function is no bus master until it is one', () => {
    const { entry, messages, pending, setControl, word, command } = msix();
    entry(0, [0x80001000, 0, 0x55, 0]);
    entry(1, [0x80001004, 0, 0x66, 1]);
    setControl(0x8000);
    word.raise(1);
    command(MEMORY);
    word.raise(0);
    entry(1, [0x80001004, 0, 0x66, 0]);
    expect([messages(), pending().lo]).toEqual([[], 3]);
    command(MEMORY | MASTER);
    expect(messages()).toEqual(['msi 0x80001000 0x55 taken', 'msi 0x80001004 0x66 taken']);
    command(MEMORY);
    command(MEMORY | MASTER);
    expect([messages().length, pending().lo]).toEqual([2, 0]);
  });

  it('has masked entries, and two of them', () => {
    const { bus, setControl, control } = msix();
    expect([0x0c, 0x1c, 0x2c].map((offset) => bus.read(1, offset, 4).lo)).toEqual([1, 1, 0]);
    bus.write(1, 0x0c, 4, 0xffffffff);
    expect(bus.read(1, 0x0c, 4).lo).toBe(1);
    bus.write(1, 0x800, 4, 3);
    expect(bus.read(1, 0x800, 4).lo).toBe(0);
    setControl(0xffff);
    expect(bus.read(0, control, 2).lo).toBe(0xc001);
  });
});

describe('a reset of a function', () => {
  it('resets it to its initial state, and affects nothing else', () => {
    const { bus, at, word, behind, config, command, host } = machine();
    config(0x10, WINDOW.gpa);
    command(MEMORY | MASTER);
    bus.write(1, 0, 4, 3);
    behind.word = 4;
    word.assert(true);
    const express = findCapability(bus, at, 0x10);
    bus.write(0, at + express + 8, 2, 0x8000);
    expect([word.word, config(4), config(0x10), host.level(0)]).toEqual([0, 0x00110000, 0, false]);
    expect(bus.read(0, at + express + 8, 2).lo).toBe(0x2810);
    expect(behind.word).toBe(4);
  });

  it('refuses DMA while the function is not a bus master', () => {
    const { word, command } = machine();
    const bytes = new Uint8Array(4);
    expect(word.port?.read(0x80000000, bytes).ok).toBe(false);
    command(MASTER);
    expect(word.port?.read(0x80000000, bytes).ok).toBe(true);
    expect(word.port?.write(0x80000000, bytes, { pasid: 1 }).ok).toBe(false);
  });
});

describe('a root port', () => {
  /** Bus 2 below it, with its memory range open. */
  function opened() {
    const one = machine();
    const port = ecam(0, 4, 0);
    one.bus.write(0, port + 0x18, 4, 0x00020200);
    one.bus.write(0, port + 0x20, 4, 0x10101010);
    one.bus.write(0, port + 4, 2, MEMORY | MASTER);
    const at = ecam(2, 0, 0);
    return { ...one, port, at };
  }

  it('has its device on the bus that software has numbered, as an endpoint with a link', () => {
    const { bus, at, port } = opened();
    expect(bus.read(0, at, 4).lo).toBe(0x56781234);
    const express = findCapability(bus, at, 0x10);
    expect(bus.read(0, at + express + 2, 2).lo).toBe(0x02);
    expect(bus.read(0, at + express + 0x0c, 1).lo).toBe(0x11);
    expect(bus.read(0, port + findCapability(bus, port, 0x10) + 2, 2).lo).toBe(0x42);
    bus.write(0, port + 0x18, 4, 0x00010100);
    expect([bus.read(0, at, 4).lo, bus.read(0, ecam(1, 0, 0), 4).lo]).toEqual([
      0xffffffff, 0x56781234,
    ]);
  });

  it('forwards accesses in its address range', () => {
    const { bus, at, port } = opened();
    bus.write(0, at + 0x10, 4, 0x10100000);
    bus.write(0, at + 4, 2, MEMORY | MASTER);
    bus.write(1, 0x100000, 4, 5);
    expect(bus.read(1, 0x100000, 4).lo).toBe(5);
    bus.write(0, at + 0x10, 4, 0x10200000);
    expect(bus.read(1, 0x200000, 4).lo).toBe(0xffffffff);
    bus.write(0, port + 0x20, 4, 0x10201010);
    expect(bus.read(1, 0x200000, 4).lo).toBe(5);
    bus.write(0, port + 4, 2, 0);
    expect(bus.read(1, 0x200000, 4).lo).toBe(0xffffffff);
  });

  it('makes DMA with the requester ID that the function learned from configuration writes', () => {
    const { bus, at, port, behind, ids } = opened();
    const bytes = new Uint8Array(4);
    const dma = () => behind.port?.read(0x80000000, bytes).ok;
    bus.write(0, at + 4, 2, MASTER);
    expect([dma(), ids]).toEqual([true, [0x200]]);
    bus.write(0, port + 0x18, 4, 0x00030300);
    expect([dma(), ids]).toEqual([true, [0x200]]);
    bus.write(0, ecam(3, 0, 4), 2, MASTER);
    expect([dma(), ids]).toEqual([true, [0x200, 0x300]]);
    bus.write(0, port + 4, 2, MEMORY);
    expect(dma()).toBe(false);
  });

  it('forwards INTx, by its own device number', () => {
    const { behind, host } = opened();
    behind.assert(true);
    // Device 4, INTB.
    expect([0, 1, 2, 3].map((line) => host.level(line))).toEqual([false, true, false, false]);
  });

  it('resets its bus', () => {
    const { bus, at, port, behind } = opened();
    behind.word = 3;
    bus.write(0, at + 4, 2, MEMORY);
    bus.write(0, port + 0x3e, 2, 0x40);
    bus.write(0, port + 0x3e, 2, 0);
    expect([behind.word, bus.read(0, at + 4, 2).lo]).toEqual([0, 0]);
  });
});

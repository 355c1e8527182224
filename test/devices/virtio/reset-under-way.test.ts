// SPDX-License-Identifier: MIT
// Resets of virtio devices in the middle of a request (virtio 1.2, section 2.4): nothing of
// it is written afterwards, no interrupt follows, and the next driver works.

import { describe, expect, it } from 'vitest';
import { PcieHost } from '../../../devices/pcie/index.ts';
import type { AccessSize } from '../../../devices/plugin/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import {
  MemoryDisk,
  VirtioBlock,
  VirtioConsole,
  VirtioEntropy,
  type VirtioFunction,
  VirtioMmio,
  VirtioNet,
  VirtioPci,
} from '../../../devices/virtio/index.ts';
import { findCapability } from '../../support/pcie-function.ts';

const RAM = 0x80000000;
const [DESCRIPTORS, AVAILABLE, USED, HEADER, MESSAGES] = [0x1000, 0x2000, 0x3000, 0x4000, 0x5000];
/** Buffers of the request: accesses to them can be stalled. */
const BUFFERS = 0x8000;
const BUFFER_SIZE = 0x8000;
const SIZE = 8;
const [NEXT, WRITE] = [1, 2];
const [CONFIG, BAR, MSIX] = [0, 1, 2];

interface Kind {
  /** The device, with input that its queue can give. */
  make(): VirtioFunction;
  readonly queue: number;
  /** Bytes at HEADER, read first: the header of a request of a disk. */
  readonly header?: number;
  readonly writable: boolean;
  /** Bytes that the device writes. */
  readonly written: number;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'a disk': {
    make: () => new VirtioBlock(new MemoryDisk(new Uint8Array(0x20000).fill(0x5a)), 'serial'),
    queue: 0,
    header: 16,
    writable: true,
    written: BUFFER_SIZE,
  },
  'a network that receives': {
    make: () => {
      const net = new VirtioNet({ onFrame: () => undefined });
      for (let i = 0; i < 4; i++) net.receive(new Uint8Array(60).fill(0x5a));
      return net;
    },
    queue: 0,
    writable: true,
    written: 72,
  },
  'a console with input': {
    make: () => {
      const console = new VirtioConsole(() => undefined);
      // Input that an old driver has in its buffer is gone with it.
      console.receive(new Uint8Array(0x2000).fill(0x5a));
      return console;
    },
    queue: 0,
    writable: true,
    written: 0x1000,
  },
  'a console with output': {
    make: () => new VirtioConsole(() => undefined),
    queue: 1,
    writable: false,
    written: 0,
  },
  'a source of random numbers': {
    make: () => new VirtioEntropy((target) => target.fill(0x5a)),
    queue: 0,
    writable: true,
    written: 0x1000,
  },
};

/** A driver's memory, and what it does without its transport. */
function rings(host: FakeHost, { queue, header = 0, writable }: Kind, notify: () => void) {
  const view = new DataView(host.ram.buffer, host.ram.byteOffset, host.ram.length);
  const clear = () => host.ram.fill(0, 0, HEADER);
  const offer = () => {
    const pieces = [
      ...(header > 0 ? [[HEADER, header, 0] as const] : []),
      [BUFFERS, BUFFER_SIZE, writable ? WRITE : 0] as const,
      ...(header > 0 ? [[HEADER + 0x100, 1, WRITE] as const] : []),
    ];
    for (const [i, [at, length, flags]] of pieces.entries()) {
      const entry = DESCRIPTORS + 16 * i;
      view.setBigUint64(entry, BigInt(RAM + at), true);
      view.setUint32(entry + 8, length, true);
      view.setUint16(entry + 12, flags | (i + 1 < pieces.length ? NEXT : 0), true);
      view.setUint16(entry + 14, i + 1, true);
    }
    view.setUint16(AVAILABLE + 2, view.getUint16(AVAILABLE + 2, true) + 1, true);
    notify();
  };
  const used = () => [view.getUint16(USED + 2, true), view.getUint32(USED + 8, true)];
  return { queue, clear, offer, used };
}

const FEATURES = [
  [0, 0],
  [1, 3],
] as const;
const QUEUE_PLACES = [DESCRIPTORS, AVAILABLE, USED].map((at) => RAM + at);

function overMmio(kind: Kind) {
  const host = new FakeHost({ ramGpa: RAM });
  const device = new VirtioMmio('device', kind.make());
  device.attach(host);
  device.reset();
  const bus = new DeviceBus(device);
  const own = rings(host, kind, () => bus.write32(0x50, kind.queue));
  const setUp = () => {
    own.clear();
    for (const status of [1, 3]) bus.write32(0x70, status);
    for (const [select, word] of FEATURES) {
      bus.write32(0x24, select);
      bus.write32(0x20, word);
    }
    bus.write32(0x70, 11);
    bus.write32(0x30, kind.queue);
    bus.write32(0x38, SIZE);
    for (const [i, place] of QUEUE_PLACES.entries()) bus.write32(0x80 + 0x10 * i, place);
    bus.write32(0x44, 1);
    bus.write32(0x70, 15);
  };
  const resets = {
    status: () => bus.write32(0x70, 0),
    queue: () => {
      bus.write32(0x30, kind.queue);
      bus.write32(0x44, 0);
    },
    machine: () => device.reset(),
  };
  const status = () => bus.read32(0x70);
  return { host, ...own, setUp, resets, status, interrupted: () => host.level(0) };
}

function overPci(kind: Kind, hasMsix: boolean) {
  const host = new FakeHost({ ramGpa: RAM });
  const device = new VirtioPci('device', kind.make());
  device.plug({
    isIntegrated: true,
    isMultifunction: false,
    interruptChanged: () => undefined,
    windowsChanged: () => undefined,
  });
  device.attach(host);
  device.reset();
  const bus = new DeviceBus(device);
  const own = rings(host, kind, () => bus.write(BAR, 0x3000 + 4 * kind.queue, 2, kind.queue));
  const write = (offset: number, size: AccessSize, value: number) =>
    bus.write(BAR, offset, size, value);
  const [express, msix] = [0x10, 0x11].map((id) => findCapability(bus, 0, id));
  const setMask = (mask: number) => bus.write(MSIX, 0xc, 4, mask);
  const setMsix = (control: number) => bus.write(CONFIG, (msix ?? 0) + 2, 2, control);
  const setUp = () => {
    own.clear();
    bus.write(CONFIG, 4, 2, 6);
    bus.write(MSIX, 0, 4, RAM + MESSAGES);
    setMask(0);
    setMsix(hasMsix ? 0x8000 : 0);
    for (const status of [1, 3]) write(0x14, 1, status);
    for (const [select, word] of FEATURES) {
      write(0x08, 4, select);
      write(0x0c, 4, word);
    }
    write(0x14, 1, 11);
    write(0x10, 2, 0);
    write(0x16, 2, kind.queue);
    write(0x18, 2, SIZE);
    write(0x1a, 2, 0);
    for (const [i, place] of QUEUE_PLACES.entries()) write(0x20 + 8 * i, 4, place);
    write(0x1c, 2, 1);
    write(0x14, 1, 15);
  };
  const resets = {
    status: () => write(0x14, 1, 0),
    function: () => bus.write(CONFIG, (express ?? 0) + 8, 2, 0x8000),
    machine: () => device.reset(),
  };
  const messages = () => host.log.filter((line) => line.startsWith('msi')).length;
  const pending = () => bus.read(MSIX, 0x800, 4).lo;
  const interrupted = () => device.intx || messages() > 0;
  return {
    ...{ host, device, bus, ...own, setUp, resets },
    ...{ interrupted, messages, pending, setMask, setMsix },
  };
}

/** A disk below a host bridge, its BAR 1 at the beginning of the memory window. */
function behindBridge() {
  const device = new VirtioPci('device', (KINDS['a disk'] as Kind).make());
  const window = { gpa: 0x10000000, size: 0x100000 };
  const bridge = new PcieHost({ window, functions: [{ device: 1, plugged: device }] });
  const host = new FakeHost({ ramGpa: RAM });
  device.attach(host);
  bridge.attach(host);
  device.reset();
  const bus = new DeviceBus(bridge);
  bus.write(0, 0x8014, 4, window.gpa);
  bus.write(0, 0x8004, 2, 6);
  return { bridge, bus };
}

const TRANSPORTS = {
  'over MMIO': overMmio,
  'over PCI with INTx': (kind: Kind) => overPci(kind, false),
  'over PCI with MSI-X': (kind: Kind) => overPci(kind, true),
} as const;

const CASES = Object.entries(KINDS).flatMap(([what, kind]) =>
  Object.entries(TRANSPORTS).map(([how, make]) => [what, how, kind, make] as const),
);

/** Polls until a request can neither continue nor be anything but complete. */
function settle(host: FakeHost): void {
  for (let turn = 0; turn < 32; turn++) host.poll();
}

describe.each(CASES)('%s %s', (_what, _how, kind, make) => {
  const isIn = (from: number, size: number) => (iova: number) =>
    iova >= RAM + from && iova < RAM + from + size;

  it.each([
    ['a buffer', isIn(BUFFERS, BUFFER_SIZE)],
    ['its used ring', isIn(USED, 0x1000)],
  ])('writes nothing after a reset while an access to %s is stalled', (_where, stalls) => {
    for (const name of Object.keys(make(kind).resets)) {
      const { host, setUp, offer, used, resets, interrupted } = make(kind);
      setUp();
      host.stalls = stalls;
      offer();
      settle(host);
      expect(used()[0]).toBe(0);
      const before = host.ram.slice();
      (resets as Record<string, () => void>)[name]?.();
      host.stalls = () => false;
      settle(host);
      expect(Buffer.compare(host.ram, before)).toBe(0);
      expect(interrupted()).toBe(false);
      setUp();
      offer();
      settle(host);
      expect(used()).toEqual([1, kind.written + (kind.header ? 1 : 0)]);
      expect(interrupted()).toBe(true);
    }
  });
});

describe.each([
  ['over MMIO', () => overMmio(KINDS['a disk'] as Kind)],
  ['over PCI', () => overPci(KINDS['a disk'] as Kind, false)],
])('an interrupt that was not acknowledged, %s', (_how, make) => {
  it.each(['status', 'machine'] as const)('ends with a reset by the %s', (name) => {
    const { host, setUp, offer, resets, interrupted } = make();
    setUp();
    offer();
    settle(host);
    expect(interrupted()).toBe(true);
    resets[name]();
    expect(interrupted()).toBe(false);
    setUp();
    settle(host);
    expect(interrupted()).toBe(false);
  });
});

describe('a function with MSI-X', () => {
  it('deasserts INTx when MSI-X is enabled, and asserts it again when it is not', () => {
    const { bus, setUp, offer, device, setMsix, messages } = overPci(
      KINDS['a disk'] as Kind,
      false,
    );
    setUp();
    offer();
    const seen = [device.intx];
    for (const control of [0x8000, 0xc000, 0]) {
      setMsix(control);
      seen.push(device.intx);
    }
    expect([seen, messages()]).toEqual([[true, false, false, true], 0]);
    // The ISR status is read as the interrupt is acknowledged.
    expect([bus.read(BAR, 0x1000, 1).lo, device.intx]).toEqual([1, false]);
  });

  it('ignores narrow accesses to its table, whose words are written as a whole', () => {
    const { bridge, bus } = behindBridge();
    const entry = () => [0, 4, 8, 12].map((at) => bus.read(1, at, 4).lo);
    for (const size of [1, 2] as const) {
      bus.write(1, 0, size, 0x41);
      bus.write(1, 12, size, 0);
      expect(bus.read(1, 12, size).lo).toBe(2 ** (8 * size) - 1);
    }
    expect(entry()).toEqual([0, 0, 0, 1]);
    bridge.write({ region: 1, offset: 8, size: 8, lo: 0x77, hi: 0, vcpu: 0 });
    expect(entry()).toEqual([0, 0, 0x77, 0]);
  });
});

describe('a back end that resets its device when it gets output', () => {
  it('ends the request, of which nothing is written', () => {
    let reset: () => void = () => undefined;
    // Output comes in pieces: the last one, at which the request would complete.
    let left = BUFFER_SIZE;
    const make = () =>
      new VirtioConsole(({ length }) => {
        left -= length;
        if (left === 0) reset();
      });
    const { host, setUp, offer, resets, interrupted } = overMmio({
      ...(KINDS['a console with output'] as Kind),
      make,
    });
    setUp();
    let before = host.ram.slice();
    reset = () => {
      resets.machine();
      before = host.ram.slice();
    };
    offer();
    settle(host);
    expect([Buffer.compare(host.ram, before), interrupted()]).toEqual([0, false]);
    reset = () => undefined;
    setUp();
    offer();
    settle(host);
    expect(interrupted()).toBe(true);
  });
});

describe('a device that is reset while it reads a ring that is broken', () => {
  it('does not need a reset afterwards', () => {
    const { host, setUp, resets, status, interrupted } = overMmio(KINDS['a disk'] as Kind);
    setUp();
    // More than the queue has entries.
    host.ram[AVAILABLE + 2] = SIZE + 1;
    host.stalls = (iova) => {
      if (iova >= RAM + AVAILABLE && iova < RAM + USED) resets.machine();
      return false;
    };
    settle(host);
    expect([status(), interrupted()]).toEqual([0, false]);
    host.stalls = () => false;
    setUp();
    host.ram[AVAILABLE + 2] = SIZE + 1;
    settle(host);
    expect([status(), interrupted()]).toEqual([0x4f, true]);
  });
});

describe('a function that is no bus master in the middle of a request', () => {
  it('waits, and continues when it is one again', () => {
    const kind = KINDS['a disk'] as Kind;
    const { host, bus, setUp, offer, used, messages } = overPci(kind, true);
    setUp();
    let accesses = 0;
    host.stalls = () => accesses++ > 3;
    offer();
    bus.write(CONFIG, 4, 2, 2);
    host.stalls = () => false;
    const before = host.ram.slice();
    settle(host);
    expect([Buffer.compare(host.ram, before), messages()]).toEqual([0, 0]);
    bus.write(CONFIG, 4, 2, 6);
    settle(host);
    expect([used(), messages()]).toEqual([[1, BUFFER_SIZE + 1], 1]);
  });
});

describe('a message that waits for its vector', () => {
  const masked = () => {
    const one = overPci(KINDS['a disk'] as Kind, true);
    one.setUp();
    one.setMask(1);
    one.offer();
    settle(one.host);
    expect([one.used()[0], one.pending(), one.messages()]).toEqual([1, 1, 0]);
    return one;
  };

  it('is sent once when the vector is unmasked', () => {
    const { host, setMask, pending, messages } = masked();
    for (const mask of [0, 1, 0]) setMask(mask);
    settle(host);
    expect([pending(), messages()]).toEqual([0, 1]);
  });

  it('goes where the entry points when it is unmasked', () => {
    const { host, bus, setMask } = masked();
    bus.write(MSIX, 0, 4, RAM + MESSAGES + 0x40);
    bus.write(MSIX, 8, 4, 0x77);
    setMask(0);
    expect(host.log.filter((line) => line.startsWith('msi'))).toEqual([
      'msi 0x80005040 0x77 taken',
    ]);
  });

  it.each(['status', 'function', 'machine'] as const)(
    'is forgotten when the device is reset by its %s',
    (name) => {
      const { host, bus, resets, pending, messages, setMask, setUp } = masked();
      resets[name]();
      expect(pending()).toBe(0);
      // By the next driver, in any order.
      bus.write(CONFIG, 4, 2, 6);
      setMask(0);
      setUp();
      settle(host);
      expect(messages()).toBe(0);
    },
  );

  it('leaves the table as it was when the device is reset by its status', () => {
    const { bus, resets } = masked();
    resets.status();
    const words = [0, 4, 8, 12].map((offset) => bus.read(MSIX, offset, 4).lo);
    expect(words).toEqual([RAM + MESSAGES, 0, 0, 1]);
  });
});

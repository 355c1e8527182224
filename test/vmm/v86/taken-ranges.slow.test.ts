// SPDX-License-Identifier: MIT
// Addresses of an emulated PC that are in use: by RAM, by v86's own devices, by devices
// that are plugged in.

import { V86 } from 'v86';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceHost } from '../../../devices/plugin/index.ts';
import { Host } from '../../../vmm/api/index.ts';
import { plugDevices, plugSmmu, type ReservedRam } from '../../../vmm/v86/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';
import { V86_WASM } from '../../support/v86-wasm.ts';
import { X86Program } from '../../support/x86.ts';

const BLOCK = 0x20000;
const WINDOW = 0xd0000000;
const RAM = 32 << 20;
const PAGE0 = 0x400000;
const IRQS = { smmu: 9, cmdqv: 11, dma: 5 };

let emulator: V86;
beforeAll(async () => {
  const made = new V86({
    wasm_path: V86_WASM,
    memory_size: RAM,
    vga_memory_size: 2 << 20,
    bios: { buffer: new X86Program().image().buffer },
    autostart: false,
  });
  await new Promise((resolve) => made.add_listener('emulator-loaded', () => resolve(undefined)));
  emulator = made;
});
afterAll(() => emulator.destroy());

const plug = (name: string, gpa: number, size = BLOCK, address = gpa) =>
  plugDevices(emulator, {
    window: { gpa, size },
    devices: [{ device: new ScratchDevice({ name }), addresses: [address], firstIrq: 5 }],
  });

describe('a window is refused, with both ranges, where it overlaps', () => {
  it.each([
    ['RAM', 0x1000000, BLOCK, 'overlaps RAM (0x0 to 0x1ffffff)'],
    ['the last block of RAM', RAM - BLOCK, 2 * BLOCK, 'overlaps RAM (0x0 to 0x1ffffff)'],
    [
      'the end of the frame buffer',
      0xe01e0000,
      2 * BLOCK,
      'overlaps the frame buffer of v86 (0xe0000000 to 0xe01fffff)',
    ],
    ['the BIOS', 0xfffe0000, BLOCK, 'overlaps a device of v86 (0xfffe0000 to 0xffffffff)'],
  ])('%s', (_what, gpa, size, says) => {
    const range = `(0x${gpa.toString(16)} to 0x${(gpa + size - 1).toString(16)})`;
    expect(() => plug('one', gpa, size)).toThrow(
      new RangeError(`the window of one ${range} ${says}`),
    );
  });

  it.each([
    ['wholly', WINDOW, BLOCK],
    ['at its end', WINDOW + BLOCK, 2 * BLOCK],
    ['around it', WINDOW - BLOCK, 4 * BLOCK],
  ])('one of a device that is plugged in: %s', (_how, gpa, size) => {
    const plugged = plug('one', WINDOW, 2 * BLOCK);
    const range = `(0x${gpa.toString(16)} to 0x${(gpa + size - 1).toString(16)})`;
    const says = `the window of two ${range} overlaps the window of one (0xd0000000 to 0xd003ffff)`;
    expect(() => plug('two', gpa, size)).toThrow(new RangeError(says));
    // A refused device has occupied nothing, and an unplugged one releases everything.
    plugged.unplug();
    plug('two', gpa, size).unplug();
  });

  it('nothing: windows may be adjacent', () => {
    const plugs = [0, 1, 2].map((i) => plug(`dev${i}`, WINDOW + i * BLOCK));
    for (const plugged of plugs) plugged.unplug();
  });

  it('and nothing is kept of devices that could not be attached', () => {
    const broken = Object.assign(new ScratchDevice(), { interfaceVersion: 99 });
    const window = { gpa: WINDOW, size: BLOCK };
    expect(() =>
      plugDevices(emulator, {
        window,
        devices: [{ device: broken, addresses: [WINDOW], firstIrq: 5 }],
      }),
    ).toThrow('version 99');
    plug('one', WINDOW).unplug();
  });
});

it('devices in one window that overlap are named with their ranges', () => {
  const devices = ['one', 'two'].map((name, i) => ({
    device: new ScratchDevice({ name, size: 0x2000 }),
    addresses: [WINDOW + i * 0x1000],
    firstIrq: 5,
  }));
  expect(() => plugDevices(emulator, { window: { gpa: WINDOW, size: BLOCK }, devices })).toThrow(
    'one (0xd0000000 to 0xd0001fff) overlaps two (0xd0001000 to 0xd0002fff)',
  );
});

it('ticks of a plugged-in device continue when an earlier device is unplugged', async () => {
  const loop = (emulator as unknown as { v86: { do_tick: () => void } }).v86;
  const ticks: string[] = [];
  const plugged = ['one', 'two'].map((name, i) =>
    plugDevices(emulator, {
      window: { gpa: WINDOW + i * BLOCK, size: BLOCK },
      devices: [],
      onTick: () => ticks.push(name),
    }),
  );
  plugged[0]?.unplug();
  loop.do_tick();
  expect(ticks).toEqual(['two']);
  plugged[1]?.unplug();
  loop.do_tick();
  expect(ticks).toEqual(['two']);
  await emulator.stop();
});

describe('RAM above the registers', () => {
  /** A device that maps its first page, and the first page of its second 4 KiB. */
  const mapper = (reservedRam: ReservedRam, gpa = WINDOW) => {
    const device = new ScratchDevice({ name: `at ${gpa.toString(16)}`, size: 0x2000 });
    const plugged = plugDevices(emulator, {
      window: { gpa, size: BLOCK },
      devices: [{ device, addresses: [gpa], firstIrq: 5 }],
      reservedRam,
    });
    const map = (offset: number) =>
      (device.host as DeviceHost).mapDirect({ region: 0, offset, length: 0x1000, doorbell: 0 });
    return { plugged, map };
  };

  it('is refused if it is not a guest, and is a trap if there is none', () => {
    for (const [given, says] of [
      [RAM - 0x800, '0x1fff800'],
      [RAM, '0x2000000'],
      [0xa0000, '0xa0000'],
      [-0x1000, '0x-1000'],
      [0x1001, '0x1001'],
      ['0x1000', '0x1000'],
      [Number.NaN, 'NaN'],
      [null, 'null'],
    ]) {
      const { plugged, map } = mapper(() => given as number);
      expect(() => map(0)).toThrow(
        new TypeError(
          'reservedRam must return the gpa of 0x1000 bytes of RAM at a multiple of 4 KiB, ' +
            `or undefined, not ${says}`,
        ),
      );
      plugged.unplug();
    }
    const { plugged, map } = mapper(() => undefined);
    expect(map(0)).toBeUndefined();
    plugged.unplug();
  });

  it('backs one range of registers', () => {
    const one = mapper(() => PAGE0);
    const first = one.map(0);
    expect(() => one.map(0x1000)).toThrow(
      'RAM for registers at 0xd0001000 (0x400000 to 0x400fff) overlaps ' +
        'RAM for registers at 0xd0000000 (0x400000 to 0x400fff)',
    );
    const two = mapper(() => PAGE0, WINDOW + BLOCK);
    expect(() => two.map(0)).toThrow('overlaps RAM for registers at 0xd0000000');
    first?.unmap();
    const second = two.map(0);
    expect(second).toBeDefined();
    two.plugged.unplug();
    expect(one.map(0)).toBeDefined();
    one.plugged.unplug();
  });

  it('is the page 0 of one SMMU, and the SMMUs of a PC are at separate addresses', async () => {
    const host = await checkedHost(Host, { vintfs: 4, vcmdqs: 8 });
    const add = (name: string, gpa: number, page0: number) =>
      plugSmmu(emulator, { host, name, gpa, page0, irqs: IRQS });
    const first = add('first', WINDOW, PAGE0);
    expect(() => add('second', 0xd8000000, PAGE0 + 0x8000)).toThrow(
      'page0 of second (0x408000 to 0x417fff) overlaps page0 of first (0x400000 to 0x40ffff)',
    );
    expect(() => add('second', WINDOW + 4 * BLOCK, PAGE0 + 0x10000)).toThrow(
      'the window of smmuv3, cmdqv, dma-engine (0xd0080000 to 0xd011ffff) overlaps ' +
        'the window of smmuv3, cmdqv, dma-engine (0xd0000000 to 0xd009ffff)',
    );
    const other = mapper(() => PAGE0, 0xd8000000);
    expect(() => other.map(0)).toThrow('overlaps page0 of first (0x400000 to 0x40ffff)');
    other.plugged.unplug();
    expect(host.statistics.vms).toBe(1);
    const second = add('second', 0xd8000000, PAGE0 + 0x10000);
    first.destroy();
    second.destroy();
    add('third', WINDOW, PAGE0).destroy();
  });
});

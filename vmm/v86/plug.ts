// SPDX-License-Identifier: MIT
// Attaches devices to a v86 emulator. v86 calls its devices for 8- and 32-bit accesses on
// its own thread, so this is the inline transport; background work of the devices is done
// after each of v86's ticks.

import {
  boardMsiSink,
  checkDoorbells,
  checkMsiController,
  checkPlacementList,
  DeviceComplex,
  type DirectRange,
  guestMemoryOf,
  type MsiController,
  offsetOfGpa,
  type Placement,
  RegisterCounts,
  rangeText,
  SYSTEM_CLOCK,
} from '../../devices/bus/index.ts';
import { type AccessSize, MachineError } from '../../devices/plugin/index.ts';
import {
  callback,
  checkedLater,
  checkOptions,
  having,
  integerFrom,
  type OptionKinds,
  objectOf,
  uint32,
} from '../../devices/plugin/option-kinds.ts';
import { irqLine, loopOf, V86_IRQS } from './emulator.ts';
import { v86Regions } from './ram.ts';
import { claimBacking, claimWindow, windowHandler } from './taken-ranges.ts';

/** RAM of the guest that backs a directly mapped range. */
export type ReservedRam = (range: DirectRange) => number | undefined;

/** The devices to attach, and their places. */
export interface PlugOptions {
  /**
   * Address range of the devices, which get all register accesses in it. Multiples of
   * V86_BLOCK, above RAM.
   */
  readonly window: { readonly gpa: number; readonly size: number };
  /** The devices, at addresses in the window; `firstIrq` is an IRQ, 0 to 15. */
  readonly devices: readonly Placement[];
  /**
   * gpa, a multiple of 4 KiB, of the RAM that backs a range that a device wants mapped
   * directly; undefined to have its accesses trap. RAM that already backs another range
   * is refused.
   */
  readonly reservedRam?: ReservedRam;
  /** Accepts the devices' MSIs. Default: they are stores to RAM. */
  readonly msis?: MsiController | undefined;
  /** Called after each of v86's ticks, before the devices' background work. */
  readonly onTick?: () => void;
  /**
   * A device has failed outside the guest. The devices stay attached and do nothing any
   * more.
   */
  readonly onFailure?: (error: MachineError) => void;
}

const WINDOW: OptionKinds<PlugOptions['window']> = {
  gpa: uint32,
  size: integerFrom(1, 2 ** 32),
};
const OPTIONS: OptionKinds<PlugOptions> = {
  window: objectOf<PlugOptions['window']>(WINDOW, ['gpa', 'size']),
  devices: checkedLater,
  reservedRam: callback,
  msis: having('send'),
  onTick: callback,
  onFailure: callback,
};

const PAGE = 0x1000;

/** Name of a window in messages: that of its devices. */
function windowName(devices: readonly Placement[]): string {
  const names = devices.map(({ device }) => device.name).join(', ');
  return names === '' ? 'the window without devices' : `the window of ${names}`;
}

function addressText(gpa: unknown): string {
  return Number.isInteger(gpa) ? `0x${Number(gpa).toString(16)}` : String(gpa);
}

/** Returns the result of a function; if it throws, `undo` reverts its preparation. */
function orUndo<T>(make: () => T, undo: () => void): T {
  try {
    return make();
  } catch (error) {
    undo();
    throw error;
  }
}

/** Attached devices. */
export interface Plugged {
  /** Number of register accesses: calls from v86 into the devices. */
  readonly exits: number;
  /** Accesses by "device.REGISTER". */
  readonly exitsByRegister: Readonly<Record<string, number>>;
  readonly error: MachineError | undefined;
  /**
   * Ends the ticks and revokes what the devices were given; register accesses then read 0
   * and write nothing.
   */
  unplug(): void;
}

/**
 * Attaches devices.
 * @param emulator An instance of v86's class `V86`, after its event "emulator-loaded".
 * @throws {TypeError} when it is something else, or an option is unknown.
 * @throws {RangeError} when the window overlaps RAM, a device of v86 or an attached one,
 *   a device is outside it, or has an IRQ that does not exist.
 * @throws {BoardError} when a place is not valid, or a device has an unsupported version
 *   of the plugin interface, or throws.
 */
export function plugDevices(emulator: object, options: PlugOptions): Plugged {
  checkOptions(options, OPTIONS, 'plugDevices', ['window']);
  const loop = loopOf(emulator);
  checkPlacementList(options.devices, 'plugDevices: devices');
  if (options.msis !== undefined) checkMsiController(options.msis, 'plugDevices: msis');
  const { cpu } = loop;
  const { window, devices, reservedRam, msis, onTick } = options;
  for (const { device, addresses, firstIrq } of devices) {
    const { interrupts } = device.identity;
    if (firstIrq !== undefined && firstIrq + interrupts > V86_IRQS)
      throw new RangeError(
        `${device.name} has ${interrupts} IRQs from ${firstIrq} on: a PC has ${V86_IRQS}, from 0`,
      );
    for (const [region, address] of addresses.entries()) {
      const size = device.regions[region]?.size ?? 0;
      if (address < window.gpa || address + size > window.gpa + window.size)
        throw new RangeError(
          `${rangeText({ name: device.name, gpa: address, size })} lies outside of ` +
            rangeText({ ...window, name: "the devices' window" }),
        );
    }
  }
  const regions = v86Regions(cpu);
  const mapDirect = (range: DirectRange) => {
    const gpa = reservedRam?.(range);
    if (gpa === undefined || !reservedRam) return undefined;
    const memoryOffset = offsetOfGpa(regions, gpa, range.length);
    if (!Number.isInteger(gpa) || gpa % PAGE !== 0 || memoryOffset < 0)
      throw new TypeError(
        `reservedRam must return the gpa of 0x${range.length.toString(16)} bytes of RAM at a ` +
          `multiple of 4 KiB, or undefined, not ${addressText(gpa)}`,
      );
    const registers = `RAM for registers at 0x${range.gpa.toString(16)}`;
    const backing = { name: registers, gpa, size: range.length };
    return { memoryOffset, unmap: claimBacking(cpu, backing, reservedRam) };
  };
  const memory = guestMemoryOf(cpu.wasm_memory, regions);
  if (msis) checkDoorbells(msis, regions);
  const counts = new RegisterCounts();
  const release = claimWindow(cpu, { ...window, name: windowName(devices) });
  const complex = orUndo(
    () =>
      new DeviceComplex({
        devices,
        memory,
        interrupts: { line: (irq) => irqLine(cpu, irq) },
        msis: boardMsiSink(memory, msis),
        directMaps: { map: mapDirect },
        clock: SYSTEM_CLOCK,
        counter: counts,
      }),
    release,
  );
  const { bus } = complex;

  let exits = 0;
  let error: MachineError | undefined;
  let over = false;
  const guarded = (work: () => number): number => {
    if (over) return 0;
    try {
      return work();
    } catch (cause) {
      over = true;
      error = MachineError.of('v86', cause);
      options.onFailure?.(error);
      return 0;
    }
  };
  const read = (size: AccessSize) =>
    windowHandler((address: number) => {
      exits++;
      return guarded(() => bus.read(address >>> 0, size)) | 0;
    });
  const write = (size: AccessSize) => (address: number, value: number) => {
    exits++;
    guarded(() => {
      bus.write(address >>> 0, size, value);
      return 0;
    });
  };
  // v86 splits a 16-bit access into two 8-bit ones, and everything wider into 32-bit
  // ones.
  cpu.io.mmap_register(window.gpa, window.size, read(1), write(1), read(4), write(4));

  // Every view of RAM that was created above refers to this buffer.
  const { buffer } = cpu.wasm_memory;
  const tick = loop.do_tick;
  const ownTick = () => {
    tick.call(loop);
    guarded(() => {
      if (cpu.wasm_memory.buffer !== buffer)
        throw new Error('its memory has grown: attach the devices again');
      onTick?.();
      return complex.poll();
    });
  };
  loop.do_tick = ownTick;
  return {
    get exits() {
      return exits;
    },
    get exitsByRegister() {
      return counts.byName(bus.mounts);
    },
    get error() {
      return error;
    },
    unplug() {
      over = true;
      // Windows attached later call this tick, which then does nothing of its own.
      if (loop.do_tick === ownTick) loop.do_tick = tick;
      complex.detach();
      release();
    },
  };
}

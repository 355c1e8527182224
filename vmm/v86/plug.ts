// SPDX-License-Identifier: MIT
// Plugs devices into a v86 emulator. v86 asks its devices for 8- and 32-bit accesses on
// its own thread, so this is the inline transport; what devices want done beside the
// guest is done after each of v86's ticks.

import {
  boardMsiSink,
  checkMsiController,
  checkPlacementList,
  DeviceComplex,
  type DirectRange,
  guestMemoryOf,
  type MsiController,
  type Placement,
  RegisterCounts,
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

/** v86 hands out physical addresses in blocks of this size. */
export const V86_BLOCK = 0x20000;

/** RAM of the guest that backs a directly mapped range. */
export type ReservedRam = (range: DirectRange) => number | undefined;

/** What is plugged into an emulator, and where. */
export interface PlugOptions {
  /** Where the devices lie: all register accesses from here on go to them. Multiples of V86_BLOCK, above RAM. */
  readonly window: { readonly gpa: number; readonly size: number };
  /** The devices, at addresses in the window; `firstIrq` is an IRQ, 0 to 15. */
  readonly devices: readonly Placement[];
  /** gpa of the RAM that backs a range which a device wants mapped directly, undefined to have its accesses trap. */
  readonly reservedRam?: ReservedRam;
  /** What takes the devices' MSIs. Default: they are stores to RAM. */
  readonly msis?: MsiController | undefined;
  /** Called after each of v86's ticks, before the devices' background work. */
  readonly onTick?: () => void;
  /** Something beside the guest has failed. The devices stay plugged in and do nothing any more. */
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

/** Devices that are plugged in. */
export interface Plugged {
  /** Register accesses so far: calls from v86 into the devices. */
  readonly exits: number;
  /** Accesses by "device.REGISTER". */
  readonly exitsByRegister: Readonly<Record<string, number>>;
  readonly error: MachineError | undefined;
  /** Ends the ticks and takes back what the devices were given; register accesses then read 0 and write nothing. */
  unplug(): void;
}

/**
 * Plugs devices in.
 * @param emulator An instance of v86's class `V86`, after its event "emulator-loaded".
 * @throws {TypeError} when it is something else, or an option is unknown.
 * @throws {RangeError} when the window does not fit, a device lies outside of it, or has an IRQ that
 *   there is not.
 * @throws {BoardError} when a place is none, or a device speaks another version of the plugin interface, or throws.
 */
export function plugDevices(emulator: object, options: PlugOptions): Plugged {
  checkOptions(options, OPTIONS, 'plugDevices', ['window']);
  const loop = loopOf(emulator);
  checkPlacementList(options.devices, 'plugDevices: devices');
  if (options.msis !== undefined) checkMsiController(options.msis, 'plugDevices: msis');
  const { cpu } = loop;
  const { window, devices, reservedRam, msis, onTick } = options;
  const end = window.gpa + window.size;
  if (
    window.gpa % V86_BLOCK ||
    window.size % V86_BLOCK ||
    window.size <= 0 ||
    window.gpa < cpu.mem8.length ||
    end > 2 ** 32
  ) {
    throw new RangeError(
      `the devices' window is whole blocks of 0x${V86_BLOCK.toString(16)} bytes between RAM ` +
        'and 4 GiB',
    );
  }
  for (const { device, addresses, firstIrq } of devices) {
    const { interrupts } = device.identity;
    if (firstIrq !== undefined && firstIrq + interrupts > V86_IRQS)
      throw new RangeError(
        `${device.name} has ${interrupts} IRQs from ${firstIrq} on: a PC has ${V86_IRQS}, from 0`,
      );
    for (const [region, address] of addresses.entries()) {
      const size = device.regions[region]?.size ?? 0;
      if (address < window.gpa || address + size > end)
        throw new RangeError(`${device.name} lies outside of the devices' window`);
    }
  }
  const mapDirect = (range: DirectRange) => {
    const gpa = reservedRam?.(range);
    return gpa === undefined
      ? undefined
      : { memoryOffset: cpu.mem8.byteOffset + gpa, unmap: () => undefined };
  };
  const memory = guestMemoryOf(cpu.wasm_memory, v86Regions(cpu));
  const counts = new RegisterCounts();
  const complex = new DeviceComplex({
    devices,
    memory,
    interrupts: { line: (irq) => irqLine(cpu, irq) },
    msis: boardMsiSink(memory, msis),
    directMaps: { map: mapDirect },
    clock: SYSTEM_CLOCK,
    counter: counts,
  });
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
  const read = (size: AccessSize) => (address: number) => {
    exits++;
    return guarded(() => bus.read(address >>> 0, size)) | 0;
  };
  const write = (size: AccessSize) => (address: number, value: number) => {
    exits++;
    guarded(() => {
      bus.write(address >>> 0, size, value);
      return 0;
    });
  };
  // v86 makes two 8-bit accesses of a 16-bit one, and 32-bit ones of everything wider.
  cpu.io.mmap_register(window.gpa, window.size, read(1), write(1), read(4), write(4));

  // Every view of RAM that was made above is of this buffer.
  const { buffer } = cpu.wasm_memory;
  const tick = loop.do_tick;
  loop.do_tick = () => {
    tick.call(loop);
    guarded(() => {
      if (cpu.wasm_memory.buffer !== buffer)
        throw new Error('its memory has grown: plug the devices in anew');
      onTick?.();
      return complex.poll();
    });
  };
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
      loop.do_tick = tick;
      complex.detach();
    },
  };
}

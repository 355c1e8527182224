// SPDX-License-Identifier: MIT
// Devices at their places: the bus that finds them, what they reach of their board, and their work
// beside the guest. Machines and the v86 adapter are made around one.

import {
  checkFunction,
  checkGiven,
  checkNames,
  type GuestMemory,
  type TraceEvent,
} from '../plugin/index.ts';
import { allNamesOf } from '../plugin/known-names.ts';
import { checkMethods } from '../plugin/known-values.ts';
import { type AttachedDevices, attachDevices } from './attached-devices.ts';
import { BackgroundLoops } from './background-loops.ts';
import { Bus, type BusMount, type RegisterCounter } from './bus.ts';
import { type Clock, checkedClock } from './clock.ts';
import type { DirectMapper } from './direct-mapper.ts';
import type { InterruptSink } from './interrupt-sink.ts';
import type { MsiSink } from './msi-sink.ts';
import { checkPlacementList, type Placement } from './placement.ts';

/** What devices are put together with. */
export interface DeviceComplexOptions {
  /** The devices at their places. */
  readonly devices: readonly Placement[];
  /** Memory as the devices' bus sees it. */
  readonly memory: GuestMemory;
  /** The VMM's interrupt controller: its lines, by number. */
  readonly interrupts: InterruptSink;
  /** Backs ranges of registers with guest memory. Default: every register access traps. */
  readonly directMaps?: DirectMapper | undefined;
  /** Where the devices' time comes from: SYSTEM_CLOCK, or the VMM's own. */
  readonly clock: Clock;
  /**
   * Where MSIs go of devices that have no `dmaPort`, the SMMU's own among them. Default: stores to
   * `memory`.
   */
  readonly msis?: MsiSink | undefined;
  /** Counts accesses by register. */
  readonly counter?: RegisterCounter;
  /** Told of the devices' events and interrupts. Default: nothing is traced. */
  readonly trace?: ((device: string, event: TraceEvent) => void) | undefined;
}

const OPTIONS = allNamesOf<DeviceComplexOptions>({
  devices: true,
  memory: true,
  interrupts: true,
  directMaps: true,
  clock: true,
  msis: true,
  counter: true,
  trace: true,
});

/** @throws {TypeError} for the first of them that lacks a function. */
function checkServices({
  memory,
  interrupts,
  clock,
  directMaps,
  msis,
  counter,
  trace,
}: DeviceComplexOptions): void {
  checkMethods(memory, ['load64', 'store64', 'store32'], 'DeviceComplex: memory');
  checkMethods(interrupts, ['line'], 'DeviceComplex: interrupts');
  checkMethods(clock, ['nowNs'], 'DeviceComplex: clock');
  if (directMaps !== undefined) checkMethods(directMaps, ['map'], 'DeviceComplex: directMaps');
  if (msis !== undefined) checkMethods(msis, ['send'], 'DeviceComplex: msis');
  if (counter !== undefined) checkMethods(counter, ['countRegister'], 'DeviceComplex: counter');
  checkFunction(trace, 'DeviceComplex: trace');
}

/**
 * Devices at their places: register accesses go to `bus`, and the VMM calls `poll` at its safe
 * points.
 */
export class DeviceComplex {
  /** Carries register accesses to the devices, by gpa. */
  readonly bus: Bus;
  readonly #placements: readonly Placement[];
  readonly #background = new BackgroundLoops();
  readonly #attached: AttachedDevices;

  /**
   * Attaches the devices and resets them.
   * @throws {RangeError} when they do not fit together.
   * @throws {TypeError} when there is no such option, one is missing, or lacks what it is used for.
   * @throws {BoardError} when one of them cannot be attached, or does not work.
   */
  constructor(options: DeviceComplexOptions) {
    checkNames(options, OPTIONS, 'DeviceComplex');
    checkGiven(options, ['devices', 'memory', 'interrupts', 'clock'], 'DeviceComplex');
    checkPlacementList(options.devices, 'DeviceComplex: devices');
    checkServices(options);
    const clock = checkedClock(options.clock);
    const { devices, counter, ...services } = { ...options, clock };
    this.#placements = devices;
    const mounts = devices.flatMap(({ device, addresses }) =>
      addresses.map((address, region): BusMount => ({ device, region, address })),
    );
    this.bus = new Bus(mounts, counter);
    this.#attached = attachDevices(devices, { ...services, background: this.#background });
  }

  /** The devices, as they were given. */
  get placements(): readonly Placement[] {
    return this.#placements;
  }

  /** When the next timer of a device is due, in nanoseconds of the clock; undefined: never. */
  get nextDeadline(): number | undefined {
    return this.#attached.nextDeadline;
  }

  /**
   * Does the devices' work beside the guest: background loops, and timers that are due.
   * @returns how much there was.
   * @throws {MachineError} when a device fails.
   */
  poll(): number {
    return this.#background.poll();
  }

  /**
   * Resets every device; timers are cancelled.
   * @throws {BoardError} when a device fails.
   */
  reset(): void {
    this.#attached.reset();
  }

  /** Takes back what the devices were given, so that another machine can have them. */
  detach(): void {
    this.#attached.detach();
  }
}

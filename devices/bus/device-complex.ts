// SPDX-License-Identifier: MIT
// A set of placed devices: their bus, what they use of their board, and their background
// work. Machines and the v86 adapter are built around one.

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

/** What a device complex is built from. */
export interface DeviceComplexOptions {
  /** The devices and their places. */
  readonly devices: readonly Placement[];
  /** Memory as the devices' bus sees it. */
  readonly memory: GuestMemory;
  /** The VMM's interrupt controller: its lines, by number. */
  readonly interrupts: InterruptSink;
  /**
   * Backs ranges of registers with guest memory. Default: every register access traps.
   */
  readonly directMaps?: DirectMapper | undefined;
  /** The devices' clock: SYSTEM_CLOCK, or one of the VMM. */
  readonly clock: Clock;
  /**
   * Target of MSIs of devices without a `dmaPort`, including the SMMU's own. Default:
   * stores to `memory`.
   */
  readonly msis?: MsiSink | undefined;
  /** Counts accesses by register. */
  readonly counter?: RegisterCounter;
  /** Called for the devices' events and interrupts. Default: nothing is traced. */
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

/** @throws {TypeError} for the first service that lacks a function. */
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
 * Devices at their places. Register accesses go through `bus`, and the VMM calls `poll`
 * at its safe points.
 */
export class DeviceComplex {
  /** Routes register accesses to the devices, by gpa. */
  readonly bus: Bus;
  readonly #placements: readonly Placement[];
  readonly #background = new BackgroundLoops();
  readonly #attached: AttachedDevices;

  /**
   * Attaches the devices and resets them.
   * @throws {RangeError} when they do not fit together.
   * @throws {TypeError} when an option is unknown or missing, or lacks a function.
   * @throws {BoardError} when a device cannot be attached, or does not work.
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

  /** The placed devices, as passed to the constructor. */
  get placements(): readonly Placement[] {
    return this.#placements;
  }

  /**
   * When the next timer of a device is due, in nanoseconds of the clock; undefined:
   * never.
   */
  get nextDeadline(): number | undefined {
    return this.#attached.nextDeadline;
  }

  /**
   * Does the devices' background work: their loops, and timers that are due.
   * @returns the amount of work done.
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

  /**
   * Revokes what the devices were given, so that they can be attached to another machine.
   */
  detach(): void {
    this.#attached.detach();
  }
}

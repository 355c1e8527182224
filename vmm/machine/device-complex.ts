// Devices at their places: the bus that finds them, what they reach of their board, and their work
// beside the guest. Machines and the v86 adapter are made around one.

import {
  attachDevice,
  BackgroundLoops,
  Bus,
  type BusMount,
  type Clock,
  type DirectMapper,
  type InterruptSink,
  type Placement,
  type RegisterCounter,
  resetDevice,
} from '../../devices/bus/index.ts';
import type { GuestMemory, TraceEvent } from '../../devices/plugin/index.ts';

export interface DeviceComplexOptions {
  readonly devices: readonly Placement[];
  /** Memory as the devices' bus sees it. */
  readonly memory: GuestMemory;
  readonly interrupts: InterruptSink;
  /** Undefined keeps every register access trapped. */
  readonly directMaps: DirectMapper | undefined;
  readonly clock: Clock;
  /** Counts accesses by register. */
  readonly counter?: RegisterCounter;
  /** Told of the devices' events and interrupts. Default: nothing is traced. */
  readonly trace?: ((device: string, event: TraceEvent) => void) | undefined;
}

export class DeviceComplex {
  readonly bus: Bus;
  readonly #devices: readonly Placement[];
  readonly #background = new BackgroundLoops();

  /**
   * Attaches the devices and resets them.
   * @throws {RangeError} when they do not fit together.
   * @throws {BoardError} when one of them does not work.
   */
  constructor(options: DeviceComplexOptions) {
    const { devices, memory, interrupts, directMaps, clock, trace } = options;
    this.#devices = devices;
    const mounts = devices.flatMap(({ device, addresses }) =>
      addresses.map((address, region): BusMount => ({ device, region, address })),
    );
    this.bus = new Bus(mounts, options.counter);
    const services = {
      memory,
      interrupts,
      directMaps,
      background: this.#background,
      clock,
      trace,
    };
    for (const placement of devices) attachDevice(placement, services);
    this.reset();
  }

  get devices(): readonly Placement[] {
    return this.#devices;
  }

  /**
   * Does the devices' work beside the guest.
   * @returns how much there was.
   * @throws {MachineError} when a device fails.
   */
  poll(): number {
    return this.#background.poll();
  }

  /** @throws {BoardError} when a device fails. */
  reset(): void {
    for (const { device } of this.#devices) resetDevice(device);
  }
}

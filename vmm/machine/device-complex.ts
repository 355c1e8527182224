// Devices at their places: the bus that finds them, what they reach of their board, and their work
// beside the guest. Machines and the v86 adapter are made around one.

import {
  type AttachedDevices,
  attachDevices,
  BackgroundLoops,
  Bus,
  type BusMount,
  type Clock,
  type DirectMapper,
  type InterruptSink,
  type MsiSink,
  type Placement,
  type RegisterCounter,
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
  /** Where MSIs go. Default: they are stores to `memory`. */
  readonly msis?: MsiSink | undefined;
  /** Counts accesses by register. */
  readonly counter?: RegisterCounter;
  /** Told of the devices' events and interrupts. Default: nothing is traced. */
  readonly trace?: ((device: string, event: TraceEvent) => void) | undefined;
}

export class DeviceComplex {
  readonly bus: Bus;
  readonly #placements: readonly Placement[];
  readonly #background = new BackgroundLoops();
  readonly #attached: AttachedDevices;

  /**
   * Attaches the devices and resets them.
   * @throws {RangeError} when they do not fit together.
   * @throws {BoardError} when one of them cannot be attached, or does not work.
   */
  constructor(options: DeviceComplexOptions) {
    const { devices, counter, ...services } = options;
    this.#placements = devices;
    const mounts = devices.flatMap(({ device, addresses }) =>
      addresses.map((address, region): BusMount => ({ device, region, address })),
    );
    this.bus = new Bus(mounts, counter);
    this.#attached = attachDevices(devices, { ...services, background: this.#background });
  }

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

  /** @throws {BoardError} when a device fails. */
  reset(): void {
    this.#attached.reset();
  }

  /** Takes back what the devices were given, so that another machine can have them. */
  detach(): void {
    this.#attached.detach();
  }
}

// SPDX-License-Identifier: MIT
// What a machine provides to its devices, and revokes when they are detached.

import { answeredFlag, answeredMap, refusePromise } from '../plugin/answers.ts';
import {
  BoardError,
  type Device,
  type DeviceHost,
  type DirectMap,
  type DmaPort,
  type GuestMemory,
  type InterruptLine,
  PLUGIN_INTERFACE_VERSION,
  printable,
  type TraceEvent,
} from '../plugin/index.ts';
import type { BackgroundLoops } from './background-loops.ts';
import type { Clock } from './clock.ts';
import { DeviceLease } from './device-lease.ts';
import type { DirectMapper } from './direct-mapper.ts';
import type { InterruptSink } from './interrupt-sink.ts';
import { boardMsiSink, type MsiSink } from './msi-sink.ts';
import type { Placement } from './placement.ts';
import { PortMsis } from './port-msis.ts';
import { boardLine, SharedLines } from './shared-lines.ts';
import { TimerQueue } from './timer-queue.ts';
import {
  type DeviceV1,
  hostV1,
  PLUGIN_INTERFACE_VERSION_1,
  SUPPORTED_VERSIONS,
} from './version-1.ts';

/** The parts of a machine that its devices use. */
export interface DeviceServices {
  readonly memory: GuestMemory;
  readonly interrupts: InterruptSink;
  /** Absent: every register access traps. */
  readonly directMaps?: DirectMapper | undefined;
  readonly background: BackgroundLoops;
  readonly clock: Clock;
  /**
   * Target of MSIs of devices without a DMA port. Default: they are stores to `memory`.
   */
  readonly msis?: MsiSink | undefined;
  /** Undefined while tracing is off. */
  trace?: ((device: string, event: TraceEvent) => void) | undefined;
}

function lineOf({ device, firstIrq }: Placement, lines: SharedLines, index: number): InterruptLine {
  if (firstIrq === undefined || index < 0 || index >= device.identity.interrupts) {
    throw new RangeError(`${device.name} has no interrupt line ${index}`);
  }
  return lines.line(firstIrq + index, device);
}

function tracedLine(
  line: InterruptLine,
  index: number,
  device: string,
  services: DeviceServices,
): InterruptLine {
  const { trace } = services;
  if (!trace) return line;
  return {
    pulse() {
      trace(device, { name: 'interrupt', line: index });
      line.pulse();
    },
    setLevel(asserted) {
      trace(device, { name: 'interrupt', line: index, asserted });
      line.setLevel(asserted);
    },
  };
}

function portOf({ device, dmaPort }: Placement): DmaPort {
  if (!dmaPort) throw new RangeError(`${device.name} has no way to memory on this board`);
  return dmaPort;
}

/**
 * Calls a function of a device that is not an access.
 * @throws {BoardError} when it throws.
 */
function callDevice(device: Device, what: 'attach' | 'reset', call: () => unknown): void {
  try {
    refusePromise(what, 'when the device is ready, and nothing', call());
  } catch (cause) {
    // A device may throw a message of several lines.
    const reason = printable(cause instanceof Error ? cause.message : String(cause));
    throw new BoardError('plugin-failed', `device ${device.name}: ${what}() threw: ${reason}`, {
      cause,
    });
  }
}

/**
 * Checks that the device's version of the plugin interface is supported here.
 * @throws {BoardError} when it is not.
 */
export function checkInterfaceVersion({ name, interfaceVersion }: Device): void {
  if (SUPPORTED_VERSIONS.includes(interfaceVersion)) return;
  throw new BoardError(
    'plugin-version',
    `device ${name} was written for version ${interfaceVersion} of the plugin interface, ` +
      `this is version ${PLUGIN_INTERFACE_VERSION}, which takes version ` +
      `${PLUGIN_INTERFACE_VERSION_1} as well`,
  );
}

/** Devices that are currently attached to any machine. */
const attached = new WeakSet<Device>();
/**
 * Devices of version 1 that have been attached: version 1 promises a single `attach` per
 * device.
 */
const attachedOnce = new WeakSet<Device>();

function checkPlacements(placements: readonly Placement[]): void {
  const names = new Set<string>();
  const devices = new Set<Device>();
  for (const { device } of placements) {
    const refuse = (what: string) => {
      throw new BoardError('placement', `device ${device.name} ${what}`);
    };
    checkInterfaceVersion(device);
    if (devices.has(device) || attached.has(device))
      refuse('is plugged in already: each place takes a device object of its own');
    if (attachedOnce.has(device))
      refuse('is of version 1 and has been plugged in before: make a new one');
    if (names.has(device.name)) refuse('has the name of another one in its machine');
    devices.add(device);
    names.add(device.name);
  }
}

/**
 * Checks the lines of a device in advance: a device asks for them only when it needs
 * them.
 * @throws {RangeError} when the board does not have such a line.
 * @throws {TypeError} when what the board returns is not a line.
 */
function checkLines({ device, firstIrq }: Placement, interrupts: InterruptSink): void {
  if (firstIrq === undefined) return;
  for (let i = 0; i < device.identity.interrupts; i++) boardLine(interrupts, firstIrq + i);
}

/** The parts of a machine that its devices share. */
interface MachineParts {
  readonly timers: TimerQueue;
  readonly lines: SharedLines;
  readonly msis: PortMsis;
}

function hostOf(
  placement: Placement,
  services: DeviceServices,
  { timers, lines, msis: portMsis }: MachineParts,
): DeviceHost {
  const { device, addresses, dmaPort, requesterId } = placement;
  const { memory, directMaps, msis = boardMsiSink(memory) } = services;
  return {
    memory,
    interruptLine: (index) =>
      tracedLine(lineOf(placement, lines, index), index, device.name, services),
    dmaPort: () => portOf(placement),
    mapDirect({ region, offset, length, doorbell }): DirectMap | undefined {
      const base = addresses[region];
      return base === undefined
        ? undefined
        : answeredMap(directMaps?.map({ gpa: base + offset, length, doorbell }), 'directMaps.map');
    },
    background: (loop) => services.background.add(loop),
    nowNs: () => services.clock.nowNs(),
    timer: (name, callback) => timers.add(device.name, name, callback),
    msi(address, data) {
      services.trace?.(device.name, { name: 'msi', address, data });
      return dmaPort
        ? portMsis.send(dmaPort, address, data)
        : answeredFlag(msis.send(requesterId, address, data), 'msis.send');
    },
    trace: (event) => services.trace?.(device.name, event),
  };
}

/** The devices of a machine, attached to it. */
export class AttachedDevices {
  readonly #devices: readonly Device[];
  readonly #leases: DeviceLease[] = [];
  readonly #parts: MachineParts;
  readonly #removeLoops: readonly (() => void)[];

  /** @throws {BoardError | RangeError} */
  constructor(placements: readonly Placement[], services: DeviceServices) {
    checkPlacements(placements);
    for (const placement of placements) checkLines(placement, services.interrupts);
    this.#devices = placements.map(({ device }) => device);
    const timers = new TimerQueue(services.clock);
    const msis = new PortMsis();
    this.#parts = { timers, msis, lines: new SharedLines(services.interrupts) };
    this.#removeLoops = [timers, msis].map((loop) => services.background.add(loop));
    try {
      for (const placement of placements) this.#attach(placement, services);
      this.reset();
    } catch (error) {
      this.detach();
      throw error;
    }
  }

  #attach(placement: Placement, services: DeviceServices): void {
    const { device } = placement;
    const lease = new DeviceLease(hostOf(placement, services, this.#parts));
    this.#leases.push(lease);
    attached.add(device);
    if (device.interfaceVersion === PLUGIN_INTERFACE_VERSION_1) {
      const old: DeviceV1 = device;
      attachedOnce.add(device);
      callDevice(device, 'attach', () => old.attach(hostV1(lease)));
    } else {
      callDevice(device, 'attach', () => device.attach(lease));
    }
  }

  /**
   * When the next timer of a device is due, in nanoseconds of the machine's clock, which
   * limits how long an idle machine may sleep. Undefined: never.
   */
  get nextDeadline(): number | undefined {
    return this.#parts.timers.nextDeadline;
  }

  /**
   * Resets every device, in the order of their placement. Before that, their timers are
   * cancelled, MSIs stalled in an IOMMU are dropped, and their lines are deasserted.
   * @throws {BoardError} when a device throws.
   */
  reset(): void {
    const { timers, msis, lines } = this.#parts;
    timers.cancelAll();
    msis.clear();
    lines.reset();
    for (const device of this.#devices) callDevice(device, 'reset', () => device.reset());
  }

  /**
   * Revokes what the devices were given: none of it has an effect any more. Devices of
   * version 2 can be attached to another machine.
   */
  detach(): void {
    for (const lease of this.#leases) lease.end();
    for (const device of this.#devices.slice(0, this.#leases.length)) attached.delete(device);
    this.#leases.length = 0;
    this.#parts.msis.clear();
    for (const remove of this.#removeLoops) remove();
  }
}

/**
 * Attaches the devices of a machine and resets them: all of them, or none.
 * @throws {BoardError} when a device was written for an unsupported version of the plugin
 *   interface, is attached already, has the name of another device, or throws while it is
 *   attached or reset. No device is attached then.
 */
export function attachDevices(
  placements: readonly Placement[],
  services: DeviceServices,
): AttachedDevices {
  return new AttachedDevices(placements, services);
}

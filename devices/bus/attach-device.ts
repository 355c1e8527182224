// What a machine gives one of its devices.

import {
  BoardError,
  type Device,
  type DeviceHost,
  type DirectMap,
  type DmaPort,
  type GuestMemory,
  type InterruptLine,
  PLUGIN_INTERFACE_VERSION,
  type TraceEvent,
} from '../plugin/index.ts';
import type { BackgroundLoops } from './background-loops.ts';
import type { Clock } from './clock.ts';
import type { DirectMapper } from './direct-mapper.ts';
import type { InterruptSink } from './interrupt-sink.ts';
import type { Placement } from './placement.ts';

/** The parts of a machine that its devices reach. */
export interface DeviceServices {
  readonly memory: GuestMemory;
  readonly interrupts: InterruptSink;
  readonly directMaps: DirectMapper | undefined;
  readonly background: BackgroundLoops;
  readonly clock: Clock;
  /** Undefined while tracing is off. */
  trace?: ((device: string, event: TraceEvent) => void) | undefined;
}

function lineOf(
  { device, firstIrq }: Placement,
  services: DeviceServices,
  index: number,
): InterruptLine {
  if (firstIrq === undefined || index < 0 || index >= device.identity.interrupts) {
    throw new RangeError(`${device.name} has no interrupt line ${index}`);
  }
  return services.interrupts.line(firstIrq + index);
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

/** Has a device do one of the things that it does outside of an access. */
function ask(device: Device, what: 'attach' | 'reset', call: () => void): void {
  try {
    call();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BoardError('plugin-failed', `device ${device.name}: ${what}() threw: ${reason}`, {
      cause,
    });
  }
}

/** @throws {BoardError} when the device throws. */
export function resetDevice(device: Device): void {
  ask(device, 'reset', () => device.reset());
}

/**
 * Attaches a device to its services.
 * @throws {BoardError} when the device was written for another version of the plugin interface, or throws.
 */
export function attachDevice(placement: Placement, services: DeviceServices): void {
  const { device, addresses } = placement;
  if (device.interfaceVersion !== PLUGIN_INTERFACE_VERSION) {
    const versions = `version ${device.interfaceVersion} of the plugin interface, this is version ${PLUGIN_INTERFACE_VERSION}`;
    throw new BoardError('plugin-version', `device ${device.name} was written for ${versions}`);
  }
  const host: DeviceHost = {
    memory: services.memory,
    interruptLine: (index) =>
      tracedLine(lineOf(placement, services, index), index, device.name, services),
    dmaPort: () => portOf(placement),
    mapDirect({ region, offset, length, doorbell }): DirectMap | undefined {
      const base = addresses[region];
      return base === undefined
        ? undefined
        : services.directMaps?.map({ gpa: base + offset, length, doorbell });
    },
    background: (loop) => services.background.add(loop),
    nowNs: () => services.clock.nowNs(),
    trace: (event) => services.trace?.(device.name, event),
  };
  ask(device, 'attach', () => device.attach(host));
}

// What a machine gives one of its devices.

import {
  type DeviceHost,
  type DirectMap,
  type DmaPort,
  type GuestMemory,
  type InterruptLine,
  PLUGIN_INTERFACE_VERSION,
  type TraceEvent,
} from '../../devices/plugin/index.ts';
import type { BackgroundLoops } from './background.ts';
import type { Clock } from './clock.ts';
import type { DirectMaps } from './direct-maps.ts';
import type { Placement } from './placement.ts';

/** The parts of a machine that its devices reach. */
export interface DeviceServices {
  readonly memory: GuestMemory;
  readonly interrupts: { line(index: number): InterruptLine };
  readonly directMaps: Pick<DirectMaps, 'map'> | undefined;
  readonly background: BackgroundLoops;
  readonly clock: Clock;
  /** Undefined while tracing is off. */
  trace?: ((device: string, event: TraceEvent) => void) | undefined;
}

function lineOf({ device, firstIrq }: Placement, services: DeviceServices, index: number): InterruptLine {
  if (firstIrq === undefined || index < 0 || index >= device.identity.interrupts) {
    throw new RangeError(`${device.name} has no interrupt line ${index}`);
  }
  return services.interrupts.line(firstIrq + index);
}

function portOf({ device, dmaPort }: Placement): DmaPort {
  if (!dmaPort) throw new RangeError(`${device.name} has no way to memory on this board`);
  return dmaPort;
}

/**
 * Attaches a device to its services.
 * @throws {RangeError} when the device was written for another version of the plugin interface.
 */
export function attachDevice(placement: Placement, services: DeviceServices): void {
  const { device, addresses } = placement;
  if (device.interfaceVersion !== PLUGIN_INTERFACE_VERSION) {
    throw new RangeError(
      `${device.name} speaks version ${device.interfaceVersion} of the plugin interface, this is ${PLUGIN_INTERFACE_VERSION}`,
    );
  }
  const host: DeviceHost = {
    memory: services.memory,
    interruptLine: (index) => lineOf(placement, services, index),
    dmaPort: () => portOf(placement),
    mapDirect({ region, offset, length, doorbell }): DirectMap | undefined {
      const base = addresses[region];
      return base === undefined ? undefined : services.directMaps?.map({ gpa: base + offset, length, doorbell });
    },
    background: (loop) => services.background.add(loop),
    nowNs: () => services.clock.nowNs(),
    trace: (event) => services.trace?.(device.name, event),
  };
  device.attach(host);
}

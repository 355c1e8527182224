// SPDX-License-Identifier: MIT
// Devices of version 1 of the plugin interface. Their functions are those of version 2,
// but they get the host interface of version 1.

import {
  type Device,
  type DeviceHost,
  type DmaPort,
  type DmaResult,
  PLUGIN_INTERFACE_VERSION,
} from '../plugin/index.ts';

/** Version 1 of the plugin interface. */
export const PLUGIN_INTERFACE_VERSION_1 = 1;

/** Versions of the plugin interface whose devices can be attached. */
export const SUPPORTED_VERSIONS: readonly number[] = [
  PLUGIN_INTERFACE_VERSION_1,
  PLUGIN_INTERFACE_VERSION,
];

/** The DMA port of version 1: accesses have no attributes. */
export interface DmaPortV1 extends Omit<DmaPort, 'read' | 'write'> {
  read(iova: number, target: Uint8Array): DmaResult;
  write(iova: number, source: Uint8Array): DmaResult;
}

/** The host of version 1: no timers, no MSIs. */
export interface DeviceHostV1 extends Omit<DeviceHost, 'timer' | 'msi' | 'dmaPort'> {
  dmaPort(): DmaPortV1;
}

/** A device of version 1. */
export interface DeviceV1 extends Omit<Device, 'attach'> {
  attach(host: DeviceHostV1): void;
}

function portV1(port: DmaPort): DmaPortV1 {
  return {
    streamId: port.streamId,
    read: (iova, target) => port.read(iova, target),
    write: (iova, source) => port.write(iova, source),
    ...(port.abandon && { abandon: () => port.abandon?.() }),
    ats: port.ats,
  };
}

/** The host interface for a device of version 1. */
export function hostV1(host: DeviceHost): DeviceHostV1 {
  return {
    // MSIs were the 32-bit stores in version 1.
    memory: {
      load64: (gpa) => host.memory.load64(gpa),
      store64: (gpa, value) => host.memory.store64(gpa, value),
      store32: (gpa, value) => host.msi(gpa, value),
    },
    interruptLine: (index) => host.interruptLine(index),
    dmaPort: () => portV1(host.dmaPort()),
    mapDirect: (request) => host.mapDirect(request),
    background: (loop) => host.background(loop),
    nowNs: () => host.nowNs(),
    trace: (event) => host.trace(event),
  };
}

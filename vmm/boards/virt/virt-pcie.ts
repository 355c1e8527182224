// SPDX-License-Identifier: MIT
// PCIe on the board `virt`: a host bridge with a machine's functions, whose DMA goes
// through its SMMU.

import type { Placement } from '../../../devices/bus/index.ts';
import { type PcieFunction, PcieHost, PcieRootPort } from '../../../devices/pcie/index.ts';
import type { DmaPort } from '../../../devices/plugin/index.ts';
import { type Cell, cells64, type DeviceTreeNode, type PropertyValue } from '../../boot/index.ts';
import { VIRT_PCIE } from './virt-memory-map.ts';

/** A host bridge, before its functions have DMA ports. */
export interface VirtPcie {
  readonly bridge: Placement;
  /** StreamIDs of its functions: their requester IDs. */
  readonly streams: readonly number[];
  /** The functions, with their DMA ports by StreamID. */
  functions(dmaPort: (stream: number) => DmaPort): readonly Placement[];
}

/**
 * Device numbers below this are unused: their requester IDs are the StreamIDs of the DMA
 * engine and the disks, which are not PCIe functions.
 */
const FIRST_DEVICE = 3;
const DEVICES = 32 - FIRST_DEVICE;

/**
 * Number of the bridge's buses. A function below a port has a StreamID for each bus
 * number except 0, because the kernel chooses its bus, so the number of StreamIDs limits
 * the buses.
 * @throws {RangeError} when not every port can have a bus.
 */
function busesFor(functions: readonly PcieFunction[], streams: number): number {
  const ports = functions.filter((one) => one instanceof PcieRootPort);
  const fixed = functions.length - ports.length;
  // Functions of different ports with equal numbers share StreamIDs: the ports have
  // different bus numbers.
  const behind = Math.max(0, ...ports.map((port) => port.behind.length));
  const secondary = behind === 0 ? VIRT_PCIE.buses - 1 : Math.floor((streams - fixed) / behind);
  if (fixed > streams || (behind > 0 && secondary < ports.length))
    throw new RangeError(
      `the PCIe functions need ${fixed + behind * ports.length} StreamIDs, but this machine has ` +
        `${streams} for them: a function on bus 0 takes one, each port as many as there are ` +
        'functions behind the fullest',
    );
  return 1 + Math.min(VIRT_PCIE.buses - 1, secondary);
}

/**
 * @param functions from device 3 on, one per device.
 * @param streams number of StreamIDs that they can have.
 * @throws {RangeError} when there are too many.
 */
export function virtPcie(functions: readonly PcieFunction[], streams: number): VirtPcie {
  if (functions.length > DEVICES)
    throw new RangeError(`a machine of the board virt has at most ${DEVICES} PCIe devices`);
  const { ecam, window, io, spi } = VIRT_PCIE;
  const buses = busesFor(functions, streams);
  const host = new PcieHost({
    buses,
    window,
    io,
    functions: functions.map((plugged, i) => ({ device: FIRST_DEVICE + i, plugged })),
  });
  const masters = host.functions.filter((one) => !(one instanceof PcieRootPort));
  return {
    bridge: { device: host, addresses: [ecam, window.gpa, io.gpa], firstIrq: spi },
    // Functions below different ports have the same possible bus numbers.
    streams: [...new Set(masters.flatMap((one) => host.requesterIdsOf(one)))],
    functions(dmaPort) {
      const ports = new Map<number, DmaPort>();
      const portOf = (stream: number): DmaPort => {
        const port = ports.get(stream) ?? dmaPort(stream);
        ports.set(stream, port);
        return port;
      };
      return host.functions.map((device) => ({
        device,
        addresses: [],
        bridged: true,
        ...(masters.includes(device) ? { dmaPort: host.dmaPortOf(device, portOf) } : {}),
      }));
    },
  };
}

/**
 * Space codes of the first cell of a PCI address (bindings/pci; IEEE 1275): I/O, 32-bit
 * memory.
 */
const IO = 0x01000000;
const MEMORY_32 = 0x02000000;
const GIC_SPI = 0;
const LEVEL_HIGH = 4;
/** Device number in a PCI address: its low two bits choose the line of a pin. */
const DEVICE_SHIFT = 11;
/** Number of requester IDs. */
export const PCIE_REQUESTER_IDS = 0x10000;

/** INTx of device d and pin p goes to line (d + p - 1) mod 4. */
function interruptMap(firstSpi: number): readonly Cell[] {
  return [0, 1, 2, 3].flatMap((device) =>
    [1, 2, 3, 4].flatMap((pin): Cell[] => [
      ...[device << DEVICE_SHIFT, 0, 0, pin],
      { label: 'gic' },
      // The GIC's own address cells, which are unused.
      ...[0, 0],
      ...[GIC_SPI, firstSpi + ((device + pin - 1) % 4), LEVEL_HIGH],
    ]),
  );
}

/**
 * The host bridge's node (bindings/pci/host-generic-pci.yaml).
 * @param msis target of MSIs.
 */
export function pcieNode(
  { device, addresses, firstIrq = 0 }: Placement,
  msis: Readonly<Record<string, PropertyValue>>,
): DeviceTreeNode {
  const [ecam = 0, window = 0, io = 0] = addresses;
  const [ecamSize = 0, windowSize = 0, ioSize = 0] = device.regions.map(({ size }) => size);
  return {
    name: `pcie@${ecam.toString(16)}`,
    properties: {
      compatible: 'pci-host-ecam-generic',
      device_type: 'pci',
      '#address-cells': [3],
      '#size-cells': [2],
      reg: [...cells64(ecam), ...cells64(ecamSize)],
      ranges: [
        ...[IO, ...cells64(0), ...cells64(io), ...cells64(ioSize)],
        ...[MEMORY_32, ...cells64(window), ...cells64(window), ...cells64(windowSize)],
      ],
      'bus-range': [0, ecamSize / 0x100000 - 1],
      'linux,pci-domain': [0],
      'dma-coherent': true,
      '#interrupt-cells': [1],
      'interrupt-map-mask': [3 << DEVICE_SHIFT, 0, 0, 7],
      'interrupt-map': interruptMap(firstIrq),
      'ats-supported': true,
      'iommu-map': [0, { label: 'smmu' }, 0, PCIE_REQUESTER_IDS],
      ...msis,
    },
  };
}

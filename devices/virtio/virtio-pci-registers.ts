// SPDX-License-Identifier: MIT
// Register map of a virtio device over PCI (virtio 1.2, section 4.1), and the places of
// its parts.

import type { CapabilitySpec } from '../pcie/index.ts';
import { PCI_CAP_VENDOR } from '../pcie/pcie-registers.ts';

/** Vendor ID of all virtio devices; a device's ID is this base plus its virtio ID. */
export const VIRTIO_PCI_VENDOR = 0x1af4;
export const VIRTIO_PCI_DEVICE = 0x1040;

/** Size of the region of the BAR with the registers, and offsets of its parts. */
export const VIRTIO_PCI_REGION_SIZE = 0x4000;
export const VIRTIO_PCI_COMMON = 0x0000;
export const VIRTIO_PCI_ISR = 0x1000;
export const VIRTIO_PCI_DEVICE_CONFIG = 0x2000;
export const VIRTIO_PCI_NOTIFY = 0x3000;

/** Common configuration (section 4.1.4.3). */
export const COMMON_DEVICE_FEATURE_SELECT = 0x00;
export const COMMON_DEVICE_FEATURE = 0x04;
export const COMMON_DRIVER_FEATURE_SELECT = 0x08;
export const COMMON_DRIVER_FEATURE = 0x0c;
/** Vector for configuration changes in bits [15:0], number of queues in bits [31:16]. */
export const COMMON_CONFIG_VECTOR = 0x10;
export const COMMON_STATUS = 0x14;
export const COMMON_QUEUE_SELECT = 0x16;
export const COMMON_QUEUE_SIZE = 0x18;
export const COMMON_QUEUE_VECTOR = 0x1a;
/**
 * Enable in bits [15:0]; in bits [31:16] the queue's notification offset, which is its
 * number.
 */
export const COMMON_QUEUE_ENABLE = 0x1c;
/** Addresses of a queue's three areas; the high word follows. */
export const COMMON_QUEUE_DESC = 0x20;
export const COMMON_QUEUE_DRIVER = 0x28;
export const COMMON_QUEUE_DEVICE = 0x30;
export const COMMON_SIZE = 0x38;

/** No MSI-X vector. */
export const VIRTIO_MSI_NO_VECTOR = 0xffff;
/** Bytes between the notification offsets of queues. */
export const NOTIFY_OFF_MULTIPLIER = 4;

/** Types of the capabilities, in bits [31:24] of their first words. */
const TYPES = { COMMON: 1, NOTIFY: 2, ISR: 3, DEVICE: 4, PCI: 5 } as const;

function capability(
  part: keyof typeof TYPES,
  offset: number,
  length: number,
  more: readonly { readonly name: string; readonly reset: number }[] = [],
): CapabilitySpec {
  const size = 16 + 4 * more.length;
  return {
    name: `VIRTIO_${part}`,
    id: PCI_CAP_VENDOR,
    size,
    reset: size * 0x10000 + TYPES[part] * 0x1000000,
    registers: [
      // BAR 0.
      { name: `VIRTIO_${part}_BAR`, offset: 4 },
      { name: `VIRTIO_${part}_OFFSET`, offset: 8, reset: offset },
      { name: `VIRTIO_${part}_LENGTH`, offset: 12, reset: length },
      ...more.map(({ name, reset }, i) => ({ name, offset: 16 + 4 * i, reset })),
    ],
  };
}

const ALL = 0xffffffff;
/**
 * Registers of the configuration space access (section 4.1.4.9), by offset in its
 * capability.
 */
export const PCI_ACCESS_BAR = 4;
export const PCI_ACCESS_OFFSET = 8;
export const PCI_ACCESS_LENGTH = 12;
export const PCI_ACCESS_DATA = 16;

/** The capabilities of a device (section 4.1.4). */
export function virtioCapabilities(queues: number, configSize: number): readonly CapabilitySpec[] {
  return [
    capability('COMMON', VIRTIO_PCI_COMMON, COMMON_SIZE),
    capability('NOTIFY', VIRTIO_PCI_NOTIFY, queues * NOTIFY_OFF_MULTIPLIER, [
      { name: 'VIRTIO_NOTIFY_OFF_MULTIPLIER', reset: NOTIFY_OFF_MULTIPLIER },
    ]),
    capability('ISR', VIRTIO_PCI_ISR, 1),
    ...(configSize > 0 ? [capability('DEVICE', VIRTIO_PCI_DEVICE_CONFIG, configSize)] : []),
    {
      name: 'VIRTIO_PCI',
      id: PCI_CAP_VENDOR,
      size: 20,
      reset: 20 * 0x10000 + TYPES.PCI * 0x1000000,
      registers: [
        { name: 'VIRTIO_PCI_BAR', offset: PCI_ACCESS_BAR, writable: 0xff },
        { name: 'VIRTIO_PCI_OFFSET', offset: PCI_ACCESS_OFFSET, writable: ALL },
        { name: 'VIRTIO_PCI_LENGTH', offset: PCI_ACCESS_LENGTH, writable: ALL },
        { name: 'VIRTIO_PCI_DATA', offset: PCI_ACCESS_DATA },
      ],
    },
  ];
}

/** For statistics and traces. */
const NAMES: readonly (readonly [string, number])[] = [
  ['DeviceFeatureSelect', COMMON_DEVICE_FEATURE_SELECT],
  ['DeviceFeature', COMMON_DEVICE_FEATURE],
  ['DriverFeatureSelect', COMMON_DRIVER_FEATURE_SELECT],
  ['DriverFeature', COMMON_DRIVER_FEATURE],
  ['ConfigVector', COMMON_CONFIG_VECTOR],
  ['DeviceStatus', COMMON_STATUS],
  ['QueueSelect', COMMON_QUEUE_SELECT],
  ['QueueSize', COMMON_QUEUE_SIZE],
  ['QueueVector', COMMON_QUEUE_VECTOR],
  ['QueueEnable', COMMON_QUEUE_ENABLE],
  ['QueueDescLow', COMMON_QUEUE_DESC],
  ['QueueDescHigh', COMMON_QUEUE_DESC + 4],
  ['QueueDriverLow', COMMON_QUEUE_DRIVER],
  ['QueueDriverHigh', COMMON_QUEUE_DRIVER + 4],
  ['QueueDeviceLow', COMMON_QUEUE_DEVICE],
  ['QueueDeviceHigh', COMMON_QUEUE_DEVICE + 4],
  ['ISRStatus', VIRTIO_PCI_ISR],
];

export const VIRTIO_PCI_NAMES: ReadonlyMap<number, string> = new Map(
  NAMES.map(([name, offset]) => [offset, name]),
);

// SPDX-License-Identifier: MIT
// Register map of a virtio device over MMIO (virtio 1.2, sections 4.2.2 and 4.2.4), and
// its bits.

/** Size of the region in bytes; the specification's 0x200 are at its start. */
export const VIRTIO_MMIO_REGION_SIZE = 0x1000;

export const VIRTIO_MAGIC = 0x000;
export const VIRTIO_VERSION = 0x004;
export const VIRTIO_DEVICE_ID = 0x008;
export const VIRTIO_VENDOR_ID = 0x00c;
export const VIRTIO_DEVICE_FEATURES = 0x010;
export const VIRTIO_DEVICE_FEATURES_SEL = 0x014;
export const VIRTIO_DRIVER_FEATURES = 0x020;
export const VIRTIO_DRIVER_FEATURES_SEL = 0x024;
/** Legacy: bytes of the pages that a queue's place is counted in. */
export const VIRTIO_GUEST_PAGE_SIZE = 0x028;
export const VIRTIO_QUEUE_SEL = 0x030;
export const VIRTIO_QUEUE_NUM_MAX = 0x034;
export const VIRTIO_QUEUE_NUM = 0x038;
/**
 * Legacy: what the used ring of a queue is aligned to, and the page that the queue begins
 * at.
 */
export const VIRTIO_QUEUE_ALIGN = 0x03c;
export const VIRTIO_QUEUE_PFN = 0x040;
export const VIRTIO_QUEUE_READY = 0x044;
export const VIRTIO_QUEUE_NOTIFY = 0x050;
export const VIRTIO_INTERRUPT_STATUS = 0x060;
export const VIRTIO_INTERRUPT_ACK = 0x064;
export const VIRTIO_STATUS = 0x070;
/** Addresses of a queue's three areas; the high word follows. */
export const VIRTIO_QUEUE_DESC = 0x080;
export const VIRTIO_QUEUE_DRIVER = 0x090;
export const VIRTIO_QUEUE_DEVICE = 0x0a0;
/** Length of a shared memory region, low and high word: all ones, as there are none. */
export const VIRTIO_SHM_LEN = 0x0b0;
export const VIRTIO_CONFIG_GENERATION = 0x0fc;
/** Start of the device-specific configuration. */
export const VIRTIO_CONFIG = 0x100;

export const VIRTIO_MAGIC_VALUE = 0x74726976; // "virt"
export const VIRTIO_VERSION_VALUE = 2;
export const VIRTIO_VERSION_LEGACY = 1;
export const VIRTIO_VENDOR_VALUE = 0x756d6d73; // "smmu"

/** For statistics and traces. */
const NAMES: readonly (readonly [string, number])[] = [
  ['MagicValue', VIRTIO_MAGIC],
  ['Version', VIRTIO_VERSION],
  ['DeviceID', VIRTIO_DEVICE_ID],
  ['VendorID', VIRTIO_VENDOR_ID],
  ['DeviceFeatures', VIRTIO_DEVICE_FEATURES],
  ['DeviceFeaturesSel', VIRTIO_DEVICE_FEATURES_SEL],
  ['DriverFeatures', VIRTIO_DRIVER_FEATURES],
  ['DriverFeaturesSel', VIRTIO_DRIVER_FEATURES_SEL],
  ['GuestPageSize', VIRTIO_GUEST_PAGE_SIZE],
  ['QueueSel', VIRTIO_QUEUE_SEL],
  ['QueueNumMax', VIRTIO_QUEUE_NUM_MAX],
  ['QueueNum', VIRTIO_QUEUE_NUM],
  ['QueueAlign', VIRTIO_QUEUE_ALIGN],
  ['QueuePFN', VIRTIO_QUEUE_PFN],
  ['QueueReady', VIRTIO_QUEUE_READY],
  ['QueueNotify', VIRTIO_QUEUE_NOTIFY],
  ['InterruptStatus', VIRTIO_INTERRUPT_STATUS],
  ['InterruptACK', VIRTIO_INTERRUPT_ACK],
  ['Status', VIRTIO_STATUS],
  ['QueueDescLow', VIRTIO_QUEUE_DESC],
  ['QueueDescHigh', VIRTIO_QUEUE_DESC + 4],
  ['QueueDriverLow', VIRTIO_QUEUE_DRIVER],
  ['QueueDriverHigh', VIRTIO_QUEUE_DRIVER + 4],
  ['QueueDeviceLow', VIRTIO_QUEUE_DEVICE],
  ['QueueDeviceHigh', VIRTIO_QUEUE_DEVICE + 4],
  ['ConfigGeneration', VIRTIO_CONFIG_GENERATION],
];

export const VIRTIO_MMIO_NAMES: ReadonlyMap<number, string> = new Map(
  NAMES.map(([name, offset]) => [offset, name]),
);

// SPDX-License-Identifier: MIT
// Bits of virtio devices that are common to all transports.

/** Device status (virtio 1.2, section 2.1). */
export const VIRTIO_STATUS_DRIVER_OK = 0x04;
export const VIRTIO_STATUS_FEATURES_OK = 0x08;
export const VIRTIO_STATUS_NEEDS_RESET = 0x40;

/**
 * InterruptStatus, and the ISR status of PCI: a used buffer, a change of the
 * configuration.
 */
export const VIRTIO_INTERRUPT_USED = 1;
export const VIRTIO_INTERRUPT_CONFIG = 2;

/** Feature bits of every device (section 6). */
export const VIRTIO_F_INDIRECT_DESC = 1n << 28n;
export const VIRTIO_F_VERSION_1 = 1n << 32n;
/** Addresses go through the IOMMU. */
export const VIRTIO_F_ACCESS_PLATFORM = 1n << 33n;

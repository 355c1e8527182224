// SPDX-License-Identifier: MIT
// Memory map of the board `virt`: QEMU's addresses and SPIs for devices that QEMU's
// `virt` has too, so that software for it finds console and clock; the CMDQV and the DMA
// engine have their own places.

import type { Placement } from '../../../devices/bus/index.ts';
import { BoardError, type Device } from '../../../devices/plugin/index.ts';
import type { RamRange } from '../../boot/index.ts';

/** A place for a device: the size available for its region, and its first SPI. */
export interface VirtPlace {
  readonly gpa: number;
  /** Number of free bytes from `gpa` on. */
  readonly room: number;
  /** Number of its first SPI, which is INTID - 32. */
  readonly spi: number;
  /** Number of SPIs from there on. */
  readonly spis: number;
}

/**
 * SPIs of the GIC: 288 INTIDs. kvm-unit-tests uses them all, and each costs Linux a write
 * at boot.
 */
export const VIRT_SPIS = 256;

export const VIRT_GICD = 0x08000000;
/** A GICv2m frame, or an ITS: a machine has at most one of them. */
export const VIRT_V2M = 0x08020000;
export const VIRT_ITS = 0x08080000;
export const VIRT_GICR = 0x080a0000;

/** First SPI of the GICv2m frame, after those of all devices. */
export const VIRT_V2M_SPI = 192;
export const VIRT_V2M_SPIS = 64;

/**
 * DeviceID of the SMMU's own MSIs. MSIs of other devices carry their StreamIDs or, in
 * PCIe, their requester IDs.
 */
export const VIRT_SMMU_DEVICE_ID = 0xffff;

/** Maximum number of virtio disks; the place after them is of one more device. */
export const VIRT_DISKS = 4;
const VIRTIO_GPA = 0x0a000000;
const VIRTIO_ROOM = 0x1000;
const VIRTIO_SPI = 16;

/**
 * PCIe: ECAM, the window for BARs, the I/O space after it, and the SPIs of INTA to INTD.
 */
export const VIRT_PCIE = {
  ecam: 0x3f000000,
  buses: 16,
  window: { gpa: 0x10000000, size: 0x2eff0000 },
  io: { gpa: 0x3eff0000, size: 0x10000 },
  spi: 3,
} as const;

export const VIRT_PLACES = {
  uart: { gpa: 0x09000000, room: 0x1000, spi: 1, spis: 1 },
  rtc: { gpa: 0x09010000, room: 0x1000, spi: 2, spis: 1 },
  smmu: { gpa: 0x09050000, room: 0x30000, spi: 74, spis: 4 },
  dmaEngine: { gpa: 0x09200000, room: 0x1000, spi: 79, spis: 1 },
  cmdqv: { gpa: 0x0b000000, room: 0x1000000, spi: 78, spis: 1 },
} as const satisfies Readonly<Record<string, VirtPlace>>;

/** Devices with a fixed place. */
export type VirtDeviceName = keyof typeof VIRT_PLACES;

/**
 * Free places for further devices, for `Board.free`; their SPIs end before those of the
 * GICv2m frame.
 */
export const VIRT_FREE = { gpa: 0x0c000000, irq: 112, devices: 64 } as const;

const RAM_BASE = 0x40000000;
/** Every gpa is below 4 GiB. */
const MAX_RAM = 0x100000000 - RAM_BASE;
/** The placement of kernel, device tree and initrd requires this alignment. */
const RAM_GRANULE = 0x200000;

/**
 * RAM of a machine.
 * @param size in bytes.
 * @throws {RangeError} when it is not a multiple of 2 MiB, or more than 3 GiB.
 */
export function virtRam(size: number): RamRange {
  if (!Number.isInteger(size / RAM_GRANULE) || size < RAM_GRANULE || size > MAX_RAM)
    throw new RangeError(
      `memory must be a multiple of 2 MiB, at most 3072 MiB, not ${size / 2 ** 20} MiB`,
    );
  return { base: RAM_BASE, size };
}

/**
 * A device at its place. Its `firstIrq` is the number of an SPI.
 * @throws {BoardError} when it does not fit there.
 */
export function placed(name: VirtDeviceName, device: Device): Placement {
  return placedAt(VIRT_PLACES[name], device);
}

/**
 * A device of virtio at its place.
 * @param index 0 to VIRT_DISKS - 1: a disk.
 */
export function placedVirtio(index: number, device: Device): Placement {
  const gpa = VIRTIO_GPA + index * VIRTIO_ROOM;
  return placedAt({ gpa, room: VIRTIO_ROOM, spi: VIRTIO_SPI + index, spis: 1 }, device);
}

function placedAt({ gpa, room, spi, spis }: VirtPlace, device: Device): Placement {
  const size = device.regions.reduce((sum, region) => sum + region.size, 0);
  if (device.regions.length !== 1 || size > room || device.identity.interrupts > spis) {
    throw new BoardError(
      'placement',
      `${device.name} does not fit at 0x${gpa.toString(16)}: there is room for one region of ` +
        `0x${room.toString(16)} bytes and ${spis} interrupts`,
    );
  }
  return { device, addresses: [gpa], firstIrq: spi };
}

// Disks of the board `virt`: virtio block devices, each with a StreamID of its own.

import type { Placement } from '../../../devices/bus/index.ts';
import { type Disk, VirtioBlock, VirtioMmio } from '../../../devices/virtio/index.ts';
import { placedDisk, VIRT_DISKS } from './virt-memory-map.ts';

const FIRST_STREAM = 16;

/** A disk at its place, and its StreamID as the kernel numbers it. */
export interface VirtDisk {
  readonly placement: Placement;
  readonly stream: number;
}

/** @throws {RangeError} when there are too many, or one has a size that no disk has. */
export function virtDisks(disks: readonly Disk[]): readonly VirtDisk[] {
  if (disks.length > VIRT_DISKS)
    throw new RangeError(`a machine of the board virt has at most ${VIRT_DISKS} disks`);
  return disks.map((disk, i) => ({
    placement: placedDisk(i, new VirtioMmio(`disk${i}`, new VirtioBlock(disk, `vsmmu-disk${i}`))),
    stream: FIRST_STREAM + i,
  }));
}

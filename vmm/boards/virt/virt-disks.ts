// SPDX-License-Identifier: MIT
// Disks of the board `virt`: virtio block devices, each with its own StreamID.

import { type Disk, VirtioBlock, VirtioMmio } from '../../../devices/virtio/index.ts';
import type { BusMaster } from './virt-device-tree.ts';
import { placedVirtio, VIRT_DISKS } from './virt-memory-map.ts';

const FIRST_STREAM = 16;

/** @throws {RangeError} when there are too many, or one has an invalid size. */
export function virtDisks(disks: readonly Disk[]): readonly BusMaster[] {
  if (disks.length > VIRT_DISKS)
    throw new RangeError(`a machine of the board virt has at most ${VIRT_DISKS} disks`);
  return disks.map((disk, i) => ({
    placement: placedVirtio(i, new VirtioMmio(`disk${i}`, new VirtioBlock(disk, `vsmmu-disk${i}`))),
    streamId: FIRST_STREAM + i,
  }));
}

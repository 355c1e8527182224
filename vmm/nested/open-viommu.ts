// SPDX-License-Identifier: MIT
// The iommufd objects of a vIOMMU, created in QEMU's order.

import { EVENTQ_ENTRY_SIZE, IDR0_PRI } from '../../assembly/layout/smmu-registers.ts';
import { bitsOf } from '../../devices/plugin/index.ts';
import type { PageRequest } from '../../devices/smmuv3/index.ts';
import {
  HW_INFO_TYPE_ARM_SMMUV3,
  type Iommufd,
  VEVENTQ_TYPE_ARM_SMMUV3,
  VIOMMU_FLAG_BTM,
  VIOMMU_TYPE_ARM_SMMUV3,
  VIOMMU_TYPE_TEGRA241_CMDQV,
} from '../../host/iommufd/index.ts';
import { TEGRA241_VIOMMU_DATA_SIZE } from '../../host/kernel/arm/index.ts';
import type { NestedSmmuOptions } from './nested-smmu-options.ts';
import { NestedStreams } from './nested-streams.ts';
import { PageRequests } from './page-request-queue.ts';
import { idRegistersOf } from './shown-ids.ts';
import { veventBytes } from './vevents.ts';

/** Maximum number of events that wait for a safe point. */
const EVENT_DEPTH = 256;

/** Receivers of what the vIOMMU's queues deliver. */
export interface ViommuReceiver {
  /** Records of the event queue, each after a header. */
  events(bytes: Uint8Array): void;
  request(request: PageRequest): void;
}

/**
 * Creates a vIOMMU in an iommufd, with the VM's memory, a stage 2, its devices, and the
 * queues of their events.
 * @throws {IommufdError | HostError} and objects created before are freed with the
 *   iommufd.
 */
export function openViommu(
  fd: Iommufd,
  { vm, iommu, cmdqv, btm, devices, anyDevice }: NestedSmmuOptions,
  receiver: ViommuReceiver,
) {
  const first = fd.bind(anyDevice);
  const ioas = fd.ioasAlloc();
  for (const { gpa, size } of vm.regions)
    fd.ioasMap(ioas, { iova: BigInt(gpa), length: BigInt(size), memory: vm, address: gpa });
  const parent = fd.hwptAlloc({ device: first, parent: ioas, nestParent: true });
  const made = fd.viommuAlloc({
    device: first,
    hwpt: parent,
    vm,
    flags: btm ? VIOMMU_FLAG_BTM : 0,
    ...(cmdqv
      ? { type: VIOMMU_TYPE_TEGRA241_CMDQV, data: new Uint8Array(TEGRA241_VIOMMU_DATA_SIZE) }
      : { type: VIOMMU_TYPE_ARM_SMMUV3 }),
  });
  const streams = new NestedStreams(fd, made.id, first);
  const { file } = fd.veventqAlloc({
    viommu: made.id,
    type: VEVENTQ_TYPE_ARM_SMMUV3,
    depth: EVENT_DEPTH,
  });
  file.onReadable = () => receiver.events(file.read(veventBytes(EVENT_DEPTH, EVENTQ_ENTRY_SIZE)));
  for (const [virtSid, arm] of devices) {
    const device = arm === anyDevice ? first : fd.bind(arm);
    fd.vdeviceAlloc({ viommu: made.id, device, virtId: BigInt(virtSid) });
    const requests = bitsOf(iommu.smmu.idr0, IDR0_PRI)
      ? new PageRequests(fd, virtSid, (request) => receiver.request(request))
      : undefined;
    streams.add(virtSid, { device, physSid: arm.streams[0] ?? 0, requests });
  }
  const hostIdRegisters = idRegistersOf(fd.hwInfo(first, HW_INFO_TYPE_ARM_SMMUV3));
  return { made, streams, hostIdRegisters };
}

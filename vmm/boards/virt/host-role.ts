// SPDX-License-Identifier: MIT
// Role host of the board `virt`: the kernel owns a physical SMMU and a physical CMDQV.
// They belong to the machine: hardware like its host's, with its own host memory that no
// guest reaches, and with the machine's RAM as the only physical memory.

import { HOST_AT_ATTENTION, HOST_AT_ATTENTION_SEEN } from '../../../assembly/layout/host-memory.ts';
import { IDR0_ATS, IDR0_PRI } from '../../../assembly/layout/smmu-registers.ts';
import { isDoorbell, type MsiController, offsetOfGpa } from '../../../devices/bus/index.ts';
import { PhysicalCmdqv } from '../../../devices/cmdqv/index.ts';
import { bitsOf } from '../../../devices/plugin/index.ts';
import { PhysicalSmmu } from '../../../devices/smmuv3/index.ts';
import {
  createHostMemory,
  type PhysicalMemory,
  StreamDmaPort,
  Unit,
} from '../../../devices/unit/index.ts';
import { type GuestWindow, ThreadAllocator } from '../../../host/kernel/index.ts';
import { AtsEndpoint } from '../../nested/index.ts';
import { unitsFor } from '../../threads/index.ts';
import { type Arm64Memory, arm64ExitRequest } from '../../vcpu/arm64/index.ts';
import { ownedSmmu, ownedVintf } from './owned-smmu.ts';
import { placed } from './virt-memory-map.ts';
import type { VirtSmmu, VirtSmmuOptions } from './virt-smmu.ts';

const SMMU_INDEX = 0;
/** The guest's window of the physical address map, which identifies its queues. */
const WINDOW = 1;
/** The minimum size: no PA leads there. */
const HOST_RAM = 0x10000;

/** RAM and doorbells as reached by a requester's DMA: a PA is a gpa. */
function physicalMemory(
  { memory, ram }: Arm64Memory,
  msis: MsiController | undefined,
  requesterId: number,
): PhysicalMemory {
  const bytes = new Uint8Array(memory.buffer);
  return {
    bytes(pa: number, length: number): Uint8Array | undefined {
      const offset = offsetOfGpa([ram], pa, length);
      return offset < 0 ? undefined : bytes.subarray(offset, offset + length);
    },
    write32: (pa, data) =>
      msis !== undefined && isDoorbell(msis, pa) && msis.send(requesterId, pa, data),
  };
}

/**
 * An SMMU that the machine's kernel owns, with the configuration of its host's first
 * SMMU.
 * @throws {RangeError} for options that only a guest's SMMU supports.
 */
export function hostRole({ board, memory, streams, msis }: VirtSmmuOptions): VirtSmmu {
  const { host, name, overlay = false, idRegisters = 'auto' } = board;
  if (overlay) {
    throw new RangeError(
      "the overlay path is a guest's: in the role host the CMDQ is the SMMU's own, whose registers trap",
    );
  }
  if (board.faults?.fetchAborts)
    throw new RangeError(
      "fetchAborts is for a guest's queues: in the role host nobody refuses them",
    );
  if (board.behind)
    throw new RangeError("behind is for a guest's SMMU: in the role host it is the machine's own");
  const [shape] = host.smmus;
  if (!shape) throw new RangeError('the host has no SMMU');
  const { vintfs, vcmdqs, atcTimeout } = shape;
  const { modules } = host;
  const hostMemory = createHostMemory({ ramSize: HOST_RAM });
  const regions = [memory.ram];
  const exitRequest = arm64ExitRequest(memory);
  const window = { window: WINDOW, memory: memory.memory, regions, exitRequest, isPhysical: true };
  const unit = new Unit({ modules, hostMemory, guest: window, thread: 0 });
  const ids = idRegisters === 'auto' ? shape.idRegisters : idRegisters;
  const hasAts = bitsOf(ids.idr0, IDR0_ATS) === 1;
  const hasPri = bitsOf(ids.idr0, IDR0_PRI) === 1;
  const physicalSmmu = new PhysicalSmmu({
    unit,
    smmuIndex: SMMU_INDEX,
    idRegisters: ids,
    atcTimeout,
    onRefusal: board.onRefusal,
  });
  const physicalCmdqv = new PhysicalCmdqv({ unit, smmuIndex: SMMU_INDEX, vintfs, vcmdqs });
  const smmu = ownedSmmu(name, hostMemory, streams);
  const unwatch = host.sanitizer?.watch(smmu);
  const owned = Array.from({ length: vintfs }, (_, index) =>
    ownedVintf(smmu, physicalCmdqv, index, vcmdqs / vintfs),
  );
  const threads = new ThreadAllocator((thread) => unit.drain.reapThread(smmu.smmuBlock, thread));
  const words = new Int32Array(hostMemory.buffer);
  const guest: GuestWindow = { ...window, unit };
  const unitThreads = {
    memory: hostMemory,
    modules,
    allocateThread: () => threads.allocate(),
    freeThread: (thread: number) => threads.free(thread),
  };
  return {
    smmu: placed('smmu', physicalSmmu),
    cmdqv: placed('cmdqv', physicalCmdqv),
    abortFetches: undefined,
    dmaPort: (stream) =>
      new StreamDmaPort({
        unit,
        memory: physicalMemory(memory, msis, stream),
        smmu: smmu.smmuBlock,
        virtSid: stream,
        physSid: stream,
        ats: hasAts ? new AtsEndpoint(guest, smmu.smmuBlock, stream, hasPri) : undefined,
      }),
    drain: unit.drain,
    units: unitsFor(unitThreads, guest),
    vcpuRuns: () => undefined,
    service(full) {
      const attention = Atomics.load(words, HOST_AT_ATTENTION >> 2);
      if (!full && attention === Atomics.load(words, HOST_AT_ATTENTION_SEEN >> 2)) return;
      // The devices have already done the work for which it was raised.
      Atomics.store(words, HOST_AT_ATTENTION_SEEN >> 2, attention);
      host.sanitizer?.poll();
    },
    describe(machine) {
      return {
        drainable: {
          machine,
          threads: unitThreads,
          guest,
          direct: owned,
        },
        vm: undefined,
        smmus: owned.slice(0, 1).map((vintf) => ({ smmu, vintf })),
        owned: { smmu, vintfs: owned },
      };
    },
    destroy: () => unwatch?.(),
  };
}

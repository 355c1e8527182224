// SPDX-License-Identifier: MIT
// The SMMU between the bus masters of a `virt` machine and its memory: guest-role.ts has
// one that a host lends, host-role.ts one that the machine owns.

import type { MsiController, Placement } from '../../../devices/bus/index.ts';
import type { AbortFetches } from '../../../devices/faults/index.ts';
import type { DmaPort } from '../../../devices/plugin/index.ts';
import type { MachineCore } from '../../machine/index.ts';
import type { VcpuUnits } from '../../threads/index.ts';
import type { Arm64Memory } from '../../vcpu/arm64/index.ts';
import type { BoardMachine, BoardOptions } from '../board.ts';

/** StreamID of the DMA engine, as numbered by the kernel. */
export const DMA_STREAM = 8;

/** What a machine's SMMU is built from. */
export interface VirtSmmuOptions {
  /** StreamIDs of the bus masters, as numbered by the kernel. */
  readonly streams: readonly number[];
  readonly board: BoardOptions;
  readonly memory: Arm64Memory;
  /** Target of 32-bit writes to doorbell pages; undefined when there is none. */
  readonly msis: MsiController | undefined;
}

/** An SMMU with its CMDQV, before the machine exists. */
export interface VirtSmmu {
  readonly smmu: Placement;
  /** Undefined when the kernel finds none. */
  readonly cmdqv: Placement | undefined;
  /**
   * Makes the fetches of its command queues end in external aborts. Undefined when that
   * is not possible.
   */
  readonly abortFetches: AbortFetches | undefined;
  /** The DMA port of a bus master, by one of the StreamIDs, which its MSIs carry. */
  dmaPort(stream: number): DmaPort;
  /** The drain of the machine's unit, for its doorbells. */
  readonly drain: { doorbell(id: number, offset: number): void };
  /** Units for the threads of vCPUs. */
  readonly units: VcpuUnits;
  /** A vCPU enters or leaves the guest. */
  vcpuRuns(vcpu: number, runs: boolean): void;
  /** Additional work at safe points, besides the devices'. */
  service(full: boolean): void;
  /**
   * Data about it for its machine.
   * @param flushProcessors empties the TLBs and instruction caches of its vCPUs.
   */
  describe(
    machine: MachineCore,
    flushProcessors: () => void,
  ): Pick<BoardMachine, 'drainable' | 'vm' | 'smmus' | 'owned'>;
  /** Releases what it has. Its machine, if any, has ended. */
  destroy(): void;
}

// SPDX-License-Identifier: MIT
// What stands between the bus masters of a machine `virt` and its memory, whoever owns it: guest-role.ts
// has an SMMU that a host lends, host-role.ts one of the machine's own.

import type { MsiController, Placement } from '../../../devices/bus/index.ts';
import type { AbortFetches } from '../../../devices/faults/index.ts';
import type { DmaPort } from '../../../devices/plugin/index.ts';
import type { MachineCore } from '../../machine/index.ts';
import type { VcpuUnits } from '../../threads/index.ts';
import type { Arm64Memory } from '../../vcpu/arm64/index.ts';
import type { BoardMachine, BoardOptions } from '../board.ts';

/** StreamID of the DMA engine, as the kernel numbers it. */
export const DMA_STREAM = 8;

/** What an SMMU for a machine is made of. */
export interface VirtSmmuOptions {
  /** StreamIDs of the bus masters, as the kernel numbers them. */
  readonly streams: readonly number[];
  readonly board: BoardOptions;
  readonly memory: Arm64Memory;
  /** Where 32-bit writes to doorbell pages go. Undefined: nothing is there. */
  readonly msis: MsiController | undefined;
}

/** An SMMU with its CMDQV, before it has a machine. */
export interface VirtSmmu {
  readonly smmu: Placement;
  /** Undefined: the kernel finds none. */
  readonly cmdqv: Placement | undefined;
  /** Has the fetches of its command queues end in external aborts. Undefined: nothing can. */
  readonly abortFetches: AbortFetches | undefined;
  /** The way of a bus master to memory, by one of the StreamIDs, which its MSIs carry. */
  dmaPort(stream: number): DmaPort;
  /** The drain of the machine's unit, behind its doorbells. */
  readonly drain: { doorbell(id: number, offset: number): void };
  /** Units for the threads of vCPUs. */
  readonly units: VcpuUnits;
  /** A vCPU comes to run guest code, or runs none any more. */
  vcpuRuns(vcpu: number, runs: boolean): void;
  /** What has to be done beside the devices' work, at safe points. */
  service(full: boolean): void;
  /**
   * What the machine that has it tells of it.
   * @param flushProcessors empties the TLBs and instruction caches of its vCPUs.
   */
  describe(
    machine: MachineCore,
    flushProcessors: () => void,
  ): Pick<BoardMachine, 'drainable' | 'vm' | 'smmus'>;
  /** Gives back what it has. Its machine, if it has one, has ended. */
  destroy(): void;
}

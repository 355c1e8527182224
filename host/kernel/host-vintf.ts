// SPDX-License-Identifier: MIT
// The host's own VINTF: a VCMDQ for each processor, in place of the SMMU's single CMDQ
// (tegra241_cmdqv_get_cmdq and the like).

import {
  CMD_OP,
  OP_ATC_INV,
  OP_CMD_SYNC,
  OP_TLBI_NH_ASID,
  OP_TLBI_NH_VA,
} from '../../assembly/layout/commands.ts';
import { fieldOf } from '../../devices/plugin/index.ts';
import { HostError } from '../hardware/host-error.ts';
import type { HostCommandQueue } from './host-command-queue.ts';

/** The commands that Linux sends to a VCMDQ of a VINTF without HYP_OWN. */
const GUEST_COMMANDS: ReadonlySet<number> = new Set([
  OP_TLBI_NH_ASID,
  OP_TLBI_NH_VA,
  OP_ATC_INV,
  OP_CMD_SYNC,
]);

export interface HostVintfOptions {
  /** VINTF_CONFIG.HYP_OWN as read back: 0 in a kernel that is itself a guest. */
  readonly hypOwn: boolean;
  /** By LVCMDQ; undefined for queues that could not be enabled. */
  readonly queues: readonly (HostCommandQueue | undefined)[];
  /** Takes a queue out of use. */
  free(lvcmdq: number): void;
}

export class HostVintf {
  readonly #hypOwn: boolean;
  readonly #queues: (HostCommandQueue | undefined)[];
  readonly #free: (lvcmdq: number) => void;

  constructor({ hypOwn, queues, free }: HostVintfOptions) {
    this.#hypOwn = hypOwn;
    this.#queues = [...queues];
    this.#free = free;
  }

  /**
   * Whether a VCMDQ supports all of these commands. A batch goes to one queue as a whole,
   * which preserves its order.
   */
  #supportsAll(commands: readonly Uint32Array[]): boolean {
    return (
      this.#hypOwn || commands.every((command) => GUEST_COMMANDS.has(fieldOf(command, CMD_OP)))
    );
  }

  /**
   * Issues commands on the processor's VCMDQ and waits until they are complete.
   * @returns false when the caller must use the CMDQ: the VINTF does not support one of
   *   the commands, or the VCMDQ has failed, now or earlier. After a CMD_SYNC timeout
   *   Linux continues as if the commands were complete; here the queue is taken out of
   *   use, so that no stale translation survives.
   */
  issue(processor: number, commands: readonly Uint32Array[]): boolean {
    const lvcmdq = processor % this.#queues.length;
    const queue = this.#queues[lvcmdq];
    if (!queue || !this.#supportsAll(commands)) return false;
    try {
      queue.issue(...commands);
      return true;
    } catch (error) {
      if (!(error instanceof HostError && error.code === 'timeout')) throw error;
      this.#queues[lvcmdq] = undefined;
      this.#free(lvcmdq);
      return false;
    }
  }

  /**
   * Handles the CMDQV's interrupt (tegra241_vintf0_handle_error): these queues may have
   * stopped at an error.
   */
  handleErrors(lvcmdqs: readonly number[]): void {
    for (const lvcmdq of lvcmdqs) this.#queues[lvcmdq]?.handleError();
  }
}

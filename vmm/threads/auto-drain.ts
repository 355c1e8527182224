// SPDX-License-Identifier: MIT
// Chooses where a machine's VCMDQs are drained, by its guest's behaviour and the
// computer's free cores.
//
// A guest that waits for its batch loses the cost of the handoff to another core, some
// 0.2 to 0.6 us, and gains nothing. At some 50 ns per command that is less than a tenth
// of the time of batches of LARGE_BATCH. From that size on, the thread takes the work off
// the vCPU's core at almost no cost.

import { coreCount } from './core-count.ts';
import type { Drainable, SideCore } from './side-core.ts';

/** Commands per CMD_SYNC from which a thread is worth it. */
const LARGE_BATCH = 128;
/**
 * Number of CMD_SYNCs that a machine must have completed before its batches are
 * evaluated.
 */
const ENOUGH_SYNCS = 64;

/** Where VCMDQs are drained: in the guest's doorbell call, or on a separate thread. */
export type DrainPlace = 'doorbell' | 'thread';

export interface DrainChoice {
  readonly drain: DrainPlace;
  readonly reason: string;
}

/** The data for the choice. */
export interface DrainLoad {
  readonly commands: number;
  readonly syncs: number;
  /** Number of cores of the computer, and of threads that the machine keeps busy. */
  readonly cores: number;
  readonly threads: number;
}

export function chooseDrain({ commands, syncs, cores, threads }: DrainLoad): DrainChoice {
  const idle = Math.max(0, cores - threads);
  const spare = `${idle} of ${cores} cores idle`;
  if (idle === 0)
    return { drain: 'doorbell', reason: `${spare}: a thread would take turns with the guest` };
  if (syncs < ENOUGH_SYNCS)
    return { drain: 'doorbell', reason: `${spare}, only ${syncs} batches so far` };
  const batch = (commands - syncs) / syncs;
  const size = `${spare}, ${batch.toFixed(1)} commands per batch`;
  return batch < LARGE_BATCH
    ? {
        drain: 'doorbell',
        reason: `${size}, below ${LARGE_BATCH}: the handoff would cost more than it saves`,
      }
    : { drain: 'thread', reason: `${size}, at least ${LARGE_BATCH}` };
}

/** Chooses for each machine of a host, and again at each call of `consider`. */
export class AutoDrain {
  readonly #cores = coreCount();
  readonly #sideCore: () => Promise<SideCore>;
  readonly #choices = new Map<Drainable, DrainChoice>();

  /** @param sideCore the host's side core, started at the first call. */
  constructor(sideCore: () => Promise<SideCore>) {
    this.#sideCore = sideCore;
  }

  /** The last choice for a machine. */
  choice(target: Drainable): DrainChoice | undefined {
    return this.#choices.get(target);
  }

  /**
   * Re-evaluates a machine that is at a yield, and moves its drain if another place has
   * become better.
   */
  async consider(target: Drainable): Promise<void> {
    const counts = target.direct.flatMap(({ queues }) => queues.map((queue) => queue.counts));
    const commands = counts.reduce((sum, count) => sum + count.commands, 0);
    const syncs = counts.reduce((sum, count) => sum + count.syncs, 0);
    const before = this.#choices.get(target)?.drain ?? 'doorbell';
    const choice = chooseDrain({
      commands,
      syncs,
      cores: this.#cores,
      threads: target.machine.threads,
    });
    this.#choices.set(target, choice);
    if (choice.drain === before) return;
    const side = await this.#sideCore();
    if (choice.drain === 'doorbell') await side.detach(target.machine);
    else await side.attach(target);
  }

  /** The machine has ended. Its owner detaches it from the side core. */
  forget(target: Drainable): void {
    this.#choices.delete(target);
  }
}

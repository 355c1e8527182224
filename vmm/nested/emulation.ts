// SPDX-License-Identifier: MIT
// Bad commands that the host executes for their guest: the policy `emulate`. The same
// commands are supported for a VCMDQ and for the CMDQ.

import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers.ts';
import type { CommandOutcome } from '../../devices/smmuv3/index.ts';
import { BegunCommand } from '../../devices/smmuv3/queues/begun-command.ts';
import type { QueueBlock } from '../../devices/unit/index.ts';
import type { ResourceGate } from '../../host/iommufd/index.ts';
import type { Vm } from '../../host/kernel/vm.ts';
import { unlessRefused } from './refused.ts';

export interface EmulationOptions {
  readonly vm: Vm;
  readonly gate: ResourceGate;
  /** HWPT_INVALIDATE of the vIOMMU; returns the number of executed commands. */
  invalidate(command: Uint8Array): number;
}

export class Emulation {
  /** Executes commands that belong to the guest's SMMU, once there is one. */
  ownCommands: (words: readonly number[], from: number) => CommandOutcome = () => 'refused';
  readonly #options: EmulationOptions;
  readonly #begun = new Map<number, BegunCommand>();

  constructor(options: EmulationOptions) {
    this.#options = options;
  }

  /**
   * The command at a queue's CONS has been executed in part, so its policy has decided.
   */
  isBegun(queue: QueueBlock): boolean {
    return this.#begun.get(queue.index)?.isBegun(this.#attempt(queue)) === true;
  }

  /** Executes the command at a queue's CONS, or a part of it. */
  carryOut(queue: QueueBlock): CommandOutcome {
    if (!queue.hasRing) return 'refused';
    // Called from a host's service, where an error would end the machine that happens to
    // run.
    return unlessRefused<CommandOutcome>(() => {
      this.#options.gate('memory access', 'refused command');
      return this.#carryOut(queue.index, this.#attempt(queue));
    }, 'refused');
  }

  #carryOut(queue: number, attempt: readonly number[]): CommandOutcome {
    const from = this.#begun.get(queue)?.left(attempt) ?? 0;
    this.#begun.delete(queue);
    const words = attempt.slice(1);
    const command = new Uint8Array(Uint32Array.from(words).buffer);
    // A command that is not an invalidation is refused, and may be one of the SMMU.
    if (unlessRefused(() => this.#options.invalidate(command) === 1, false)) return 'done';
    const outcome = this.ownCommands(words, from);
    if (typeof outcome === 'object') {
      const begun = new BegunCommand();
      begun.begin(attempt, outcome.next);
      this.#begun.set(queue, begun);
    }
    return outcome;
  }

  /** The command at a queue's CONS, 4 words; undefined without a ring. */
  commandOf(queue: QueueBlock): Uint32Array | undefined {
    return queue.hasRing ? Uint32Array.from(this.#attempt(queue).slice(1)) : undefined;
  }

  /**
   * The queue was freed: a later command in its place has not begun, even with the same
   * words.
   */
  forget(queue: QueueBlock): void {
    this.#begun.delete(queue.index);
  }

  // CONS and words of the command at CONS, read once.
  #attempt(queue: QueueBlock): readonly number[] {
    const at = queue.ring + (queue.cons % 2 ** queue.log2size) * CMDQ_ENTRY_SIZE;
    const { buffer } = this.#options.vm.memory;
    return [queue.cons, ...new Uint32Array(buffer.slice(at, at + CMDQ_ENTRY_SIZE))];
  }
}

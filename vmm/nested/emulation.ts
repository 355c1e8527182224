// SPDX-License-Identifier: MIT
// Bad commands that the host carries out for their guest: the policy `emulate`. What it
// carries out is the same for a VCMDQ and for the CMDQ.

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
  /** HWPT_INVALIDATE of the vIOMMU; returns how many commands were carried out. */
  invalidate(command: Uint8Array): number;
}

export class Emulation {
  /** What the guest's SMMU carries out itself, once there is one. */
  ownCommands: (words: readonly number[], from: number) => CommandOutcome = () => 'refused';
  readonly #options: EmulationOptions;
  readonly #begun = new Map<number, BegunCommand>();

  constructor(options: EmulationOptions) {
    this.#options = options;
  }

  /** The command at a queue's CONS has been carried out in part: its policy has spoken. */
  isBegun(queue: QueueBlock): boolean {
    return this.#begun.get(queue.index)?.isBegun(this.#attempt(queue)) === true;
  }

  /** Carries the command at a queue's CONS out, or a part of it. */
  carryOut(queue: QueueBlock): CommandOutcome {
    if (!queue.hasRing) return 'refused';
    // A host's service asks for this: what it threw would end the machine that runs now.
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
    // What is no invalidation is refused, and may be the SMMU's own.
    if (unlessRefused(() => this.#options.invalidate(command) === 1, false)) return 'done';
    const outcome = this.ownCommands(words, from);
    if (typeof outcome === 'object') {
      const begun = new BegunCommand();
      begun.begin(attempt, outcome.next);
      this.#begun.set(queue, begun);
    }
    return outcome;
  }

  /** The command at a queue's CONS, 4 words; undefined where no ring is. */
  commandOf(queue: QueueBlock): Uint32Array | undefined {
    return queue.hasRing ? Uint32Array.from(this.#attempt(queue).slice(1)) : undefined;
  }

  /** The queue was freed: what comes there later has not begun, whatever its words are. */
  forget(queue: QueueBlock): void {
    this.#begun.delete(queue.index);
  }

  // CONS and words of the command there, read once.
  #attempt(queue: QueueBlock): readonly number[] {
    const at = queue.ring + (queue.cons % 2 ** queue.log2size) * CMDQ_ENTRY_SIZE;
    const { buffer } = this.#options.vm.memory;
    return [queue.cons, ...new Uint32Array(buffer.slice(at, at + CMDQ_ENTRY_SIZE))];
  }
}

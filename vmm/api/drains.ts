// Where the machines' VCMDQs are drained: each as it asks, the threads of each hardware shared.

import type { BoardMachine } from '../boards/index.ts';
import {
  AutoDrain,
  type DrainPlace,
  SideCore,
  type SideCoreOptions,
  type UnitThreads,
} from '../threads/index.ts';
import type { Drain } from './settings.ts';

/** What was asked for, what came of it, and why. */
export interface DrainReport {
  readonly asked: Drain;
  readonly place: DrainPlace;
  readonly reason: string;
}

/** The threads of one hardware. */
interface DrainThreads {
  side?: Promise<SideCore>;
  auto?: AutoDrain;
}

export class Drains {
  readonly #options: SideCoreOptions;
  readonly #asked = new Map<BoardMachine, Drain>();
  /** By hardware: machines that own theirs share no thread with others. */
  readonly #threads = new Map<UnitThreads, DrainThreads>();

  constructor(options: SideCoreOptions) {
    this.#options = options;
  }

  #of({ threads }: BoardMachine): DrainThreads {
    const made = this.#threads.get(threads) ?? {};
    this.#threads.set(threads, made);
    return made;
  }

  /** Before the machine boots. */
  async add(machine: BoardMachine, asked: Drain): Promise<void> {
    this.#asked.set(machine, asked);
    const of = this.#of(machine);
    if (asked === 'auto') {
      of.auto ??= await AutoDrain.create(machine.threads, this.#options);
    } else if (asked === 'thread') {
      of.side ??= SideCore.start(machine.threads, this.#options);
      await (await of.side).attach(machine, machine.inline);
    }
  }

  /** The machine stands at a yield. */
  async atYield(machine: BoardMachine): Promise<void> {
    if (this.#asked.get(machine) !== 'auto') return;
    // Inline a guest keeps the VMM's thread to itself, and has to be asked for an exit.
    await this.#of(machine).auto?.consider(machine, machine.inline);
  }

  /** The machine has ended for good. */
  async remove(machine: BoardMachine): Promise<void> {
    if (!this.#asked.delete(machine)) return;
    const { side, auto } = this.#of(machine);
    await (await side)?.detach(machine.machine);
    await auto?.release(machine);
  }

  report(machine: BoardMachine): DrainReport {
    const asked = this.#asked.get(machine) ?? 'doorbell';
    const choice = asked === 'auto' ? this.#of(machine).auto?.choice(machine) : undefined;
    return choice
      ? { asked, place: choice.drain, reason: choice.reason }
      : { asked, place: asked === 'thread' ? 'thread' : 'doorbell', reason: 'as asked' };
  }

  async stop(): Promise<void> {
    for (const { side, auto } of this.#threads.values()) {
      await (await side)?.stop();
      await auto?.stop();
    }
  }
}

// Where the machines' VCMDQs are drained: each as it asks, all threads shared.

import type { ToyMachine } from '../boards/toy/toy-board.ts';
import type { VmHost } from '../nested/index.ts';
import { AutoDrain, type DrainPlace, SideCore, type SideCoreOptions } from '../threads/index.ts';
import type { Drain } from './settings.ts';

/** What was asked for, what came of it, and why. */
export interface DrainReport {
  readonly asked: Drain;
  readonly place: DrainPlace;
  readonly reason: string;
}

export class Drains {
  readonly #host: VmHost;
  readonly #options: SideCoreOptions;
  readonly #asked = new Map<ToyMachine, Drain>();
  #side: Promise<SideCore> | undefined;
  #auto: AutoDrain | undefined;

  constructor(host: VmHost, options: SideCoreOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Before the machine boots. */
  async add(machine: ToyMachine, asked: Drain): Promise<void> {
    this.#asked.set(machine, asked);
    if (asked === 'auto') {
      this.#auto ??= await AutoDrain.create(this.#host, this.#options);
    } else if (asked === 'thread') {
      this.#side ??= SideCore.start(this.#host, this.#options);
      await (await this.#side).attach(machine, machine.inline);
    }
  }

  /** The machine stands at a yield. */
  async atYield(machine: ToyMachine): Promise<void> {
    if (this.#asked.get(machine) !== 'auto') return;
    // Inline a guest keeps the VMM's thread to itself, and has to be asked for an exit.
    await this.#auto?.consider(machine, machine.inline);
  }

  /** The machine has ended for good. */
  async remove(machine: ToyMachine): Promise<void> {
    if (!this.#asked.delete(machine)) return;
    await (await this.#side)?.detach(machine.machine);
    await this.#auto?.release(machine);
  }

  report(machine: ToyMachine): DrainReport {
    const asked = this.#asked.get(machine) ?? 'doorbell';
    const choice = asked === 'auto' ? this.#auto?.choice(machine) : undefined;
    return choice
      ? { asked, place: choice.drain, reason: choice.reason }
      : { asked, place: asked === 'thread' ? 'thread' : 'doorbell', reason: 'as asked' };
  }

  async stop(): Promise<void> {
    await (await this.#side)?.stop();
    await this.#auto?.stop();
  }
}

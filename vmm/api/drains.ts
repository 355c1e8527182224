// SPDX-License-Identifier: MIT
// Selects how machines' VCMDQs are drained: each by its own setting, sharing the threads
// of each hardware.

import type { BoardMachine } from '../boards/index.ts';
import {
  AutoDrain,
  type Drainable,
  type DrainPlace,
  SideCore,
  type SideCoreOptions,
  type UnitThreads,
} from '../threads/index.ts';
import type { Drain } from './settings.ts';

/** The requested and the actual setting, and the reason. */
export interface DrainReport {
  readonly asked: Drain;
  readonly place: DrainPlace;
  readonly reason: string;
}

/** Shared by the machines of one hardware. */
class SharedDrain {
  /** Chooses for machines with the setting `auto`. */
  readonly auto = new AutoDrain(() => this.sideCore());
  readonly #threads: UnitThreads;
  readonly #options: SideCoreOptions;
  #side: Promise<SideCore> | undefined;

  constructor(threads: UnitThreads, options: SideCoreOptions) {
    this.#threads = threads;
    this.#options = options;
  }

  /**
   * The one side core, started at the first call. If the start fails, the next call tries
   * again.
   */
  sideCore(): Promise<SideCore> {
    this.#side ??= SideCore.start(this.#threads, this.#options).catch((error: unknown) => {
      this.#side = undefined;
      throw error;
    });
    return this.#side;
  }

  /**
   * The side core, if it was started. A failed start has been reported to its caller
   * already.
   */
  async started(): Promise<SideCore | undefined> {
    return await this.#side?.catch(() => undefined);
  }
}

export class Drains {
  readonly #options: SideCoreOptions;
  readonly #asked = new Map<BoardMachine, Drain>();
  /** By hardware: machines that own theirs share no thread with others. */
  readonly #shared = new Map<UnitThreads, SharedDrain>();

  constructor(options: SideCoreOptions) {
    this.#options = options;
  }

  #of({ threads }: Drainable): SharedDrain {
    const shared = this.#shared.get(threads) ?? new SharedDrain(threads, this.#options);
    this.#shared.set(threads, shared);
    return shared;
  }

  /** Called before the machine boots. */
  async add(machine: BoardMachine, asked: Drain): Promise<void> {
    this.#asked.set(machine, asked);
    const { drainable } = machine;
    if (asked !== 'thread' || !drainable) return;
    const side = await this.#of(drainable).sideCore();
    await side.attach(drainable);
  }

  /** Called when the machine is at a yield. */
  async atYield(machine: BoardMachine): Promise<void> {
    const { drainable } = machine;
    if (drainable && this.#asked.get(machine) === 'auto')
      await this.#of(drainable).auto.consider(drainable);
  }

  /** Called when the machine has ended. */
  async remove(machine: BoardMachine): Promise<void> {
    const { drainable } = machine;
    if (!this.#asked.delete(machine) || !drainable) return;
    const shared = this.#shared.get(drainable.threads);
    shared?.auto.forget(drainable);
    const side = await shared?.started();
    await side?.detach(machine.machine);
  }

  report(machine: BoardMachine): DrainReport {
    const asked = this.#asked.get(machine) ?? 'doorbell';
    const { drainable } = machine;
    if (machine.amd)
      return { asked, place: 'doorbell', reason: 'a command buffer of an AMD IOMMU' };
    if (!drainable) return { asked, place: 'doorbell', reason: 'it has no queues of its own' };
    const choice = asked === 'auto' ? this.#of(drainable).auto.choice(drainable) : undefined;
    return choice
      ? { asked, place: choice.drain, reason: choice.reason }
      : { asked, place: asked === 'thread' ? 'thread' : 'doorbell', reason: 'as asked' };
  }

  async stop(): Promise<void> {
    for (const shared of this.#shared.values()) {
      const side = await shared.started();
      await side?.stop();
    }
  }
}

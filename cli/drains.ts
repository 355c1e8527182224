// Where the machines' VCMDQs are drained, as the command line asks for it.

import type { ToyMachine } from '../vmm/boards/toy.ts';
import type { Host } from '../vmm/host/index.ts';
import { AutoDrain, type DrainPlace, type ExitServer, SideCore } from '../vmm/threads/index.ts';

/** On a thread of its own, in the guest's doorbell call, or where it pays. */
export const DRAINS = ['thread', 'doorbell', 'auto'] as const;
export type DrainOption = (typeof DRAINS)[number];

/** What was asked for, what came of it, and why. */
export interface DrainReport {
  readonly asked: DrainOption;
  readonly place: DrainPlace;
  readonly reason: string;
}

export class Drains {
  readonly #asked: DrainOption;
  /** Inline a guest keeps the VMM's thread to itself, and has to be asked for an exit. */
  readonly #requestExit: boolean;
  readonly #side: SideCore | undefined;
  readonly #auto: AutoDrain | undefined;

  static async start(asked: DrainOption, host: Host, exits: ExitServer | undefined): Promise<Drains> {
    const options = exits ? { vmm: exits.buffer } : {};
    const side = asked === 'thread' ? await SideCore.start(host, options) : undefined;
    const auto = asked === 'auto' ? await AutoDrain.create(host, options) : undefined;
    return new Drains(asked, exits === undefined, side, auto);
  }

  private constructor(asked: DrainOption, requestExit: boolean, side: SideCore | undefined, auto: AutoDrain | undefined) {
    this.#asked = asked;
    this.#requestExit = requestExit;
    this.#side = side;
    this.#auto = auto;
  }

  /** Before the machine boots. */
  async add(machine: ToyMachine): Promise<void> {
    await this.#side?.attach(machine, this.#requestExit);
  }

  async atYield(machine: ToyMachine): Promise<void> {
    await this.#auto?.consider(machine, this.#requestExit);
  }

  async stop(): Promise<void> {
    await this.#side?.stop();
    await this.#auto?.stop();
  }

  /** Of several machines, the first one's speaks for all: they run the same program. */
  report([first]: readonly ToyMachine[]): DrainReport {
    const choice = first && this.#auto?.choice(first);
    return choice
      ? { asked: this.#asked, place: choice.drain, reason: choice.reason }
      : { asked: this.#asked, place: this.#side ? 'thread' : 'doorbell', reason: 'as asked' };
  }
}

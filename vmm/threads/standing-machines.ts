// SPDX-License-Identifier: MIT
// Whether any machine of the side core can store to a queue. While none can, as all of
// them are paused, the drain sleeps for longer, until the VMM wakes it.

import type { MachineCore } from '../machine/index.ts';
import { SIDE_STANDING, SIDE_WAKE } from './control-block.ts';

export class StandingMachines {
  readonly #control: () => Int32Array;
  readonly #machines: () => readonly MachineCore[];
  /** Machines that are paused and whose vCPUs do not run. */
  readonly #standing = new WeakSet<MachineCore>();

  /**
   * @param control returns the control words of the drain that runs now.
   * @param machines returns the machines that the drain serves.
   */
  constructor(control: () => Int32Array, machines: () => readonly MachineCore[]) {
    this.#control = control;
    this.#machines = machines;
  }

  /**
   * Follows a machine from now on. Until it is paused it counts as one that can store.
   */
  watch(machine: MachineCore): void {
    this.#standing.delete(machine);
    machine.onStanding = (stands) => {
      if (stands) this.#standing.add(machine);
      else this.#standing.delete(machine);
      this.tell();
    };
    this.tell();
  }

  /** Tells the drain. To be called after a change of its machines. */
  tell(): void {
    const stand = this.#machines().every((machine) => this.#standing.has(machine));
    const before = Atomics.exchange(this.#control(), SIDE_STANDING, stand ? 1 : 0);
    if (before !== 0 && !stand) this.wake();
  }

  /**
   * Ends the drain's sleep while no machine can store. Stores nothing in guest memory.
   */
  wake(): void {
    const control = this.#control();
    Atomics.add(control, SIDE_WAKE, 1);
    Atomics.notify(control, SIDE_WAKE);
  }
}

// SPDX-License-Identifier: MIT
// Names of a host's machines: by them traces, findings and inspections tell which is which.

import { OptionsError } from './api-errors.ts';

/** The names that are taken, those of machines that are being made included. */
export class MachineNames {
  readonly #taken = new Set<string>();

  /**
   * Takes a name for a machine.
   * @param wanted undefined for the next one that is free.
   * @throws {OptionsError} when another machine has it.
   */
  take(wanted: string | undefined, index: number): string {
    let name = wanted ?? `vm${index}`;
    for (let next = index + 1; wanted === undefined && this.#taken.has(name); next++)
      name = `vm${next}`;
    if (this.#taken.has(name))
      throw new OptionsError(
        'bad-option',
        'name',
        `name must be of no other machine of the host: there is a ${JSON.stringify(name)}`,
      );
    this.#taken.add(name);
    return name;
  }

  /** The machine is gone, or could not be made. */
  release(name: string): void {
    this.#taken.delete(name);
  }
}

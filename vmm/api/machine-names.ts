// SPDX-License-Identifier: MIT
// Names of a host's machines, which identify them in traces, findings and inspections.

import { OptionsError } from './api-errors.ts';

/** The names in use, including those of machines that are being created. */
export class MachineNames {
  readonly #taken = new Set<string>();

  /**
   * Reserves a name for a machine.
   * @param wanted undefined for the next free one.
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

  /** The machine was destroyed, or could not be created. */
  release(name: string): void {
    this.#taken.delete(name);
  }
}

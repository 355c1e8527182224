// Checks of a run: what the guests report, and what their host sees of them.

import type { ToyMachine } from '../vmm/boards/toy.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Checks that guests send through their checkpoint device. With several machines each name says whose it is. */
export class Checks {
  readonly all: Check[] = [];
  readonly #machines: number;

  constructor(machines: number) {
    this.#machines = machines;
  }

  add(machine: number, check: Check): void {
    this.all.push(this.#machines === 1 ? check : { ...check, name: `vm${machine}: ${check.name}` });
  }
}

/** A machine has to end by itself, with exit code 0. */
export function endChecks(machines: readonly ToyMachine[]): Check[] {
  return machines.map(({ machine }) => {
    const { status, exitCode, error, stopReason } = machine;
    const detail = error?.message ?? stopReason ?? (exitCode === 0 ? '' : `exit code ${exitCode}`);
    return { name: `${machine.name} ran to its end`, ok: status === 'off' && exitCode === 0, detail };
  });
}

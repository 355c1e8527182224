// Checks of a run: what the guests report, and what their host sees of them.

import type { Host, MachineEnd } from '../api/index.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Checks of a run that are kept; a guest may report them for ever. */
const MOST_CHECKS = 4096;

/** Checks that guests send through their checkpoint device. With several machines each name says whose it is. */
export class Checks {
  readonly #kept: Check[] = [];
  /** Those beyond the ones that are kept. */
  #further = 0;
  #furtherFailed = 0;
  readonly #machines: number;
  readonly #onKept: ((check: Check) => void) | undefined;

  /** @param onKept called with each check that is kept. */
  constructor(machines: number, onKept?: (check: Check) => void) {
    this.#machines = machines;
    this.#onKept = onKept;
  }

  add(machine: number, check: Check): void {
    if (this.#machines === 1) this.#keep(check);
    else this.addOf(`vm${machine}`, check);
  }

  /** A check of a machine that is there beside those of the run. */
  addOf(machine: string, check: Check): void {
    this.#keep({ ...check, name: `${machine}: ${check.name}` });
  }

  #keep(check: Check): void {
    if (this.#kept.length < MOST_CHECKS) {
      this.#kept.push(check);
      this.#onKept?.(check);
      return;
    }
    this.#further++;
    if (!check.ok) this.#furtherFailed++;
  }

  /** The first 4096 as they came; what came after them is one check more. */
  get all(): readonly Check[] {
    if (this.#further === 0) return this.#kept;
    const further = {
      name: `${this.#further} further checks`,
      ok: this.#furtherFailed === 0,
      detail: `${this.#furtherFailed} of them failed`,
    };
    return [...this.#kept, further];
  }
}

/** A machine has to end by itself, with exit code 0. */
export function endCheck(name: string, { status, exitCode, reason }: MachineEnd): Check {
  const detail = reason !== '' || exitCode === 0 ? reason : `exit code ${exitCode}`;
  return { name: `${name} ran to its end`, ok: status === 'off' && exitCode === 0, detail };
}

/** With `--check`: no cached entry was used that its guest should have invalidated. */
export function sanitizerChecks({ findings, statistics }: Host): Check[] {
  const { sanitizer } = statistics;
  if (!sanitizer) return [];
  const { compared, suspects, lost } = sanitizer;
  const more = lost > 0 ? `, ${lost} were lost` : '';
  const found = `${findings.length} of ${suspects} suspects were never invalidated${more}`;
  return [
    {
      name: 'sanitizer: no forgotten invalidation',
      ok: findings.length === 0,
      detail: `${compared} hits compared, ${found}`,
    },
  ];
}

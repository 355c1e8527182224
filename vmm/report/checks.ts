// Checks of a run: what the guests report, and what their host sees of them.

import type { Host, MachineEnd } from '../api/index.ts';

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
export function endCheck(name: string, { status, exitCode, reason }: MachineEnd): Check {
  const detail = reason !== '' || exitCode === 0 ? reason : `exit code ${exitCode}`;
  return { name: `${name} ran to its end`, ok: status === 'off' && exitCode === 0, detail };
}

/** With `--check`: no cached entry was used that its guest should have invalidated. */
export function sanitizerChecks({ findings, statistics }: Host): Check[] {
  const { sanitizer } = statistics;
  if (!sanitizer) return [];
  const { compared, suspects, lost } = sanitizer;
  const found = `${findings.length} of ${suspects} suspects were never invalidated${lost > 0 ? `, ${lost} were lost` : ''}`;
  return [
    {
      name: 'sanitizer: no forgotten invalidation',
      ok: findings.length === 0,
      detail: `${compared} hits compared, ${found}`,
    },
  ];
}

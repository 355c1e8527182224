// SPDX-License-Identifier: MIT
// Checks of a run: those that guests report, and those of their host.

import type { Host, Machine, MachineEnd } from '../api/index.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Maximum number of checks that are kept; a guest may report any number. */
const MOST_CHECKS = 4096;

/**
 * Checks that guests send through their checkpoint device. With several machines each
 * name includes its machine.
 */
export class Checks {
  readonly #kept: Check[] = [];
  /** Number of further checks. */
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

  /** Adds a check of a machine that is not one of the run. */
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

  /** The first 4096 in order; the rest are summarized in one more check. */
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

/**
 * Each VCMDQ and ECMDQ that a guest has brought up has completed a CMD_SYNC, by the
 * host's counters: a driver that uses one queue in place of all would not notice.
 */
export function queueChecks(machines: readonly Machine[]): Check[] {
  const queues = machines
    .flatMap((machine) => machine.inspect())
    .flatMap((smmu) => [...smmu.queues, ...(smmu.vintf?.queues ?? [])])
    .filter(({ name, allocated }) => name !== 'CMDQ' && allocated);
  if (queues.length === 0) return [];
  const served = queues.filter(({ syncs }) => syncs > 0).length;
  return [
    {
      name: 'every queue has served its guest',
      ok: served === queues.length,
      detail: `${served} of ${queues.length} VCMDQs and ECMDQs have completed a CMD_SYNC`,
    },
  ];
}

/**
 * No cached entry was used that its guest should have invalidated.
 * @param required there must be a sanitizer, and it must have compared entries: an absent
 *   one finds nothing either.
 */
export function sanitizerChecks({ findings, statistics }: Host, required: boolean): Check[] {
  const { sanitizer } = statistics;
  if (!sanitizer && !required) return [];
  const { compared, suspects, lost } = sanitizer ?? { compared: 0, suspects: 0, lost: 0 };
  const more = lost > 0 ? `, ${lost} were lost` : '';
  const found = `${findings.length} of ${suspects} suspects were never invalidated${more}`;
  return [
    ...(required
      ? [{ name: 'sanitizer: looks on', ok: compared > 0, detail: `${compared} hits compared` }]
      : []),
    {
      name: 'sanitizer: no forgotten invalidation',
      ok: findings.length === 0,
      detail: `${compared} hits compared, ${found}`,
    },
  ];
}

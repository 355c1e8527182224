// SPDX-License-Identifier: MIT
// The isolation oracle: while one machine attacks, nothing that another machine has in
// the host or in its memory may change.

import { CHECKPOINT_PHASE_ATTACK } from '../../assembly/layout/checkpoint-registers.ts';
import type { Machine } from '../api/index.ts';
import { FOOTPRINT_KINDS, type FootprintKind, type MachineFootprint } from '../inspect/index.ts';
import type { Check } from './checks.ts';

/** Observations of one kind of a victim's state, over all attacks. */
interface Record {
  readonly victim: string;
  readonly kind: FootprintKind;
  attacks: number;
  /** The lowest count before an attack: nothing can be lost if there was nothing. */
  fewest: number;
  /** How often a comparison has found a change. */
  changed: number;
}

/** The parts of a machine that the oracle reads. */
export type WatchedMachine = Pick<Machine, 'name' | 'status' | 'footprint'>;

/** The state of a stopped machine before another one began to attack. */
interface Standing {
  readonly before: MachineFootprint;
  readonly status: Machine['status'];
  /** Attacks that have ended since. */
  attacks: number;
}

/**
 * A footprint reads all of a machine's memory. So it is taken once before all the attacks
 * during which a machine is stopped, and once after them, before it runs again: once per
 * run of the machine, not once for each pair of machines.
 */
export class IsolationOracle {
  /** The machine that attacks now; the others must not run. */
  attacker: WatchedMachine | undefined;
  readonly #standing = new Map<WatchedMachine, Standing>();
  readonly #records = new Map<string, Record>();

  /** A phase of machine `index`, reported by its checkpoint device. */
  phase(machines: readonly WatchedMachine[], index: number, phase: number, ended: boolean): void {
    if (phase !== CHECKPOINT_PHASE_ATTACK) return;
    const self = machines[index];
    if (!ended) {
      this.attacker = self;
      for (const other of machines) {
        if (other === self || this.#standing.has(other)) continue;
        const { status } = other;
        this.#standing.set(other, { before: other.footprint(), status, attacks: 0 });
      }
    } else if (this.attacker === self) {
      for (const standing of this.#standing.values()) standing.attacks++;
      this.attacker = undefined;
    }
  }

  /**
   * A machine is about to run: compares its footprint with that from before the attacks.
   */
  runs(machine: WatchedMachine): void {
    const standing = this.#standing.get(machine);
    if (!standing) return;
    this.#standing.delete(machine);
    if (standing.attacks > 0) this.#compare(machine, standing);
  }

  /**
   * No machine runs any more. Those that were stopped in the meantime have returned what
   * they had.
   */
  finish(): void {
    for (const [machine, { status }] of [...this.#standing]) {
      if (machine.status === status) this.runs(machine);
      else this.#standing.delete(machine);
    }
  }

  #compare(target: WatchedMachine, { before, attacks }: Standing): void {
    const after = target.footprint();
    for (const kind of FOOTPRINT_KINDS) {
      const record = this.#record(target.name, kind);
      record.attacks += attacks;
      record.fewest = Math.min(record.fewest, before[kind].count);
      if (before[kind].count !== after[kind].count || before[kind].hash !== after[kind].hash)
        record.changed++;
    }
  }

  #record(victim: string, kind: FootprintKind): Record {
    const key = `${kind} ${victim}`;
    const record = this.#records.get(key) ?? {
      victim,
      kind,
      attacks: 0,
      fewest: Infinity,
      changed: 0,
    };
    this.#records.set(key, record);
    return record;
  }

  /**
   * One check for each kind and victim. With `required`, the absence of attacks is a
   * failure too.
   * @param loses a kind of which a machine has to lose something, because of the host's
   *   fault.
   */
  checks(required: boolean, loses?: FootprintKind): Check[] {
    if (required && this.#records.size === 0) {
      return [
        {
          name: 'isolation: machines attack each other',
          ok: false,
          detail: 'no machine reported an attack',
        },
      ];
    }
    const records = [...this.#records.values()];
    const lost = records.filter(({ kind, changed }) => kind === loses && changed > 0);
    const fault = {
      name: `isolation: ${loses}: the host's fault takes them from a neighbour`,
      ok: lost.length > 0,
      detail: lost.map(({ victim }) => `${victim} lost some`).join(', '),
    };
    const kept = records.filter(({ kind }) => kind !== loses);
    const checks = kept.map(({ victim, kind, attacks, fewest, changed }) => ({
      name: `isolation: ${kind}: ${victim} lost nothing`,
      ok: fewest > 0 && changed === 0,
      detail:
        `${attacks} attacks on at least ${fewest} ` +
        `${kind === 'guest memory' ? 'bytes' : kind}, ${changed} changed something`,
    }));
    return loses === undefined ? checks : [fault, ...checks];
  }
}

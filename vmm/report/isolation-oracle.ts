// The isolation oracle: while one machine attacks, nothing that another one has in the
// host or in its memory may change.

import { CHECKPOINT_PHASE_ATTACK } from '../../assembly/layout/checkpoint-registers.ts';
import type { Machine } from '../api/index.ts';
import { FOOTPRINT_KINDS, type FootprintKind, type MachineFootprint } from '../inspect/index.ts';
import type { Check } from './checks.ts';

/** What has been seen of one kind of a victim's things, over all attacks. */
interface Record {
  readonly victim: string;
  readonly kind: FootprintKind;
  attacks: number;
  /** Fewest that there were before an attack: nothing can be lost where there was nothing. */
  fewest: number;
  changed: number;
}

interface Watched {
  readonly target: Machine;
  readonly before: MachineFootprint;
}

export class IsolationOracle {
  /** The machine that attacks now; the others have to stand still. */
  attacker: Machine | undefined;
  #watched: Watched[] = [];
  readonly #records = new Map<string, Record>();

  /** A phase of machine `index`, as its checkpoint device reports it. */
  phase(machines: readonly Machine[], index: number, phase: number, ended: boolean): void {
    if (phase !== CHECKPOINT_PHASE_ATTACK) return;
    const self = machines[index];
    if (!ended) {
      this.attacker = self;
      this.#watched = machines
        .filter((other) => other !== self)
        .map((target) => ({ target, before: target.footprint() }));
    } else if (this.attacker === self) {
      for (const watched of this.#watched) this.#compare(watched);
      this.#watched = [];
      this.attacker = undefined;
    }
  }

  #compare({ target, before }: Watched): void {
    const after = target.footprint();
    for (const kind of FOOTPRINT_KINDS) {
      const record = this.#record(target.name, kind);
      record.attacks++;
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

  /** One check for each kind and victim. With `required`, that there were no attacks at all is a failure too. */
  checks(required: boolean): Check[] {
    if (required && this.#records.size === 0) {
      return [
        {
          name: 'isolation: machines attack each other',
          ok: false,
          detail: 'no machine reported an attack',
        },
      ];
    }
    return [...this.#records.values()].map(({ victim, kind, attacks, fewest, changed }) => ({
      name: `isolation: ${kind}: ${victim} lost nothing`,
      ok: fewest > 0 && changed === 0,
      detail:
        `${attacks} attacks on at least ${fewest} ` +
        `${kind === 'guest memory' ? 'bytes' : kind}, ${changed} changed something`,
    }));
  }
}

// The report of a run: what --json prints.

import { type DrainReport, EXIT_KINDS, type ExitKind, type Machine, type Transport } from '../vmm/api/index.ts';
import type { Check } from './checks.ts';
import type { Measurements, PathFigures } from './measurements.ts';

/** What ran where. */
export interface Placement {
  readonly drain: DrainReport;
  readonly transport: Transport;
}

export interface PathReport extends PathFigures {
  /** Where commands are carried out: in the guest's doorbell call, on the drain's thread, or at the exit that the guest's PROD store causes. */
  readonly drain: DrainReport['place'] | 'exit';
  readonly transport: Placement['transport'];
}

export interface Report {
  /** Every check holds. Times have no part in it. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly exits: {
    readonly total: number;
    readonly byKind: Readonly<{ [kind in ExitKind]: number }>;
    readonly byRegister: Readonly<{ [register: string]: number }>;
  };
  readonly vcmdq: {
    /** VCMDQs that the machines have. */
    readonly queues: number;
    readonly commands: number;
    readonly syncs: number;
    readonly doorbellCalls: number;
    /** Exits of any kind while a guest's batch was on the direct path. */
    readonly exitsDuringInvalidation: number;
  };
  readonly paths: readonly PathReport[];
  readonly drain: DrainReport;
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

export function buildReport(
  checks: readonly Check[],
  machines: readonly Machine[],
  measurements: Measurements,
  placement: Placement,
): Report {
  const statistics = machines.map((machine) => machine.statistics);
  const exits = statistics.map((counts) => counts.exits);
  const vcmdqs = statistics.map((counts) => counts.vcmdq);
  const byRegister: { [register: string]: number } = {};
  for (const { byRegister: counts } of exits) {
    for (const [register, count] of Object.entries(counts)) byRegister[register] = (byRegister[register] ?? 0) + count;
  }
  return {
    ok: checks.every(({ ok }) => ok),
    checks,
    exits: {
      total: sumOf(exits, ({ total }) => total),
      byKind: Object.fromEntries(EXIT_KINDS.map((kind) => [kind, sumOf(exits, ({ byKind }) => byKind[kind])])) as {
        [kind in ExitKind]: number;
      },
      byRegister,
    },
    vcmdq: {
      queues: sumOf(vcmdqs, ({ queues }) => queues),
      commands: sumOf(vcmdqs, ({ commands }) => commands),
      syncs: sumOf(vcmdqs, ({ syncs }) => syncs),
      doorbellCalls: sumOf(vcmdqs, ({ doorbellCalls }) => doorbellCalls),
      exitsDuringInvalidation: sumOf(exits, ({ duringInvalidation }) => duringInvalidation),
    },
    paths: measurements.figures().map(({ path, ...figures }) => ({
      path,
      drain: path === 'direct' ? placement.drain.place : 'exit',
      transport: placement.transport,
      ...figures,
    })),
    drain: placement.drain,
  };
}

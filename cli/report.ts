// SPDX-License-Identifier: MIT
// The report of a run, in the form that --json prints.

import {
  type DrainReport,
  EXIT_KINDS,
  type ExitKind,
  type Finding,
  type Host,
  type Machine,
  type SanitizerCounts,
  type SmmuRefusal,
  type Transport,
  type UnadvertisedUse,
} from '../vmm/api/index.ts';
import type { Check } from '../vmm/report/checks.ts';
import type { Measurements, PathFigures, QueuePath } from '../vmm/report/measurements.ts';

/** Where vCPUs and the drain ran. */
export interface ReportPlacement {
  readonly drain: DrainReport;
  readonly transport: Transport;
  /** False: every register access traps. */
  readonly directMaps: boolean;
}

export interface PathReport extends PathFigures {
  /**
   * Where commands are executed: in the guest's doorbell call, on the drain's thread, or in
   * the exit that the guest's store to PROD causes.
   */
  readonly drain: DrainReport['place'] | 'exit';
  readonly transport: ReportPlacement['transport'];
}

export interface WayReport {
  readonly path: QueuePath;
  readonly commands: number;
  /** Commands whose VMID or StreamID the drain replaced. */
  readonly rewritten: number;
  /** Commands that waited for the host. */
  readonly interventions: number;
  /** Exits for invalidations of translations through these queues. */
  readonly exits: number;
}

export interface Report {
  /** All checks pass, regardless of times. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly exits: {
    readonly total: number;
    /** Those for invalidations of translations: the sum of those of `ways`. */
    readonly duringInvalidation: number;
    readonly byKind: Readonly<{ [kind in ExitKind]: number }>;
    readonly byRegister: Readonly<{ [register: string]: number }>;
  };
  readonly vcmdq: {
    /** Number of VCMDQs, or ECMDQs, of the machines. */
    readonly queues: number;
    readonly commands: number;
    readonly syncs: number;
    readonly doorbellCalls: number;
  };
  readonly paths: readonly PathReport[];
  /** Commands of all machines by path, without those of the guests' measurements. */
  readonly ways: readonly WayReport[];
  readonly drain: DrainReport;
  /** With --check: counts and findings of the sanitizer. */
  readonly sanitizer?: SanitizerCounts & {
    readonly findings: readonly Finding[];
    readonly unadvertised: readonly UnadvertisedUse[];
    readonly refusals: readonly MachineRefusal[];
  };
}

/** The reason why the SMMU of a machine's guest has refused a stream. */
export type MachineRefusal = SmmuRefusal & { readonly machine: string };

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function waysOf(machines: readonly Machine[], directMaps: boolean): WayReport[] {
  const ways = machines.flatMap((machine): WayReport[] => {
    const { vcmdq, exits } = machine.statistics;
    const smmus = machine.inspect();
    const own = smmus.flatMap(({ queues, overlay, counts }): WayReport[] =>
      queues
        .filter(({ name }) => name === 'CMDQ')
        .map((cmdq) => ({
          path: overlay ? 'overlay' : 'trapped',
          commands: cmdq.commands,
          rewritten: cmdq.rewrites,
          interventions: counts.interventions,
          exits: 0,
        })),
    );
    const direct = machine.queues === 'ecmdq' ? 'ecmdq' : 'direct';
    return [
      {
        path: directMaps ? direct : 'trapped',
        commands: vcmdq.commands,
        rewritten: vcmdq.rewrites,
        interventions: 0,
        exits: exits.duringDirect,
      },
      {
        path: smmus.some(({ overlay }) => overlay) ? 'overlay' : 'trapped',
        commands: 0,
        rewritten: 0,
        interventions: 0,
        exits: exits.duringInvalidation - exits.duringDirect,
      },
      ...own,
    ];
  });
  return (['direct', 'ecmdq', 'trapped', 'overlay'] as const).flatMap((path) => {
    const same = ways.filter((way) => way.path === path);
    const commands = sumOf(same, (way) => way.commands);
    const exits = sumOf(same, (way) => way.exits);
    if (commands === 0 && exits === 0) return [];
    return {
      path,
      commands,
      rewritten: sumOf(same, (w) => w.rewritten),
      interventions: sumOf(same, (w) => w.interventions),
      exits,
    };
  });
}

export function buildReport(
  checks: readonly Check[],
  { machines, statistics: { sanitizer }, findings, unadvertised }: Host,
  measurements: Measurements,
  placement: ReportPlacement,
  refusals: readonly MachineRefusal[],
): Report {
  const statistics = machines.map((machine) => machine.statistics);
  const exits = statistics.map((counts) => counts.exits);
  const vcmdqs = statistics.map((counts) => counts.vcmdq);
  const byRegister: { [register: string]: number } = {};
  for (const { byRegister: counts } of exits) {
    for (const [register, count] of Object.entries(counts))
      byRegister[register] = (byRegister[register] ?? 0) + count;
  }
  return {
    ok: checks.every(({ ok }) => ok),
    checks,
    exits: {
      total: sumOf(exits, ({ total }) => total),
      duringInvalidation: sumOf(exits, ({ duringInvalidation }) => duringInvalidation),
      byKind: Object.fromEntries(
        EXIT_KINDS.map((kind) => [kind, sumOf(exits, ({ byKind }) => byKind[kind])]),
      ) as {
        [kind in ExitKind]: number;
      },
      byRegister,
    },
    vcmdq: {
      queues: sumOf(vcmdqs, ({ queues }) => queues),
      commands: sumOf(vcmdqs, ({ commands }) => commands),
      syncs: sumOf(vcmdqs, ({ syncs }) => syncs),
      doorbellCalls: sumOf(vcmdqs, ({ doorbellCalls }) => doorbellCalls),
    },
    paths: measurements.figures().map(({ path, ...figures }) => ({
      path,
      drain: path === 'trapped' || path === 'arm64-trapped' ? 'exit' : placement.drain.place,
      transport: placement.transport,
      ...figures,
    })),
    ways: waysOf(machines, placement.directMaps),
    drain: placement.drain,
    ...(sanitizer ? { sanitizer: { ...sanitizer, findings, unadvertised, refusals } } : {}),
  };
}

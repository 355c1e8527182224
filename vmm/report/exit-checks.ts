// SPDX-License-Identifier: MIT
// Checks of a run about exits, from the guests' counts, the exit counter, and the counts
// at the import objects.

import type { Machine } from '../api/index.ts';
import type { Check } from './checks.ts';
import type { MeasuredPath, Measurements } from './measurements.ts';

/**
 * Minimum number of exits of a batch on the trapped path: a store of CMDQ_PROD, a load of
 * CMDQ_CONS.
 */
const TRAPPED_EXITS = 2;

function sum(machines: readonly Machine[], value: (machine: Machine) => number): number {
  return machines.reduce((total, machine) => total + value(machine), 0);
}

const overlays = (machine: Machine) => machine.inspect().some(({ overlay }) => overlay);
const duringCmdq = ({ statistics }: Machine) => statistics.imports?.duringCmdq ?? 0;

/** Exits during the batches of a path, by counter. */
interface Counts {
  /**
   * From the exit counter, over all batches of the run; undefined when it does not count
   * these separately.
   */
  readonly host?: number;
  /**
   * At the import objects, over the same batches or, on the CMDQ, over those of the
   * measurement.
   */
  readonly imports: number;
}

function measuredCheck(
  measurements: Measurements,
  path: MeasuredPath,
  name: string,
  { host, imports }: Counts,
  holds: (exits: number, batches: number) => boolean,
): Check[] {
  if (!measurements.rows.some((row) => row.path === path)) return [];
  const { batches, exits } = measurements.batchesOf(path);
  const counts = [exits, ...(host === undefined ? [] : [host]), imports];
  const byHost =
    host === undefined ? '' : `, ${host} by the host in all ${path} batches of the run`;
  return [
    {
      name,
      ok: batches > 0 && counts.every((count) => holds(count, batches)),
      detail:
        `${batches} measured batches: ${exits} exits counted by the guest${byHost}, ` +
        `${imports} at the import objects`,
    },
  ];
}

function noExits(measurements: Measurements, path: MeasuredPath, counts: Counts): Check[] {
  const name = `0 exits during ${path}-path batches`;
  return measuredCheck(measurements, path, name, counts, (exits) => exits === 0);
}

/**
 * The call at which a machine is stopped is not an exit any more: its counts may differ.
 */
const wasCut = ({ status }: Machine) => status === 'stopped' || status === 'failed';

/** Checks that both counts of a machine's exits are equal. */
function agreement(machines: readonly Machine[]): Check[] {
  const counted = machines.filter((one) => one.statistics.imports && !wasCut(one));
  if (counted.length === 0) return [];
  const total = ({ statistics }: Machine) => statistics.exits.total;
  const calls = ({ statistics }: Machine) => statistics.imports?.total ?? 0;
  return [
    {
      name: 'every exit is counted',
      ok: counted.every((machine) => total(machine) === calls(machine) && calls(machine) > 0),
      detail:
        `${sum(counted, total)} exits by the exit counter, ${sum(counted, calls)} calls at the ` +
        'import objects',
    },
  ];
}

/**
 * No exit between the first doorbell and the last completion of a direct or overlaid
 * batch, two or more in each trapped one: by the guests' count, by their host's, and by
 * an independent one.
 */
export function exitChecks(measurements: Measurements, machines: readonly Machine[]): Check[] {
  const of = (queues: Machine['queues']): Counts => {
    const same = machines.filter((machine) => machine.queues === queues);
    return {
      host: sum(same, ({ statistics }) => statistics.exits.duringDirect),
      imports: sum(same, ({ statistics }) => statistics.imports?.duringDirect ?? 0),
    };
  };
  if (measurements.rows.length === 0) {
    const detail = 'no machine reported a measurement';
    return [{ name: 'the paths were measured', ok: false, detail }, ...agreement(machines)];
  }
  const overlaid = machines.filter(overlays);
  const trapped = machines.filter((machine) => !overlays(machine));
  return [
    ...noExits(measurements, 'direct', of('vcmdq')),
    ...noExits(measurements, 'ecmdq', of('ecmdq')),
    ...noExits(measurements, 'overlay', { imports: sum(overlaid, duringCmdq) }),
    ...measuredCheck(
      measurements,
      'trapped',
      `at least ${TRAPPED_EXITS} exits in each trapped-path batch`,
      { imports: sum(trapped, duringCmdq) },
      (exits, batches) => exits >= TRAPPED_EXITS * batches,
    ),
    ...agreement(machines),
  ];
}

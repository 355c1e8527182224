// SPDX-License-Identifier: MIT
// `npm run soak -- --minutes N`: eight VMs of one host that are created, run and
// destroyed repeatedly, each with a random guest, some with faults. Nothing of them may
// remain: RSS, workers and handles do not grow; the sanitizer finds nothing in guests
// that omit no invalidation; and between rounds, core and reference walker agree.
// Otherwise one line and status 1; 2 for bad options.

import { Random } from '../../devices/testing/index.ts';
import { Host, type HostFaults, type Machine } from '../../vmm/api/index.ts';
import { median } from '../support/median.ts';
import { FuzzUsageError } from './fuzz-options.ts';
import { type SoakGuest, soakGuests } from './soak-guests.ts';
import { soakOptions, soakUsage } from './soak-options.ts';
import { ensure, type Fuzzer, FuzzFinding } from './target.ts';
import { abi } from './targets/abi.ts';
import { tables } from './targets/tables.ts';

const VMS = 8;
/** Rounds before the first measurement: code is compiled, pools are filled. */
const WARM_UP = 3;
/** Limit of the last rounds' RSS above that of the first ones, in MiB. */
const MOST_GROWTH_MIB = 64;
const MIB = 2 ** 20;

/** Resources of this process that must not grow. */
interface Footprint {
  readonly rss: number;
  readonly handles: number;
  readonly vms: number;
  readonly ramInUse: number;
}

/** Creates, runs and destroys the machines of a round. Counts their kinds. */
async function round(host: Host, draw: () => SoakGuest[], seen: Map<string, number>) {
  const machines: Machine[] = [];
  const runs: Promise<void>[] = [];
  const guests = draw();
  for (const { options } of guests) machines.push(await host.createMachine(options));
  for (const [i, { kind, run }] of guests.entries()) {
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    const machine = machines[i];
    if (machine) runs.push(run(machine));
  }
  await Promise.all(runs);
  for (const machine of machines) await machine.destroy();
}

async function measure(host: Host): Promise<Footprint> {
  // Garbage is collected only when needed; `--expose-gc` allows a full collection.
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { vms, ramInUse } = host.statistics;
  const handles = process.getActiveResourcesInfo().length;
  return { rss: process.memoryUsage.rss() / MIB, handles, vms, ramInUse };
}

function compare(seen: readonly Footprint[]): void {
  const third = Math.max(1, Math.floor(seen.length / 3));
  const part = (from: number, to?: number) => seen.slice(from, to);
  const [early, late] = [part(0, third), part(-third)];
  for (const key of ['handles', 'vms', 'ramInUse'] as const) {
    // The minimum: a leak is never released, but a timer or a port that is being closed
    // is.
    const [before = 0, after = 0] = [early, late].map((some) =>
      Math.min(...some.map((one) => one[key])),
    );
    ensure(after <= before, () => `${key} grow from ${before} to ${after}`);
  }
  const [before = 0, after = 0] = [early, late].map((some) => median(some.map(({ rss }) => rss)));
  ensure(
    after - before <= MOST_GROWTH_MIB,
    () => `RSS grows from ${before.toFixed(0)} to ${after.toFixed(0)} MiB`,
  );
}

/** @returns the summary line. */
async function soak(minutes: number, seed: number): Promise<string> {
  const random = new Random(seed);
  const faults: HostFaults = { drainLifetime: 2000 };
  const host = await Host.create({ iotlbCheck: true, faults });
  const others: readonly Fuzzer[] = [await tables.create(), await abi.create()];
  const drawGuest = await soakGuests((why) => console.log(`soak: left out: ${why}`));
  const draw = () => Array.from({ length: VMS }, (_, i) => drawGuest(random, i));
  const kinds = new Map<string, number>();
  const seen: Footprint[] = [];
  const end = performance.now() + minutes * 60_000;
  let rounds = 0;
  for (; seen.length < WARM_UP || performance.now() < end; rounds++) {
    await round(host, draw, kinds);
    for (const other of others) await other.run(random.word());
    if (rounds >= WARM_UP) seen.push(await measure(host));
  }
  compare(seen);
  await host.destroy();
  const [last] = seen.slice(-1);
  const guests = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return `${rounds} rounds of ${VMS} machines (${guests}), ${last?.rss.toFixed(0)} MiB, ${last?.handles} handles`;
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = soakOptions(args);
    if (!options) process.stdout.write(soakUsage());
    else console.log(`soak: ${await soak(options.minutes, options.seed)}`);
    return 0;
  } catch (error) {
    if (error instanceof FuzzUsageError) {
      console.error(`soak: ${error.message}`);
      return 2;
    }
    if (!(error instanceof FuzzFinding)) throw error;
    console.error(`soak: ${error.message}`);
    return 1;
  }
}

process.exit(await main(process.argv.slice(2)));

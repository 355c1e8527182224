// SPDX-License-Identifier: MIT
// `npm run soak -- --minutes N`: eight VMs of one host that are made, run and destroyed again and again, each with a random guest, some with
// faults. Afterwards nothing is left of them: RSS, workers and handles do not grow; the sanitizer has found nothing in guests that forget
// nothing; and between rounds core and reference walker agree. One line, and status 1, when it is otherwise; 2 for bad options.

import { Random } from '../../devices/testing/index.ts';
import { toyGuest } from '../../guest-driver/index.ts';
import { Host, type HostFaults, type Machine, type MachineOptions } from '../../vmm/api/index.ts';
import { median } from '../support/median.ts';
import { FuzzUsageError } from './fuzz-options.ts';
import { soakOptions, soakUsage } from './soak-options.ts';
import { ensure, type Fuzzer, FuzzFinding } from './target.ts';
import { abi } from './targets/abi.ts';
import { tables } from './targets/tables.ts';

const VMS = 8;
/** Rounds before anything is measured: code is compiled, pools are filled. */
const WARM_UP = 3;
/** What the last rounds' RSS may be above the first ones', in MiB. */
const MOST_GROWTH_MIB = 64;
/** A machine that runs longer than this does not end. */
const MACHINE_MS = 120_000;
const MIB = 2 ** 20;
/** A check that a drain which is killed breaks: whoever waits long enough for CONS looks whether the host has to say something. */
const NO_EXITS = 'no-exits-direct';
const PATHS = ['path=trapped', 'path=direct'];

/** Kinds of things of this process that are not to grow. */
interface Footprint {
  readonly rss: number;
  readonly handles: number;
  readonly vms: number;
  readonly ramInUse: number;
}

/** A guest and how it runs; half of them on a bad day. */
function machineOptions(random: Random, index: number): MachineOptions {
  // The first one has the host's one side core start in the first round.
  const threads = index === 0 ? 0 : random.below(3);
  const badDay = random.below(2) === 0;
  const faults = {
    lateCons: random.below(3),
    lateInterrupts: random.below(3),
    fetchAborts: random.pick([0, 0, 20, 100]),
  };
  return {
    guest: toyGuest,
    // The direct path needs page 0 mapped, which it is not on a bad day.
    args: [badDay ? 'path=trapped' : random.pick(PATHS), 'rounds=1', 'warmup=0'],
    memory: 32,
    transport: threads === 0 ? 'mailbox' : 'inline',
    drain:
      threads === 0
        ? index === 0
          ? 'thread'
          : random.pick(['doorbell', 'thread'] as const)
        : 'doorbell',
    ...(badDay ? { faults } : {}),
  };
}

async function runMachine(machine: Machine, random: Random): Promise<void> {
  // One in four is stopped somewhere on its way.
  const stops = random.below(4) === 0;
  const signal = AbortSignal.timeout(stops ? random.below(300) : MACHINE_MS);
  const failed: string[] = [];
  machine.on('check', ({ name, ok }) => {
    if (!ok && name !== NO_EXITS) failed.push(name);
  });
  // One that is stopped may have changed its tables and not yet sent what belongs to that.
  if (!stops) machine.on('finding', ({ text }) => failed.push(text));
  await machine.boot({ signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  if (machine.status === 'new') return;
  const { status, exitCode, reason } = await machine.wait();
  const ended = (status === 'off' && exitCode === 0) || (stops && status === 'stopped');
  ensure(
    ended && failed.length === 0,
    () => `${machine.name} is ${status} ${exitCode} ${reason}: ${failed.join()}`,
  );
}

/** Makes, runs and destroys the machines of a round. */
async function round(host: Host, random: Random): Promise<void> {
  const machines: Machine[] = [];
  for (let i = 0; i < VMS; i++) machines.push(await host.createMachine(machineOptions(random, i)));
  await Promise.all(machines.map((machine) => runMachine(machine, random)));
  for (const machine of machines) await machine.destroy();
}

async function measure(host: Host): Promise<Footprint> {
  // What has ended is collected when there is need; a full collection is what `--expose-gc` is for.
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
    // The least: what leaks is never given back, a timer or a port that is on its way out is.
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

/** @returns the line that says what was done. */
async function soak(minutes: number, seed: number): Promise<string> {
  const random = new Random(seed);
  const faults: HostFaults = { drainLifetime: 2000 };
  const host = await Host.create({ iotlbCheck: true, faults });
  const others: readonly Fuzzer[] = [await tables.create(), await abi.create()];
  const seen: Footprint[] = [];
  const end = performance.now() + minutes * 60_000;
  let rounds = 0;
  for (; seen.length < WARM_UP || performance.now() < end; rounds++) {
    await round(host, random);
    for (const other of others) await other.run(random.word());
    if (rounds >= WARM_UP) seen.push(await measure(host));
  }
  compare(seen);
  await host.destroy();
  const [last] = seen.slice(-1);
  return `${rounds} rounds of ${VMS} machines, ${last?.rss.toFixed(0)} MiB, ${last?.handles} handles`;
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

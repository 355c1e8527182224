// `vsmmu boot`: machines on one host, run in turn until all have ended, and the report on them.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { createToyMachine, type ToyMachine } from '../vmm/boards/toy.ts';
import { Host } from '../vmm/host/index.ts';
import { type GuestImage, loadGuestImage } from '../vmm/machine/index.ts';
import { ExitServer } from '../vmm/threads/index.ts';
import { Checks, endChecks } from './checks.ts';
import { Consoles } from './consoles.ts';
import { type DrainOption, Drains } from './drains.ts';
import { IsolationOracle } from './isolation-oracle.ts';
import { exitChecks, Measurements } from './measurements.ts';
import { buildReport } from './report.ts';
import { reportText } from './report-text.ts';

/** Where guests run: on the VMM's thread, or each vCPU on its own with its exits in a mailbox. */
export const TRANSPORTS = ['inline', 'mailbox'] as const;
export const PATHS = ['all', 'direct', 'trapped'] as const;
/** VINTFs of the host's CMDQV, less the host's own. */
export const MAX_VMS = 15;

export interface BootOptions {
  readonly path: (typeof PATHS)[number];
  readonly drain: DrainOption;
  readonly transport: (typeof TRANSPORTS)[number];
  /** vCPUs of each machine; default 1. */
  readonly vcpus: number;
  /** Machines on the host; default 2 for the toy, which attacks its neighbour, and 1 for other guests. */
  readonly vms?: number;
  /** MiB. */
  readonly memory?: number;
  readonly json: boolean;
}

/** The command cannot be carried out as it was given. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const TOY = new URL('../guest-driver/toy.wasm', import.meta.url);
/** Program of the toy's secondary vCPUs. */
const SECONDARY = new URL('../guest-driver/secondary.wasm', import.meta.url);
export const MAX_VCPUS = 4;
/** VINTFs of the host, and VCMDQs that the host's CMDQV has at least for each. */
const VINTFS = 16;
const MIN_LVCMDQS = 2;
const ROUNDS = 15;
const PAGES_PER_MIB = 16;
/** A host of idle machines looks again after a time that grows between these. */
const MIN_IDLE_MS = 1;
const MAX_IDLE_MS = 8;

async function readGuest(guest: string): Promise<GuestImage> {
  let bytes: Buffer<ArrayBuffer>;
  try {
    bytes = await readFile(guest === 'toy' ? TOY : guest);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a directory' : (code ?? String(error));
    throw new UsageError(`cannot read ${guest}: ${reason}`);
  }
  return loadGuestImage(new Uint8Array(bytes));
}

/** One step of each machine in turn. A machine that attacks goes alone, so that what changes meanwhile is its doing. */
async function runAll(machines: readonly ToyMachine[], oracle: IsolationOracle, drains: Drains): Promise<void> {
  let idle = MIN_IDLE_MS;
  while (true) {
    const running = machines.filter(({ machine }) => machine.status === 'running');
    if (running.length === 0) return;
    for (const target of running) {
      if (oracle.attacker !== undefined && oracle.attacker !== target.vm) continue;
      await target.machine.run();
      await drains.atYield(target);
    }
    if (running.every(({ machine }) => machine.idle)) {
      await setTimeout(idle);
      idle = Math.min(2 * idle, MAX_IDLE_MS);
    } else {
      idle = MIN_IDLE_MS;
      await setImmediate();
    }
  }
}

/** Boots a guest and prints the report. Returns whether every check holds. */
export async function boot(guest: string, options: BootOptions): Promise<boolean> {
  const { path, memory, json } = options;
  const vms = options.vms ?? (guest === 'toy' ? 2 : 1);
  const image = await readGuest(guest);
  const { vcpus } = options;
  if (vcpus > 1 && guest !== 'toy') throw new UsageError('only the toy has a program for secondary vCPUs');
  const secondary = vcpus > 1 ? await WebAssembly.compile(await readFile(SECONDARY)) : undefined;
  // A VCMDQ for each vCPU: the number of both is a power of two.
  const host = await Host.create({ vintfs: VINTFS, vcmdqs: VINTFS * Math.max(MIN_LVCMDQS, 2 ** Math.ceil(Math.log2(vcpus))) });
  const consoles = new Consoles(json ? process.stderr : process.stdout, vms);
  const checks = new Checks(vms);
  const measurements = new Measurements(vms);
  const oracle = new IsolationOracle();
  const program = guest === 'toy' ? 'toy' : basename(guest);

  const exits = options.transport === 'mailbox' ? new ExitServer() : undefined;

  const machines: ToyMachine[] = [];
  for (let k = 0; k < vms; k++) {
    const machine = createToyMachine({
      host,
      name: `vm${k}`,
      index: k,
      image,
      exits,
      vcpus,
      secondary,
      ...(memory === undefined ? {} : { memoryPages: memory * PAGES_PER_MIB }),
      args: [program, `path=${path}`, `vms=${vms}`, `machine=${k}`, `rounds=${ROUNDS}`],
      onOutput: (bytes) => consoles.write(k, bytes),
      checkpoint: {
        onPhase: (phase, ended, data) => {
          measurements.phase(k, phase, ended, data);
          oracle.phase(machines, k, phase, ended);
        },
        onResult: (name, ok, detail) => checks.add(k, { name, ok, detail }),
      },
    });
    machines.push(machine);
  }
  const drains = await Drains.start(options.drain, host, exits);
  for (const machine of machines) await drains.add(machine);
  for (const { machine } of machines) await machine.boot();
  await runAll(machines, oracle, drains);
  await drains.stop();
  consoles.end();

  const all = [
    ...checks.all,
    ...endChecks(machines),
    ...(guest === 'toy' ? exitChecks(measurements, machines, path) : []),
    ...oracle.checks(guest === 'toy' && vms > 1),
  ];
  const report = buildReport(all, machines, measurements, { drain: drains.report(machines), transport: options.transport });
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : reportText(report, all.slice(checks.all.length)));
  return report.ok;
}

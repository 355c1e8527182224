// SPDX-License-Identifier: MIT
// The subcommand `inspect`: the objects of a host, running or in a trace file.

import type { Command } from 'commander';
import { Host, type HostInspection, type Machine } from '../../vmm/api/index.ts';
import { integer, option, yesNo } from '../../vmm/api/option-values.ts';
import { toyArgs } from '../../vmm/boards/index.ts';
import { checkAmdOptions } from '../amd-run.ts';
import { machineOptions } from '../boot.ts';
import { BOOT_SETTINGS, type BootSettings } from '../boot-settings.ts';
import { UsageError } from '../cli-error.ts';
import { printResult } from '../final-word.ts';
import { addFlags } from '../flags.ts';
import { hostSize } from '../host-size.ts';
import { inspectionText } from '../inspect-text.ts';
import { hostInspectionOf } from '../inspection-schema.ts';
import { withPath } from '../invalidation-path.ts';
import { jsonLine } from '../json-line.ts';
import { printableData } from '../printable-data.ts';
import { Progress } from '../progress.ts';
import { EXIT_OK } from '../status.ts';
import { timeBegins, withinTimeout } from '../supervisor.ts';
import { readTrace } from '../trace-file.ts';

const MAX_STEPS = 1_000_000;
const STEPS = 10;

const {
  vms,
  path,
  secondary,
  vcpus,
  memory,
  allowGc,
  transport,
  drain,
  overlay,
  queues,
  iommu,
  smmus,
  btm,
  vintfs,
  vcmdqs,
  hostRam,
  timeout,
} = BOOT_SETTINGS;
const INSPECT_SETTINGS = {
  steps: option(
    integer(0, MAX_STEPS),
    `number of times that each guest runs until it yields, before the inspection (default: ${STEPS})`,
  ),
  ...{
    vms,
    path,
    secondary,
    vcpus,
    memory,
    allowGc,
    transport,
    drain,
    overlay,
    queues,
    iommu,
    smmus,
    btm,
    vintfs,
    vcmdqs,
    hostRam,
    timeout,
  },
  json: option(yesNo, 'print one JSON object'),
};

type InspectSettings = Pick<
  BootSettings,
  | 'vms'
  | 'path'
  | 'queues'
  | 'vcpus'
  | 'iommu'
  | 'smmus'
  | 'btm'
  | 'transport'
  | 'drain'
  | 'vintfs'
  | 'vcmdqs'
  | 'hostRam'
  | 'timeout'
> & {
  readonly steps?: number;
};

/** Boots machines, runs each until it has yielded `steps` times, and inspects the host. */
async function inspectRunning(guest: string, settings: InspectSettings): Promise<HostInspection> {
  const { queues = 'vcmdq', steps = STEPS } = settings;
  const { path = 'all' } = withPath({ ...settings, guest });
  const toy = guest === 'toy';
  if (guest === 'linux')
    throw new UsageError(
      'inspect boots the toy or a WebAssembly guest: for a kernel, vsmmu boot linux --trace FILE.json, and inspect FILE.json',
    );
  const count = settings.vms ?? (toy ? 2 : 1);
  const common = machineOptions({ ...settings, guest });
  const { iommu, smmus, btm, hostRam } = settings;
  if (iommu === 'amd') checkAmdOptions(settings);
  const size = iommu === 'amd' ? {} : hostSize(settings, count);
  const host = await Host.create({ ...size, iommu, smmus, btm, hostRam });
  const progress = new Progress(process.stderr, false);
  try {
    const machines: Machine[] = [];
    for (let k = 0; k < count; k++) {
      const args = toy ? toyArgs({ path, queues, vms: count, machine: k }, 'rounds=1') : [];
      machines.push(
        await host.createMachine({
          ...common,
          name: `vm${k}`,
          args,
        }),
      );
    }
    timeBegins();
    for (const machine of machines) await machine.boot({ paused: true });
    for (let step = 0; step < steps; step++) {
      for (const machine of machines) {
        if (machine.status === 'paused') await machine.step();
        progress.show(machines);
      }
    }
    return host.inspect();
  } finally {
    progress.end();
    await host.destroy();
  }
}

/** The host in a trace file. */
async function inspectTrace(file: string): Promise<HostInspection> {
  const { host } = await readTrace(file);
  if (host === undefined) throw new UsageError(`${file} does not contain its host`);
  const inspection = hostInspectionOf(host);
  if (!inspection) throw new UsageError(`${file}: its host is damaged`);
  return inspection;
}

/** Adds the subcommand for the command line `argv`; it calls `end` with its exit status. */
export function addInspect(
  program: Command,
  argv: readonly string[],
  end: (status: number) => void,
): void {
  const command = program
    .command('inspect')
    .description(
      'print every object of a host, with references, queues, VMIDs, StreamID pairs and counts',
    )
    .argument(
      '<what>',
      '"toy", the path of a WebAssembly guest, or a trace file (.json, .json.gz)',
    );
  const given = addFlags(command, INSPECT_SETTINGS);
  command.action(async (what: string) => {
    const { json: asJson, ...settings } = given() as InspectSettings & { readonly json?: boolean };
    const fromTrace = /\.json(\.gz)?$/.test(what);
    if (fromTrace && Object.keys(settings).length > 0)
      throw new UsageError('a trace file takes no options except --json');
    const status = await withinTimeout(
      { argv, seconds: settings.timeout, json: asJson ?? false },
      async () => {
        const inspection = fromTrace
          ? await inspectTrace(what)
          : await inspectRunning(what, settings);
        const text = asJson ? jsonLine(inspection) : inspectionText(printableData(inspection));
        printResult(text, EXIT_OK);
        return EXIT_OK;
      },
    );
    end(status);
  });
}

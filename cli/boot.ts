// SPDX-License-Identifier: MIT
// `vsmmu boot`: runs machines on one host in turn until all have ended, and prints the report.

import { CHECKPOINT_PHASE_MEASURE } from '../assembly/layout/checkpoint-registers.ts';
import type { VirtioConsole } from '../devices/virtio/index.ts';
import { toyGuest, toySecondary } from '../guest-driver/index.ts';
import {
  type Finding,
  Host,
  type Machine,
  type MachineOptions,
  type StaleInstruction,
} from '../vmm/api/index.ts';
import { comparesPaths, type Experiment, findExperiment, toyArgs } from '../vmm/boards/index.ts';
import {
  type Check,
  Checks,
  endCheck,
  queueChecks,
  sanitizerChecks,
} from '../vmm/report/checks.ts';
import { exitChecks } from '../vmm/report/exit-checks.ts';
import { IsolationOracle } from '../vmm/report/isolation-oracle.ts';
import { Measurements } from '../vmm/report/measurements.ts';
import { amdExitChecks, checkAmdOptions } from './amd-run.ts';
import { arm64ExitChecks, arm64Toy, isArm64Toy } from './arm64-toy.ts';
import type { BootSettings } from './boot-settings.ts';
import { UsageError } from './cli-error.ts';
import { ComparedArm64 } from './compared-arm64.ts';
import { COMPARED, MOST_COMPARED } from './compared-machines.ts';
import { Consoles } from './consoles.ts';
import { openDisks } from './file-disk.ts';
import { printResult } from './final-word.ts';
import { hostSize } from './host-size.ts';
import { inputsOf } from './input-files.ts';
import { withPath } from './invalidation-path.ts';
import { jsonLine } from './json-line.ts';
import {
  connectConsole,
  kernelOptions,
  kernelWatch,
  RUN_END,
  serveDebugger,
  staleChecks,
} from './kernel-run.ts';
import { kernelError } from './kernel-without-arch.ts';
import { onLastWords } from './last-words.ts';
import { LINUX, withLinux } from './linux-kernel.ts';
import { MeasuredToy } from './measured-toy.ts';
import { pcieFunctions } from './pcie-functions.ts';
import { loadDevice, namedDeviceError } from './plugins.ts';
import { Progress } from './progress.ts';
import { buildReport, type MachineRefusal } from './report.ts';
import { experimentText, failureText, reportText } from './report-text.ts';
import { runMachines } from './run-machines.ts';
import { runStream } from './run-output.ts';
import { EXIT_FAILED, EXIT_OK } from './status.ts';
import { checkKept, endingInTime, onSignal, partialFile, timeBegins } from './supervisor.ts';
import { TraceFile } from './trace-file.ts';

const ROUNDS = 15;
/** Maximum number of suspects of the sanitizer that are kept for an experiment's report. */
const MOST_SUSPECTS = 256;

function experimentOf({
  guest,
  experiment: name,
  path = 'all',
  queues,
  vms,
}: BootSettings): Experiment | undefined {
  if (name === undefined) return undefined;
  const experiment = findExperiment(name);
  if (!experiment || guest !== 'toy')
    throw new UsageError('--experiment is for the toy: vsmmu boot toy --experiment NAME');
  if (vms !== undefined && vms < experiment.vms)
    throw new UsageError(`${name} needs at least ${experiment.vms} machines`);
  if (path !== 'all') throw new UsageError(`${name} chooses its path itself`);
  if (queues === 'ecmdq' && experiment.cmdqv)
    throw new UsageError(`${name} is about the CMDQV, which a machine with ECMDQs does not have`);
  return experiment;
}

/** The options that the machines of a run have in common. */
export function machineOptions(
  settings: BootSettings & { readonly guest: string },
): MachineOptions {
  const {
    guest,
    arch,
    secondary,
    memory,
    vcpus = 1,
    transport,
    drain,
    seed,
    env,
    directMaps,
    path,
    overlay,
    queues,
    allowGc,
  } = settings;
  const isToy = guest === 'toy';
  const toy = isToy && arch !== 'arm64';
  if (vcpus > 1 && !toy && arch !== 'arm64' && secondary === undefined) {
    throw new UsageError(
      'more than one vCPU needs a program for the others: --secondary FILE (only the toy has ' +
        'its own)',
    );
  }
  const program = secondary ?? (toy && vcpus > 1 ? toySecondary : undefined);
  return {
    guest: toy ? toyGuest : guest,
    secondary: program,
    memory,
    vcpus,
    transport,
    drain,
    seed,
    env,
    // The toy chooses its path itself.
    directMaps: arch === 'arm64' && !isToy && path === 'trapped' ? false : directMaps,
    overlay: overlay || path === 'overlay',
    queues,
    allowGc,
  };
}

/**
 * Boots a guest and prints the report.
 * @param asked the checked settings.
 * @param config the file from which they were read, if any.
 * @returns the exit status.
 */
export async function boot(asked: BootSettings, config?: string): Promise<number> {
  const settings = withPath(withLinux(asked));
  const {
    guest,
    path = 'all',
    queues = 'vcmdq',
    quiet = false,
    json = false,
    args = [],
    timeout,
  } = settings;
  if (guest === undefined)
    throw new UsageError(
      'no guest: give "toy", "linux", or the path of a WebAssembly guest or of a kernel',
    );
  if (settings.traceLimit !== undefined && settings.trace === undefined)
    throw new UsageError('--trace-limit needs --trace: otherwise there is nothing to limit');
  const arm64 = isArm64Toy(settings);
  const toy = guest === 'toy' && !arm64;
  const amd = settings.iommu === 'amd';
  if (amd) checkAmdOptions(asked);
  const experiment = experimentOf(settings);
  const vms =
    settings.vms ?? experiment?.vms ?? (toy || (arm64 && settings.gdb === undefined) ? 2 : 1);
  const { vintfs, vcmdqs } = hostSize(settings, vms);
  // To compare all paths, more machines run the toy, if there are enough VINTFs for all machines.
  const compares =
    (toy || arm64) &&
    !amd &&
    comparesPaths(path, experiment) &&
    settings.directMaps !== false &&
    vms + MOST_COMPARED <= vintfs;
  const compared = compares && toy ? COMPARED.filter(({ name }) => name !== queues) : [];
  const plain = {
    ...machineOptions({ ...settings, guest }),
    ...(arm64 ? { guest: arm64Toy(settings, vms) } : {}),
  };
  const stale: StaleInstruction[] = [];
  const kernelOf = await kernelOptions(
    settings,
    (found) => stale.push(found),
    asked.guest === LINUX ? guest : undefined,
  );
  const functionsOf = pcieFunctions(settings.pcie ?? [], settings.seed);
  const trace =
    settings.trace === undefined
      ? undefined
      : await TraceFile.create(settings.trace, inputsOf(settings, config));
  if (trace?.partial !== undefined) partialFile(trace.partial);
  let host: Host | undefined;
  let closeDisks: () => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  let unlisten: () => void = () => undefined;
  let disconnect: () => void = () => undefined;
  let closeDebugger: () => Promise<void> = () => Promise.resolve();
  try {
    const { disks, close } = await openDisks(settings.disks ?? []);
    closeDisks = close;
    const { onQueueError, iotlbCheck = experiment?.checked } = settings;
    host = await Host.create({
      ...(onQueueError ? { onQueueError: () => onQueueError } : {}),
      iommu: settings.iommu,
      smmus: settings.smmus,
      btm: settings.btm,
      ...experiment?.host,
      ...(amd ? {} : { vintfs, vcmdqs }),
      hostRam: settings.hostRam,
      idRegisters: settings.idRegisters,
      trace: trace !== undefined,
      traceLimit: settings.traceLimit,
      iotlbCheck,
    });
    const stdout = runStream('stdout');
    const stderr = runStream('stderr');
    const consoles = new Consoles(json ? stderr : stdout, vms);
    const running = host;
    onLastWords(() => {
      consoles.end();
      trace?.writeLast(running, stderr);
    });
    const checks = new Checks(vms, checkKept);
    const measurements = new Measurements(vms, {
      ...(settings.overlay || path === 'overlay' ? { trapped: 'overlay' } : {}),
      ...(queues === 'ecmdq' ? { direct: 'ecmdq' } : {}),
    });
    const oracle = new IsolationOracle();
    const progress = new Progress(stderr, quiet);
    const machines: Machine[] = [];
    const suspects: Finding[] = [];
    let hvc: VirtioConsole | undefined;
    const measuredToys: MeasuredToy[] = [];
    const refusals: MachineRefusal[] = [];
    const same = [`rounds=${ROUNDS}`, ...(experiment ? [`experiment=${experiment.name}`] : [])];
    for (let k = 0; k < vms; k++) {
      const measured = arm64
        ? new MeasuredToy(
            (name, ok, detail) => checks.add(k, { name, ok, detail }),
            (phase, ended) => oracle.phase(machines, k, phase, ended),
            measuredToys,
            settings.transport !== 'mailbox',
          )
        : undefined;
      if (measured) measuredToys.push(measured);
      const files = [...(measured ? [undefined] : []), ...(settings.devices ?? [])];
      const devices = [
        ...(measured ? [measured.device] : []),
        ...(await Promise.all((settings.devices ?? []).map(loadDevice))),
      ];
      const own = toy ? toyArgs({ path, queues, vms, machine: k }, ...same) : [];
      const print = (bytes: Uint8Array<ArrayBuffer>, console?: number) => {
        if (!quiet) progress.around(() => consoles.write(k, bytes, console));
      };
      const onRunEnd = asked.run === undefined ? undefined : (end: Check) => checks.add(k, end);
      const watch = () =>
        kernelWatch((why) => {
          machine.stop(why).catch(process.emitWarning);
        }, onRunEnd);
      const hvcWatch = watch();
      const functions = functionsOf(k, (number, bytes) => {
        print(bytes, number + 1);
        hvcWatch(bytes);
      });
      hvc ??= functions.consoles[0];
      const machine: Machine = await host
        .createMachine({
          ...plain,
          ...kernelOf({ disks: disks.disks, pcie: [...disks.pcie, ...functions.pcie] }),
          name: `vm${k}`,
          devices,
          args: [...own, ...args],
        })
        .catch((error: unknown) => {
          throw kernelError(namedDeviceError(error, files, devices), guest);
        });
      if (measured) measured.machine = machine;
      machine.on('output', (bytes) => print(bytes));
      if (settings.arch === 'arm64') machine.on('output', watch());
      machine.on('check', (check) => checks.add(k, check));
      machine.on('suspect', (finding) => {
        if (suspects.length < MOST_SUSPECTS) suspects.push(finding);
      });
      machine.on('refusal', (refusal) => refusals.push({ machine: machine.name, ...refusal }));
      machine.on('phase', ({ phase, ended, data }) => {
        measurements.phase(k, phase, ended, data);
        oracle.phase(machines, k, phase, ended);
      });
      machines.push(machine);
    }
    const all: Machine[] = [...machines];
    for (const { name, path, names, options } of compared) {
      const { queues } = options;
      const own = toyArgs({ path, queues, vms: 1, machine: 0 }, ...same);
      const machine = await host.createMachine({
        ...plain,
        ...options,
        name,
        args: [...own, ...args],
      });
      machine.on('check', (check) => checks.addOf(name, check));
      machine.on('refusal', (refusal) => refusals.push({ machine: name, ...refusal }));
      machine.on('phase', ({ phase, ended, data }) =>
        measurements.comparedPhase(names, phase, ended, data),
      );
      all.push(machine);
    }
    const arm64Compared =
      compares && (arm64 || !experiment)
        ? await ComparedArm64.create(host, settings, experiment?.name, (name, check) =>
            checks.addOf(name, check),
          )
        : undefined;
    if (arm64Compared) all.push(arm64Compared.machine);
    const [only] = machines;
    if (only) closeDebugger = await serveDebugger(only, settings);
    let reason: string | undefined;
    const stopAll = (why: string) => {
      reason ??= why;
      Promise.all(all.map((machine) => machine.stop(why))).catch(process.emitWarning);
    };
    unlisten = onSignal((signal) => stopAll(`ended by ${signal}`));
    if (timeout !== undefined) {
      timeBegins();
      timer = setTimeout(() => {
        endingInTime();
        stopAll(`it did not end within ${timeout} s`);
      }, timeout * 1000);
    }
    for (const machine of all) {
      const booted = machine.boot({ paused: true });
      // A signal or the timeout may have stopped the others before this machine began to boot.
      if (reason !== undefined) stopAll(reason);
      await booted;
    }
    if (settings.arch === 'arm64' && only && vms === 1)
      disconnect = connectConsole(only, hvc, asked.guest === LINUX && asked.run === undefined);
    else for (const machine of machines) machine.endInput();
    try {
      await runMachines(all, oracle, progress);
    } finally {
      if (host.trace) await trace?.write(host.trace, host.inspect());
    }
    progress.end();
    consoles.end();
    measuredToys.forEach((toy, k) => {
      toy.report((row) => measurements.phase(k, CHECKPOINT_PHASE_MEASURE, true, row));
    });

    const ends = await Promise.all(
      all.map(async (machine) => endCheck(machine.name, await machine.wait())),
    );
    const results = [
      ...checks.all,
      ...ends,
      ...(toy && amd ? amdExitChecks(all) : []),
      ...(toy && !amd && (experiment?.measures ?? true) ? exitChecks(measurements, all) : []),
      ...(arm64 && (experiment?.measures ?? true) ? arm64ExitChecks(measurements) : []),
      ...(arm64Compared?.report(measurements) ?? []),
      ...((toy && !amd) || arm64 ? queueChecks(all) : []),
      ...measurements.earlierChecks(),
      ...oracle.checks(
        (toy || arm64) && (experiment?.attacks ?? vms > 1) && ends.every(({ ok }) => ok),
        experiment?.loses,
      ),
    ];
    const experimentOk = results.every(({ ok }) => ok);
    results.push(
      ...sanitizerChecks(host, guest === 'toy' && iotlbCheck === true),
      ...(settings.icacheCheck ? staleChecks(stale) : []),
    );
    const [first] = machines;
    const drain = first?.statistics.drain ?? { asked: 'doorbell', place: 'doorbell', reason: '' };
    const transport = settings.transport ?? 'inline';
    const placement = { drain, transport, directMaps: plain.directMaps !== false };
    const report = buildReport(results, host, measurements, placement, refusals);
    // The commands of --run are a check by the VMM: no console has printed it.
    const hostChecks = results.filter(
      ({ name }, i) =>
        i >= checks.all.length || (asked.run !== undefined && name.endsWith(RUN_END)),
    );
    const text = () =>
      reportText(report, hostChecks, amd ? 'Buffers' : 'VCMDQs') +
      (experiment ? experimentText(experiment, experimentOk, suspects) : '');
    const status = report.ok ? EXIT_OK : EXIT_FAILED;
    printResult(json ? jsonLine(report) : quiet ? failureText(report) : text(), status, stdout);
    return status;
  } finally {
    clearTimeout(timer);
    unlisten();
    disconnect();
    await closeDebugger();
    await trace?.discard();
    await host?.destroy();
    closeDisks();
  }
}

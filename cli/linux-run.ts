// SPDX-License-Identifier: MIT
// Runs the kernel of `vsmmu boot linux`, and measures its benchmark of DMA mappings.

import type { PcieFunction } from '../devices/pcie/index.ts';
import type { SmmuIdRegisters } from '../devices/smmuv3/index.ts';
import type { Disk } from '../devices/virtio/index.ts';
import {
  type Board,
  Host,
  type Machine,
  type MachineEnd,
  type MachineOptions,
  type MachineStatistics,
  type VirtMsi,
  type VirtRole,
  virtBoard,
} from '../vmm/api/index.ts';
import type { ToyPath } from '../vmm/boards/index.ts';
import { ConsoleLines } from './console-lines.ts';
import { hostSize } from './host-size.ts';
import { invalidationExits } from './invalidation-exits.ts';

/** Lines that linux/init.sh prints around a benchmark, and those of dma-map-benchmark.c. */
const BEGINS = 'bench begins';
const ENDS = 'bench ends';
export const BENCHMARK_RESULT = /^map (\d+) ns, unmap (\d+) ns$/;
/** Maximum number of bytes that are kept of a console line. */
const LINE_BYTES = 0x10000;

/** Path of invalidations: VCMDQs without exits, everything trapped, or the CMDQ without exits. */
export type LinuxPath = Exclude<ToyPath, 'all'>;

export interface LinuxRunOptions {
  readonly kernel: Uint8Array<ArrayBuffer>;
  readonly initrd: Uint8Array<ArrayBuffer>;
  /** The kernel's command line. */
  readonly append: string;
  readonly disks?: readonly Disk[];
  /** Functions below its PCIe host bridge. */
  readonly pcie?: readonly PcieFunction[];
  /** Faults that are injected into the machine's devices. */
  readonly faults?: MachineOptions['faults'];
  readonly path?: LinuxPath;
  readonly role?: VirtRole;
  readonly msi?: VirtMsi;
  readonly vcpus?: number;
  /** Size of its host's CMDQV, which the kernel owns in role host. */
  readonly vintfs?: number;
  readonly vcmdqs?: number;
  /** MiB of RAM. */
  readonly memory?: number;
  /** `mailbox`: each vCPU on its own thread; the kernel's time is then the computer's. */
  readonly transport?: MachineOptions['transport'];
  /** Translates frequently executed code to WebAssembly. Default true. */
  readonly translate?: boolean;
  readonly idRegisters?: 'default' | 'grace';
  /** ID registers of the kernel's own SMMU. Default: its host's, or what a guest sees of them. */
  readonly shownIds?: SmmuIdRegisters;
  /** Looks for invalidations that the kernel forgets. */
  readonly iotlbCheck?: boolean;
  /** Seconds of the computer's time after which the machine is stopped. */
  readonly timeout?: number;
  /** Called with each line of the console, before the kernel continues. */
  readonly onLine?: (line: string, machine: Machine) => void;
}

/** One benchmark of a run. */
export interface LinuxBenchmark {
  /** The kernel's own results, in ns of its own time. */
  readonly mapNs: number;
  readonly unmapNs: number;
  /** Duration in the guest's and in the computer's time, in ns. */
  readonly guestNs: number;
  readonly hostNs: number;
  /** CMD_SYNCs of all command queues: one for each unmap of a strict domain. */
  readonly syncs: number;
  /** Accesses to registers of the SMMU and the CMDQV that trapped. */
  readonly exits: number;
}

export interface LinuxRun {
  readonly end: MachineEnd;
  readonly console: string;
  /** Time from its start to its first output, in ns of the computer's time: with `quiet`, init's. */
  readonly firstOutputNs: number | undefined;
  readonly benchmarks: readonly LinuxBenchmark[];
  readonly statistics: MachineStatistics;
  /** Commands of the one CMDQ, and exits for its PROD and CONS. */
  readonly cmdq: { readonly commands: number; readonly exits: number };
  /** Findings of the sanitizer, as text. */
  readonly findings: readonly string[];
}

/** Counters at one point in time. */
interface Sample {
  readonly guestNs: number;
  readonly hostNs: number;
  readonly syncs: number;
  readonly exits: number;
}

/** The CMDQs of a machine's SMMUs, without VCMDQs. */
const cmdqsOf = (machine: Machine) =>
  machine
    .inspect()
    .flatMap(({ queues }) => queues)
    .filter(({ name }) => name === 'CMDQ');

function sample(machine: Machine): Sample {
  const { vcmdq, timeNs } = machine.statistics;
  return {
    guestNs: timeNs,
    hostNs: performance.now() * 1e6,
    syncs: cmdqsOf(machine).reduce((sum, { syncs }) => sum + syncs, vcmdq.syncs),
    exits: invalidationExits(machine),
  };
}

function cmdqOf(machine: Machine): LinuxRun['cmdq'] {
  const { byRegister } = machine.statistics.exits;
  const exits = ['PROD', 'CONS'].map((name) => byRegister[`smmuv3.CMDQ_${name}`] ?? 0);
  return {
    commands: cmdqsOf(machine).reduce((sum, { commands }) => sum + commands, 0),
    exits: exits.reduce((sum, count) => sum + count, 0),
  };
}

/** Measures benchmarks, whose start and end it finds in the lines of a console. */
class BenchmarkListener {
  readonly benchmarks: LinuxBenchmark[] = [];
  readonly lines: string[] = [];
  readonly #machine: Machine;
  readonly #onLine: LinuxRunOptions['onLine'];
  #begin: Sample | undefined;
  #result: RegExpExecArray | undefined;

  constructor(machine: Machine, onLine: LinuxRunOptions['onLine']) {
    this.#machine = machine;
    this.#onLine = onLine;
  }

  receive(line: string): void {
    this.lines.push(line);
    this.#consider(line);
    this.#onLine?.(line, this.#machine);
  }

  #consider(line: string): void {
    if (line === BEGINS) this.#begin = sample(this.#machine);
    else if (line === ENDS) this.#end();
    else this.#result = BENCHMARK_RESULT.exec(line) ?? this.#result;
  }

  #end(): void {
    const [begin, result] = [this.#begin, this.#result];
    if (!begin || !result) return;
    const end = sample(this.#machine);
    this.benchmarks.push({
      mapNs: Number(result[1]),
      unmapNs: Number(result[2]),
      guestNs: end.guestNs - begin.guestNs,
      hostNs: end.hostNs - begin.hostNs,
      syncs: end.syncs - begin.syncs,
      exits: end.exits - begin.exits,
    });
    this.#result = undefined;
  }
}

/** The board, with the options that `createMachine` does not have. */
function boardOf({ shownIds, ...options }: LinuxRunOptions): Board {
  const { initrd, append, disks, pcie, role, msi, translate } = options;
  const board = virtBoard({ initrd, append, disks, pcie, role, msi, translate });
  if (!shownIds) return board;
  return { ...board, create: (other) => board.create({ ...other, idRegisters: shownIds }) };
}

const machineOf = (options: LinuxRunOptions): MachineOptions => ({
  guest: options.kernel,
  board: boardOf(options),
  overlay: options.path === 'overlay',
  directMaps: options.path !== 'trapped',
  vcpus: options.vcpus,
  memory: options.memory,
  transport: options.transport,
  faults: options.faults,
});

/**
 * Creates the machine of a run, but does not boot it.
 * @throws {VsmmuError} if it cannot be created, such as for a kernel that is damaged.
 */
export async function checkLinux(options: LinuxRunOptions): Promise<void> {
  const host = await Host.create(hostSize(options, 1));
  try {
    await host.createMachine(machineOf(options));
  } finally {
    await host.destroy();
  }
}

/**
 * Boots a kernel, and waits until its machine has ended.
 * @throws {VsmmuError} if the machine cannot be created.
 */
export async function runLinux(options: LinuxRunOptions): Promise<LinuxRun> {
  const { timeout = 300 } = options;
  const host = await Host.create({
    ...hostSize(options, 1),
    idRegisters: options.idRegisters,
    iotlbCheck: options.iotlbCheck,
  });
  try {
    const machine = await host.createMachine(machineOf(options));
    const listener = new BenchmarkListener(machine, options.onLine);
    const lines = new ConsoleLines(LINE_BYTES, (line) => listener.receive(line));
    let firstOutput: number | undefined;
    machine.on('output', (bytes) => {
      firstOutput ??= performance.now();
      lines.receive(bytes);
    });
    const start = performance.now();
    await machine.boot({ signal: AbortSignal.timeout(timeout * 1000) });
    const end = await machine.wait();
    return {
      end,
      console: listener.lines.join('\n'),
      firstOutputNs: firstOutput === undefined ? undefined : (firstOutput - start) * 1e6,
      benchmarks: listener.benchmarks,
      statistics: machine.statistics,
      cmdq: cmdqOf(machine),
      findings: host.findings.map(({ text }) => text),
    };
  } finally {
    await host.destroy();
  }
}

// SPDX-License-Identifier: MIT
// The machines of the path measurements: one for each transport and number of vCPUs. Each
// has the same guest and a host of its own, because a CMD_SYNC checks every thread of its
// host.

import { readFile } from 'node:fs/promises';
import { type HotModules, loadHotModules } from '../assembly/load.ts';
import { offsetOfGpa } from '../devices/bus/index.ts';
import type { DmaPort } from '../devices/plugin/index.ts';
import { GRACE_ID_REGISTERS } from '../devices/smmuv3/index.ts';
import type { Transport } from '../vmm/api/index.ts';
import type { IdRegisters } from '../vmm/api/settings.ts';
import { type Board, type BoardMachine, type Queues, toyBoard } from '../vmm/boards/index.ts';
import { NestedSmmu, VmHost } from '../vmm/nested/index.ts';
import { ExitServer, SideCore } from '../vmm/threads/index.ts';
import { Trace } from '../vmm/trace/index.ts';
import type { Ending } from './endings.ts';
import { compileGuest } from './guest-module.ts';

export type Path = 'direct' | 'ecmdq' | 'trapped';

/** The measurement of one run of the guest. */
export interface Plan {
  readonly path: Path;
  readonly vcpus: number;
  /** VCMDQs or ECMDQs that the vCPUs share. */
  readonly queues: number;
  /** Commands of a batch, without its CMD_SYNC. */
  readonly batch: number;
  /** Batches of a sample as log2, samples of each vCPU. */
  readonly log2batches: number;
  readonly samples: number;
  /** Whether each page of a batch is mapped and unmapped before it. Default false. */
  readonly tables?: boolean;
}

/** The result of a run. */
export interface Sampled {
  /**
   * Nanoseconds per batch, in the order in which a vCPU measured them, one vCPU after the
   * other.
   */
  readonly samples: readonly number[];
  readonly exits: number;
  readonly doorbells: number;
}

/** A buffer of DMA_BYTES of the guest that its DMA stream maps page by page, twice. */
export interface DmaBuffer {
  /** Its pages in order. */
  readonly iova: number;
  /** Its pages in the order of `scatteredPage`. */
  readonly scatteredIova: number;
  /** In guest memory. */
  readonly offset: number;
}

// The same as in bench/guest/paths.
const DMA_PAGES = 256;
const DMA_STEP = 37;
const DMA_SOURCE = 0x2_0000_0000;
const DMA_TARGET = 0x2_4000_0000;
const DMA_SCATTERED_SOURCE = 0x2_8000_0000;
const DMA_SCATTERED_TARGET = 0x2_c000_0000;

export const DMA_BYTES = DMA_PAGES * 4096;

/** The buffer's page that is mapped as page `index` from its `scatteredIova`. */
export function scatteredPage(index: number): number {
  return (index * DMA_STEP) % DMA_PAGES;
}

export interface BenchMachine {
  readonly transport: Transport;
  readonly vcpus: number;
  readonly ids: IdRegisters;
  readonly board: BoardMachine;
  readonly dmaSource: DmaBuffer;
  readonly dmaTarget: DmaBuffer;
  measure(plan: Plan): Promise<Sampled>;
  /** Runs the drain on a separate thread for the duration of `use`. */
  withDrainThread(use: () => Promise<void>): Promise<void>;
  /** The DMA port of the device whose stream maps the buffers. */
  dmaPort(): DmaPort;
  /** Removes entries of the guest's streams from the IOTLB. */
  invalidateIommu(): void;
  end(): Promise<void>;
}

const MAX_VCPUS = 4;
const VINTFS = 16;
/** Pages of 64 KiB, as required by the program of the secondary vCPUs. */
const GUEST_PAGES = '512';
const SECONDARY = new URL('../guest-driver/secondary.wasm', import.meta.url);

/**
 * The board that is measured: any board whose guest has an SMMU of a host, and a bus
 * master that uses it.
 */
const BOARD: Board = toyBoard;

/** Budgets of the first run and of the last. */
const BRING_UP = 1;
const POWER_OFF = 0;

function budgetOf(plan: Plan): number {
  const { path, vcpus, queues, batch, log2batches, samples, tables = false } = plan;
  return (
    batch |
    (log2batches << 8) |
    (samples << 12) |
    (vcpus << 20) |
    (queues << 23) |
    ((path === 'trapped' ? 1 : 0) << 26) |
    ((tables ? 1 : 0) << 27)
  );
}

/** State that the machines share. */
interface Shared {
  readonly guest: Uint8Array<ArrayBuffer>;
  readonly secondary: Uint8Array<ArrayBuffer>;
  readonly modules: HotModules;
  readonly exits: ExitServer;
}

/** Units of the trace ring, as in the API's hosts. */
const TRACE_UNITS = 2 ** 18;

interface Variant {
  readonly traced?: boolean;
  readonly queues?: Queues;
  readonly ids?: IdRegisters;
}

async function startMachine(
  shared: Shared,
  transport: Transport,
  vcpus: number,
  variant: Variant = {},
): Promise<BenchMachine> {
  const { traced = false, queues = 'vcmdq', ids = 'default' } = variant;
  const { guest, secondary, modules, exits } = shared;
  const host = await VmHost.create({
    modules,
    vintfs: VINTFS,
    vcmdqs: VINTFS * MAX_VCPUS,
    traceUnits: traced ? TRACE_UNITS : undefined,
    ...(ids === 'grace' ? { idRegisters: GRACE_ID_REGISTERS } : {}),
  });
  const trace = traced ? new Trace(host.memory) : undefined;
  const side = await SideCore.start(host, { vmm: exits.buffer });
  const name = `${transport} with ${vcpus} vCPUs`;
  let data: readonly number[] = [];
  const failed: string[] = [];
  const board = await BOARD.create({
    host,
    name,
    index: 0,
    guest,
    vcpus,
    queues,
    secondary,
    exits: transport === 'mailbox' ? exits : undefined,
    onOutput: () => undefined,
    ...(trace ? { onTrace: (source, event) => trace.add(name, source, event) } : {}),
    checkpoint: {
      onPhase: (_phase, ended, words) => {
        if (ended) data = words;
      },
      onResult: (check, ok, detail) => {
        if (!ok) failed.push(`${check} (${detail})`);
      },
    },
  });
  const { machine, drainable } = board;
  const { memory, regions } = machine;
  if (!drainable) throw new Error(`the board ${BOARD.name} has nothing to drain`);
  const nested = board.smmus.map(({ smmu }) => smmu).filter((smmu) => smmu instanceof NestedSmmu);
  const run = async (budget: number) => {
    if ((await machine.run(budget)) !== 'running')
      throw new Error(`machine ${name}: ${machine.status}`, { cause: machine.error });
  };
  await machine.boot();
  await run(BRING_UP);
  if (failed.length > 0) throw new Error(`machine ${name}: ${failed.join(', ')}`);
  const [results = 0, source = 0, destination = 0] = data.map((gpa) =>
    offsetOfGpa(regions, gpa, 1),
  );
  return {
    transport,
    vcpus,
    ids,
    board,
    dmaSource: { iova: DMA_SOURCE, scatteredIova: DMA_SCATTERED_SOURCE, offset: source },
    dmaTarget: { iova: DMA_TARGET, scatteredIova: DMA_SCATTERED_TARGET, offset: destination },
    async measure(plan) {
      await run(budgetOf(plan));
      const [failures = 0, exitsTaken = 0, doorbells = 0] = data;
      if (failures > 0) throw new Error(`machine ${name}: ${failures} batches failed`);
      const samples = [...new Float64Array(memory.buffer, results, plan.samples * plan.vcpus)];
      return { samples, exits: exitsTaken, doorbells };
    },
    async withDrainThread(use) {
      await side.attach(drainable);
      try {
        await use();
      } finally {
        await side.detach(machine);
      }
    },
    dmaPort() {
      const [port] = machine.devices.placements.flatMap(({ dmaPort }) => dmaPort ?? []);
      if (!port) throw new Error(`the board ${BOARD.name} has no bus master`);
      return port;
    },
    invalidateIommu() {
      for (const smmu of nested) smmu.invalidateAll();
    },
    async end() {
      try {
        await machine.run(POWER_OFF);
      } finally {
        await side.stop();
        board.destroy();
      }
    },
  };
}

async function prepare(): Promise<Shared> {
  const options = [
    '--initialMemory',
    GUEST_PAGES,
    '--maximumMemory',
    GUEST_PAGES,
    '--memoryBase',
    '1048576',
    '--exportStart',
    '_initialize',
  ];
  const guest = await compileGuest('paths', ...options);
  const secondary = new Uint8Array(await readFile(SECONDARY));
  return { guest, secondary, modules: await loadHotModules(), exits: new ExitServer() };
}

/** Starts two inline machines, the second with a trace. */
export async function startTracePair(
  ending: Ending,
): Promise<readonly [off: BenchMachine, on: BenchMachine]> {
  const shared = await prepare();
  return [
    ending(await startMachine(shared, 'inline', 1)),
    ending(await startMachine(shared, 'inline', 1, { traced: true })),
  ];
}

/** Starts a machine with this many vCPUs on threads. */
export async function startThreadedMachine(vcpus: number): Promise<BenchMachine> {
  return startMachine(await prepare(), 'mailbox', vcpus);
}

/** Starts an inline machine. */
export async function startInline(): Promise<BenchMachine> {
  return await startMachine(await prepare(), 'inline', 1);
}

/**
 * Starts three inline machines, the second with ECMDQs and the third with Grace's ID
 * registers, and machines with 1 to MAX_VCPUS vCPUs on threads.
 */
export async function startMachines(ending: Ending): Promise<BenchMachine[]> {
  const shared = await prepare();
  const machines = [
    ending(await startMachine(shared, 'inline', 1)),
    ending(await startMachine(shared, 'inline', 1, { queues: 'ecmdq' })),
    ending(await startMachine(shared, 'inline', 1, { ids: 'grace' })),
  ];
  for (let vcpus = 1; vcpus <= MAX_VCPUS; vcpus++)
    machines.push(ending(await startMachine(shared, 'mailbox', vcpus)));
  return machines;
}

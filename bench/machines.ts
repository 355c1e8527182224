// The machines of the path measurements: one for each transport and number of vCPUs, each
// with the same guest and with a host of its own, as a CMD_SYNC looks at every thread of
// its host.

import { readFile } from 'node:fs/promises';
import { type HotModules, loadHotModules } from '../assembly/load.ts';
import type { DmaPort } from '../devices/plugin/index.ts';
import { GRACE_ID_REGISTERS } from '../devices/smmuv3/index.ts';
import {
  createToyMachine,
  type Queues,
  TOY_RAM_GPA_BASE,
  type ToyMachine,
} from '../vmm/boards/index.ts';
import { VmHost } from '../vmm/nested/index.ts';
import { ExitServer, SideCore } from '../vmm/threads/index.ts';
import { Trace } from '../vmm/trace/index.ts';
import { type GuestImage, loadGuestImage } from '../vmm/vcpu/wasm/index.ts';
import { compileGuest } from './guest-module.ts';

export type Transport = 'inline' | 'mailbox';
export type Path = 'direct' | 'ecmdq' | 'trapped';

/** What one run of the guest measures. */
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
}

/** What came of it. */
export interface Sampled {
  /** Nanoseconds for one batch, in the order in which a vCPU took them, one vCPU behind the other. */
  readonly samples: readonly number[];
  readonly exits: number;
  readonly doorbells: number;
}

/** A buffer of DMA_BYTES of the guest that its DMA stream maps page by page. */
export interface DmaBuffer {
  readonly iova: number;
  /** In guest memory. */
  readonly offset: number;
}

export const DMA_BYTES = 1024 * 4096;
// As bench/guest/paths has them.
const DMA_SOURCE = 0x2_0000_0000;
const DMA_TARGET = 0x2_4000_0000;
const DMA_STREAM = 8;

export interface BenchMachine {
  readonly transport: Transport;
  readonly vcpus: number;
  readonly ids: IdRegisters;
  readonly target: ToyMachine;
  readonly dmaSource: DmaBuffer;
  readonly dmaTarget: DmaBuffer;
  measure(plan: Plan): Promise<Sampled>;
  /** Has the drain on a thread of its own for as long as `use` takes. */
  withDrainThread(use: () => Promise<void>): Promise<void>;
  /** A DMA port of the stream that maps the buffers. */
  dmaPort(): DmaPort;
  end(): Promise<void>;
}

const MAX_VCPUS = 4;
const VINTFS = 16;
/** Pages of 64 KiB, as the program of the secondary vCPUs wants them. */
const GUEST_PAGES = '512';
const SECONDARY = new URL('../guest-driver/secondary.wasm', import.meta.url);

/** Budgets of the first run and of the last. */
const BRING_UP = 1;
const POWER_OFF = 0;

function budgetOf({ path, vcpus, queues, batch, log2batches, samples }: Plan): number {
  return (
    batch |
    (log2batches << 8) |
    (samples << 12) |
    (vcpus << 20) |
    (queues << 23) |
    ((path === 'trapped' ? 1 : 0) << 26)
  );
}

/** What the machines have in common. */
interface Shared {
  readonly image: GuestImage;
  readonly secondary: WebAssembly.Module;
  readonly modules: HotModules;
  readonly exits: ExitServer;
}

/** Units of the trace ring, as the API's hosts have them. */
const TRACE_UNITS = 2 ** 18;

/** Whose ID registers a host's SMMU has: the models' default, or NVIDIA Grace's, which has no range invalidation. */
export type IdRegisters = 'default' | 'grace';

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
  const { image, secondary, modules, exits } = shared;
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
  const target = createToyMachine({
    host,
    name,
    index: 0,
    image,
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
  const { machine, vm } = target;
  const run = async (budget: number) => {
    if ((await machine.run(budget)) !== 'running')
      throw new Error(`machine ${name}: ${machine.status}`, { cause: machine.error });
  };
  await machine.boot();
  await run(BRING_UP);
  if (failed.length > 0) throw new Error(`machine ${name}: ${failed.join(', ')}`);
  const [results = 0, source = 0, destination = 0] = data.map((gpa) => gpa - TOY_RAM_GPA_BASE);
  return {
    transport,
    vcpus,
    ids,
    target,
    dmaSource: { iova: DMA_SOURCE, offset: source },
    dmaTarget: { iova: DMA_TARGET, offset: destination },
    async measure(plan) {
      await run(budgetOf(plan));
      const [failures = 0, exitsTaken = 0, doorbells = 0] = data;
      if (failures > 0) throw new Error(`machine ${name}: ${failures} batches failed`);
      const samples = [...new Float64Array(vm.memory.buffer, results, plan.samples * plan.vcpus)];
      return { samples, exits: exitsTaken, doorbells };
    },
    async withDrainThread(use) {
      await side.attach(target);
      await use();
      await side.detach(machine);
    },
    dmaPort: () => host.dmaPort(target.viommu, DMA_STREAM),
    async end() {
      await machine.run(POWER_OFF);
      await side.stop();
      target.destroy();
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
  const image = await loadGuestImage(await compileGuest('paths', ...options));
  const secondary = await WebAssembly.compile(await readFile(SECONDARY));
  return { image, secondary, modules: await loadHotModules(), exits: new ExitServer() };
}

/** Two inline ones, the second with a trace. */
export async function startTracePair(): Promise<readonly [off: BenchMachine, on: BenchMachine]> {
  const shared = await prepare();
  return [
    await startMachine(shared, 'inline', 1),
    await startMachine(shared, 'inline', 1, { traced: true }),
  ];
}

/** Three inline ones, the second with ECMDQs, the third with Grace's ID registers, and one with 1 to MAX_VCPUS vCPUs on threads each. */
export async function startMachines(): Promise<BenchMachine[]> {
  const shared = await prepare();
  const machines = [
    await startMachine(shared, 'inline', 1),
    await startMachine(shared, 'inline', 1, { queues: 'ecmdq' }),
    await startMachine(shared, 'inline', 1, { ids: 'grace' }),
  ];
  for (let vcpus = 1; vcpus <= MAX_VCPUS; vcpus++)
    machines.push(await startMachine(shared, 'mailbox', vcpus));
  return machines;
}

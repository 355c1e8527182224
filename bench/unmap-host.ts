// SPDX-License-Identifier: MIT
// The unmap benchmark in the host's kernel: threads act as its processors, each with its
// own domain, on VCMDQs of the host's VINTF.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type HotModules, loadHotModules } from '../assembly/load.ts';
import { SYSTEM_CLOCK } from '../devices/bus/index.ts';
import { createHostMemory, QueueBlock, Unit } from '../devices/unit/index.ts';
import { HostRam } from '../host/hardware/host-ram.ts';
import { PhysicalIommu } from '../host/kernel/physical-iommu.ts';

/** Options of a processor. */
export interface ProcessorOptions {
  readonly modules: HotModules;
  readonly hostMemory: WebAssembly.Memory;
  /** Its thread block, and its ASID. */
  readonly thread: number;
  /** PA of the memory for its page tables, which the page that it maps follows. */
  readonly tables: number;
  /** ROUND_*; the first word is raised to begin a round. */
  readonly round: SharedArrayBuffer;
  /** A lock and a count of entries for each VCMDQ, LOCK_WORDS words apart. */
  readonly locks: SharedArrayBuffer;
}

/** Words of `round`. */
export const ROUND_GO = 0;
/** Processors that are ready: they begin together. */
export const ROUND_READY = 1;
/** Threads, queues, pages, unmaps. */
export const ROUND_PLAN = 2;
const ROUND_WORDS = 6;

/** A cache line. */
export const LOCK_WORDS = 16;
export const LOCK_TAKEN = 0;
export const LOCK_SENT = 1;

export const TABLE_BYTES = 0x10000;
const PAGE_BYTES = 0x1000;
const QUEUES = 4;

export interface HostUnmapPlan {
  readonly threads: number;
  /** Number of VCMDQs that they use: processor modulo queues. */
  readonly queues: number;
  readonly pages: number;
  readonly unmaps: number;
}

/**
 * Milliseconds of all unmaps of a processor, and the part of it for issuing and waiting.
 */
export interface HostUnmapTimes {
  readonly unmap: number;
  readonly invalidation: number;
}

export interface UnmapHost {
  /** The times of each processor. */
  measure(plan: HostUnmapPlan): Promise<readonly HostUnmapTimes[]>;
  end(): Promise<void>;
}

/** Starts a host of this many processors, whose kernel has booted. */
export async function startUnmapHost(processors: number): Promise<UnmapHost> {
  const modules = await loadHotModules();
  const hostMemory = createHostMemory({ ramSize: 0x1000000 });
  const unit = new Unit({ modules, hostMemory, thread: 0 });
  const ram = new HostRam(hostMemory);
  // Boots the IOMMU, which sets up the VCMDQs of its VINTF.
  new PhysicalIommu({
    unit,
    smmuIndex: 0,
    vintfs: 1,
    vcmdqs: QUEUES,
    ram,
    clock: SYSTEM_CLOCK,
    unitOf: (window) => (window === 0 ? unit : undefined),
    pinVmid: () => {
      throw new Error('stage 1 has no VMID of its own');
    },
  });
  const vcmdqs = Array.from({ length: QUEUES }, (_, i) => new QueueBlock(hostMemory, 0, i));
  const commands = () => vcmdqs.reduce((sum, { counts }) => sum + counts.commands, 0);
  const round = new SharedArrayBuffer(4 * ROUND_WORDS);
  const locks = new SharedArrayBuffer(4 * LOCK_WORDS * QUEUES);
  const words = new Int32Array(round);
  const workers = await Promise.all(
    Array.from({ length: processors }, async (_, i) => {
      const workerData: ProcessorOptions = {
        modules,
        hostMemory,
        thread: 1 + i,
        tables: ram.allocate(TABLE_BYTES + PAGE_BYTES, TABLE_BYTES),
        round,
        locks,
      };
      const worker = new Worker(new URL('./unmap-worker.js', import.meta.url), { workerData });
      await once(worker, 'message');
      return worker;
    }),
  );
  const begin = (go: number) => {
    Atomics.store(words, ROUND_GO, go);
    Atomics.notify(words, ROUND_GO);
  };
  return {
    async measure({ threads, queues, pages, unmaps }) {
      words.set([threads, queues, pages, unmaps], ROUND_PLAN);
      words[ROUND_READY] = 0;
      const before = commands();
      const answers = workers.map((worker) => once(worker, 'message'));
      begin(Atomics.load(words, ROUND_GO) + 1);
      const times = (await Promise.all(answers)).map(([answer]) => answer as HostUnmapTimes);
      const ran = commands() - before;
      if (ran !== threads * unmaps * (pages + 1))
        throw new Error(`the VCMDQs have run ${ran} commands`);
      return times.slice(0, threads);
    },
    async end() {
      begin(-1);
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

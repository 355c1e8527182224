// SPDX-License-Identifier: MIT
// The setup of the stress tests: one machine, one VCMDQ, 8192 mapped pages, and workers
// that have units of their own on the same memories.

import { Worker } from 'node:worker_threads';
import type { HotModules } from '../../assembly/load.ts';
import { Harness, RAM_GPA, WINDOW } from '../support/unit-harness.ts';

/** Factor of the tests' duration: VSMMU_STRESS=25 is the full run. */
export const SCALE = Number(process.env.VSMMU_STRESS ?? 1);

export const SID = 5;
/** Mapped pages: 25 bits of VA, 4 KiB each, from IOVA 0. */
export const PAGES = 8192;
export const VINTF = 1;
/** Guest-memory offset of the first of 1024 data pages. */
export const DATA = 0x300000;
// After the ring.
const CD = 0x80203000;
const LEVEL2 = 0x80202000;
const LEVEL3 = 0x80210000;

/** Byte offset in guest memory of a page's descriptor. */
export function pteOffset(page: number): number {
  return LEVEL3 - RAM_GPA + page * 8;
}
/**
 * Descriptor that maps a page to a data page: AF, inner shareable, unprivileged read and
 * write, page.
 */
export function pteOf(data: number): bigint {
  return 0x1_8030_0f47n + (BigInt(data) << 12n);
}

export class Board extends Harness {
  readonly #modules: HotModules;
  readonly #workers: Worker[] = [];
  readonly queue;
  readonly context;

  constructor(modules: HotModules, log2size = 8) {
    super(modules, { thread: 1 });
    this.#modules = modules;
    // Stage 1 only, VMID 7: T0SZ 39 starts at level 2.
    this.ste(SID, [0x1_8020_300bn, 0xd6n, 7n]);
    this.guestRam64(CD, (0x0001_6205_c000_3510n & ~0x3fn) | 39n | (1n << 45n));
    this.guestRam64(CD + 8, 0x1_0000_0000n | BigInt(LEVEL2));
    for (let table = 0; table < PAGES / 512; table++) {
      this.guestRam64(LEVEL2 + table * 8, 0x1_0000_0003n | BigInt(LEVEL3 + table * 0x1000));
    }
    for (let page = 0; page < PAGES; page++) this.map(page, page % 1024);
    const { queue, context } = this.vcmdq(0, VINTF, { log2size });
    this.queue = queue;
    this.context = context;
  }

  map(page: number, data: number): void {
    this.guestBytes.setBigUint64(pteOffset(page), pteOf(data), true);
  }

  /**
   * Starts a role of worker.mjs with a thread block of its own.
   * @returns the worker, its first message ("ready"), and its result.
   */
  start(
    role: string,
    thread: number,
    options: object = {},
  ): { worker: Worker; ready: Promise<unknown>; result: Promise<unknown> } {
    const regions = [{ gpa: RAM_GPA + 0x100000, offset: 0x100000, size: 0x700000 }];
    const { modules = this.#modules } = options as { modules?: HotModules };
    const unit = {
      modules,
      hostMemory: this.hostMemory,
      thread,
      guest: { memory: this.guestMemory, regions, window: WINDOW },
    };
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
      workerData: { role, unit, smmu: this.smmu, ...options },
    });
    this.#workers.push(worker);
    const next = (kind: string) =>
      new Promise<unknown>((resolve, reject) => {
        worker.on('message', (message) => message.kind === kind && resolve(message.value));
        worker.once('error', reject);
        worker.once('exit', () => reject(new Error(`${role} ended without ${kind}`)));
      });
    const [ready, result] = [next('ready'), next('result')];
    // A test that awaits only one of them must not fail because of the other.
    for (const promise of [ready, result]) promise.catch(() => undefined);
    return { worker, ready, result };
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

// SPDX-License-Identifier: MIT
// A worker with machines, or with machines in the making.

import { proxy, type Remote, wrap } from 'comlink';
import type { Settings } from '../demo-settings.ts';
import type { PickedGuest, SessionFacts, Sink, Vmm } from '../protocol.ts';
import { WORKER_THERE } from './loading-bar.ts';

/** Time for a guest to initialize itself, when the worker’s program is loaded. */
const BOOT_MS = 10_000;

export class VmmWorker {
  readonly settings: Settings;
  readonly guest: PickedGuest | undefined;
  readonly vmm: Remote<Vmm>;
  readonly #worker: Worker;
  readonly #sink: Sink;
  #late: ReturnType<typeof setTimeout> | undefined;
  /** Rejects when the worker fails. */
  readonly #broken: Promise<never>;
  #accept: () => void = () => undefined;
  #ended = false;

  /**
   * Calls to `sink` wait until `accept`, and are dropped after `end`. `failed` is called
   * for a worker that fails later on.
   */
  constructor(
    settings: Settings,
    guest: PickedGuest | undefined,
    sink: Sink,
    failed: (error: unknown) => void,
  ) {
    this.settings = settings;
    this.guest = guest;
    this.#worker = new Worker(new URL('../vmm/session-worker.ts', import.meta.url), {
      type: 'module',
      name: 'vsmmu VMM',
    });
    this.vmm = wrap<Vmm>(this.#worker);
    const accepted = new Promise<void>((resolve) => {
      this.#accept = resolve;
    });
    // Messages may arrive after the worker's end: a picture of former machines would
    // replace the last one of the current machines.
    const pass = async (tell: () => Promise<void>) => {
      await accepted;
      if (!this.#ended) await tell();
    };
    this.#sink = {
      output: (vm, output) => pass(() => sink.output(vm, output)),
      picture: (picture) => pass(() => sink.picture(picture)),
    };
    this.#broken = new Promise<never>((_, reject) => {
      this.#worker.addEventListener('error', (event) =>
        reject(new Error(event.message || 'the worker failed')),
      );
    });
    this.#broken.catch(failed);
  }

  /** @throws {Error} one line about why there are no machines. */
  async boot(): Promise<SessionFacts> {
    await Promise.race([this.vmm.ready(), this.#broken]);
    performance.mark(WORKER_THERE);
    await Promise.race([this.vmm.load(this.settings, this.guest), this.#broken]);
    const late = new Promise<never>((_, reject) => {
      if (this.#ended) return;
      this.#late = setTimeout(
        () => reject(new Error(`it has not booted within ${BOOT_MS / 1000} s`)),
        BOOT_MS,
      );
    });
    return await Promise.race([
      this.vmm.boot(this.settings, this.guest, proxy(this.#sink)),
      this.#broken,
      late,
    ]);
  }

  /** Lets the page see what the machines do. */
  accept(): void {
    clearTimeout(this.#late);
    this.#accept();
  }

  /** Ends the worker and everything that it has. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#late);
    this.#worker.terminate();
  }
}

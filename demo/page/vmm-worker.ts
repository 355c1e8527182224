// SPDX-License-Identifier: MIT
// A worker with machines, made or in the making.

import { proxy, type Remote, wrap } from 'comlink';
import type { Settings } from '../demo-settings.ts';
import type { PickedGuest, SessionFacts, Sink, Vmm } from '../protocol.ts';
import { WORKER_THERE } from './loading-bar.ts';

/** How long a guest may take to initialize itself, once the worker’s program is there. */
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
   * What `sink` is told waits until `accept`, and is told to nobody after `end`. `failed` hears of a
   * worker that fails later on.
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
    // Messages under way outlive the worker: a picture of machines that have gone would take the place
    // of the last one of those that are there.
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

  /** @throws {Error} one line that says why there are no machines. */
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

  /** Ends the worker and all that it has. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#late);
    this.#worker.terminate();
  }
}

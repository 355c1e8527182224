// The vCPUs of a machine together: which of them run, pausing and ending them.

import { MachineError } from '../../devices/plugin/index.ts';
import type { Vcpu, VcpuEntry } from './vcpu.ts';

/** How long a running machine may take to come to a safe point. */
const PAUSE_LIMIT_MS = 1000;

export class VcpuSet {
  readonly #vcpus: readonly Vcpu[];
  /** By vCPU: it has been started and is not off. */
  readonly #on: boolean[];

  /** vCPU 0 is on, as after a boot. */
  constructor(vcpus: readonly Vcpu[] = []) {
    this.#vcpus = vcpus;
    this.#on = vcpus.map(({ index }) => index === 0);
  }

  at(vcpu: number): Vcpu | undefined {
    return this.#vcpus[vcpu];
  }

  isOn(vcpu: number): boolean {
    return this.#on[vcpu] ?? false;
  }

  setOff(vcpu: number): void {
    this.#on[vcpu] = false;
  }

  /** Secondary vCPUs that are on. */
  get secondaries(): readonly Vcpu[] {
    return this.#vcpus.filter(({ index }) => index > 0 && this.#on[index]);
  }

  /** Starts a secondary vCPU that is off. False when there is none of this number, or it is on. */
  start(vcpu: number, entry: VcpuEntry): boolean {
    const target = this.#vcpus[vcpu];
    if (vcpu < 1 || !target || this.#on[vcpu]) return false;
    const ready = target.reset(entry);
    // Those of today's kinds are ready at once; one that is not would be started before it is.
    if (ready instanceof Promise) throw new TypeError(`vCPU ${vcpu} cannot be started at once`);
    this.#on[vcpu] = true;
    return true;
  }

  /** Has them leave the guest and end; one that does not come to a safe point in time is terminated. */
  interrupt(failed: (cause: unknown) => void): void {
    for (const vcpu of this.#vcpus) vcpu.stop().catch(failed);
  }

  /** Ends all of them. */
  async end(): Promise<void> {
    await Promise.all(this.#vcpus.map((vcpu) => vcpu.stop()));
  }

  /**
   * Resolves when all stand still.
   * @param nudge called until they do.
   * @throws {MachineError} when one does not come to a safe point in time; all then go on.
   */
  async pause(nudge: () => void): Promise<void> {
    for (const vcpu of this.#vcpus) vcpu.setPaused(true);
    const limit = performance.now() + PAUSE_LIMIT_MS;
    for (let late = this.#moving(); late; late = this.#moving()) {
      if (performance.now() > limit) {
        this.resume();
        throw new MachineError(
          `guest vCPU ${late.index}`,
          `no safe point within ${PAUSE_LIMIT_MS} ms`,
        );
      }
      nudge();
      await new Promise((resolve) => {
        setTimeout(resolve, 1);
      });
    }
  }

  /** The first vCPU that still runs. */
  #moving(): Vcpu | undefined {
    return this.#vcpus.find((vcpu) => !vcpu.still);
  }

  resume(): void {
    for (const vcpu of this.#vcpus) vcpu.setPaused(false);
  }
}

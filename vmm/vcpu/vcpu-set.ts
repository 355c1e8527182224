// SPDX-License-Identifier: MIT
// The set of a machine's vCPUs: which of them run, and pausing and ending them.

import { MachineError } from '../../devices/plugin/index.ts';
import type { Vcpu, VcpuEntry } from './vcpu.ts';

/** Time limit for a running machine to reach a safe point. */
const PAUSE_LIMIT_MS = 1000;

/** `starting`: it has been started, and its reset is not complete. */
type Power = 'off' | 'starting' | 'on';

/** Callbacks for a vCPU that is started; one of the two is called, once. */
export interface VcpuStart {
  /** It is at its entry point, and may run. */
  ready(vcpu: Vcpu): void;
  /** Its reset has failed: it is off again. */
  failed(cause: unknown): void;
}

export class VcpuSet {
  readonly #vcpus: readonly Vcpu[];
  readonly #power: Power[];

  #isPaused = false;
  readonly #standing: (stand: boolean) => void;

  /**
   * vCPU 0 is on, as after a boot.
   * @param standing called with true when all are paused and none runs, with false before
   *   they may run again, and with false now.
   */
  constructor(vcpus: readonly Vcpu[] = [], standing: (stand: boolean) => void = () => undefined) {
    this.#vcpus = vcpus;
    this.#standing = standing;
    standing(false);
    this.#power = vcpus.map(({ index }) => (index === 0 ? 'on' : 'off'));
  }

  at(vcpu: number): Vcpu | undefined {
    return this.#vcpus[vcpu];
  }

  /** It has been started, and may run until it is off. */
  isOn(vcpu: number): boolean {
    return this.#power[vcpu] === 'on';
  }

  setOff(vcpu: number): void {
    this.#power[vcpu] = 'off';
  }

  /** Secondary vCPUs that have been started and are not off. */
  get secondaries(): readonly Vcpu[] {
    return this.#vcpus.filter(({ index }) => index > 0 && this.#power[index] !== 'off');
  }

  /**
   * Starts a secondary vCPU that is off. A second start before its reset is complete is
   * refused, like that of a running vCPU.
   * @returns false when there is none with this number, or it is not off.
   */
  start(vcpu: number, entry: VcpuEntry, { ready, failed }: VcpuStart): boolean {
    const target = this.#vcpus[vcpu];
    if (vcpu < 1 || !target || this.#power[vcpu] !== 'off') return false;
    const on = () => {
      this.#power[vcpu] = 'on';
      ready(target);
    };
    const reset = target.reset(entry);
    if (!(reset instanceof Promise)) {
      on();
      return true;
    }
    this.#power[vcpu] = 'starting';
    reset.then(on, (cause: unknown) => {
      this.#power[vcpu] = 'off';
      failed(cause);
    });
    return true;
  }

  /**
   * Makes them leave the guest and end; one that does not reach a safe point in time is
   * terminated.
   */
  interrupt(failed: (cause: unknown) => void): void {
    for (const vcpu of this.#vcpus) vcpu.stop().catch(failed);
  }

  /** Ends all of them. */
  async end(): Promise<void> {
    await Promise.all(this.#vcpus.map((vcpu) => vcpu.stop()));
  }

  /**
   * Resolves when all have stopped.
   * @param nudge called until they have.
   * @throws {MachineError} when one does not reach a safe point in time; all then
   *   continue.
   */
  async pause(nudge: () => void): Promise<void> {
    this.#isPaused = true;
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
    if (this.#isPaused) this.#standing(true);
  }

  /** The first vCPU that still runs. */
  #moving(): Vcpu | undefined {
    return this.#vcpus.find((vcpu) => !vcpu.still);
  }

  resume(): void {
    this.#isPaused = false;
    this.#standing(false);
    for (const vcpu of this.#vcpus) vcpu.setPaused(false);
  }
}

// SPDX-License-Identifier: MIT
// A drain with its own thread sleeps while no arm64 vCPU could ring: a store to a direct
// map does not wake it, but a vCPU that may make one announces it first.

import {
  ARM64_AWAKE,
  ARM64_DRAIN_SLEEPING,
  ARM64_DRAIN_WAKE,
  ARM64_VCPU_SIZE,
} from '../../../assembly/layout/arm64-state.ts';
import { type DrainSleepWords, wakeDrain } from '../guest.ts';
import type { Arm64Memory } from './arm64-memory.ts';

/** The words of a machine by which its vCPUs wake the drain. */
export const arm64DrainSleep = ({
  cpus,
  vcpus,
}: Pick<Arm64Memory, 'cpus' | 'vcpus'>): DrainSleepWords => ({
  sleeping: cpus + ARM64_DRAIN_SLEEPING,
  wake: cpus + ARM64_DRAIN_WAKE,
  awake: { offset: cpus + ARM64_AWAKE, count: vcpus, stride: ARM64_VCPU_SIZE },
});

/** Whether a vCPU may ring; for vCPUs that take turns, whether any of them may. */
export class AwakeVcpu {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #drain: DrainSleepWords;

  constructor({ memory, cpus }: Pick<Arm64Memory, 'memory' | 'cpus'>, vcpu: number) {
    this.#words = new Int32Array(memory.buffer);
    this.#at = (cpus + vcpu * ARM64_VCPU_SIZE + ARM64_AWAKE) >>> 2;
    this.#drain = arm64DrainSleep({ cpus, vcpus: 1 });
  }

  /**
   * Called before it executes anything, and after its last store. The order matters: a
   * drain that has not seen the word has announced before that it sleeps.
   */
  set(isAwake: boolean): void {
    Atomics.store(this.#words, this.#at, isAwake ? 1 : 0);
    if (isAwake) wakeDrain(this.#words, this.#drain);
  }
}

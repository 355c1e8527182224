// SPDX-License-Identifier: MIT
// The secondary vCPUs of a machine: inline they take turns on the caller's thread; otherwise each
// runs on a thread of its own, and its machine has it run again whenever it comes back.

import type { Vcpu, VcpuEntry, VcpuExit, VcpuSet } from '../vcpu/index.ts';

/** What a secondary vCPU gets for each turn of it. */
const BUDGET = 1;
/** A secondary vCPU with nothing to do, on a thread of its own, is asked again after this. */
const IDLE_MS = 1;

/** What a machine is for its secondary vCPUs. */
export interface SecondariesOwner {
  /** Its vCPUs run on the caller's thread. */
  readonly inline: boolean;
  /** Those of its present boot: a reset machine has others. */
  vcpus(): VcpuSet;
  /** The machine ends: no guest code is entered any more. */
  isLeaving(): boolean;
  /** Has a vCPU run once. */
  slice(vcpu: Vcpu, budget: number): VcpuExit | Promise<VcpuExit>;
  /** A vCPU cannot go on. */
  failed(vcpu: number, cause: unknown): void;
}

export class Secondaries {
  readonly #owner: SecondariesOwner;
  /** Those whose slice is on the stack, inline. */
  readonly #onStack = new Set<number>();

  constructor(owner: SecondariesOwner) {
    this.#owner = owner;
  }

  /**
   * Starts one at its entry. One whose reset takes time runs as soon as that is done.
   * @returns 0, or -1 when there is none of this number or it still runs.
   */
  start(index: number, entry: VcpuEntry): number {
    const vcpus = this.#owner.vcpus();
    const failed = (cause: unknown) => {
      // A machine that has been reset in the meantime does not fail for what was before.
      if (vcpus === this.#owner.vcpus()) this.#owner.failed(index, cause);
    };
    const ready = (vcpu: Vcpu) => {
      if (!this.#owner.inline) this.#runOnThread(vcpus, vcpu).catch(failed);
    };
    return vcpus.start(index, entry, { ready, failed }) ? 0 : -1;
  }

  /**
   * Inline: a slice for each in turn. One that waits itself is on the stack already, and one
   * that ran in the wait of another may be off by now.
   */
  takeTurns(): void {
    const vcpus = this.#owner.vcpus();
    for (const vcpu of vcpus.secondaries) {
      if (this.#owner.isLeaving()) return;
      if (this.#onStack.has(vcpu.index) || !vcpus.isOn(vcpu.index)) continue;
      this.#onStack.add(vcpu.index);
      const exit = this.#owner.slice(vcpu, BUDGET) as VcpuExit;
      this.#onStack.delete(vcpu.index);
      this.#back(vcpus, vcpu, exit);
    }
  }

  /** Until it is off or the machine has been reset. */
  async #runOnThread(vcpus: VcpuSet, vcpu: Vcpu): Promise<void> {
    while (vcpus === this.#owner.vcpus() && vcpus.isOn(vcpu.index)) {
      const exit = await this.#owner.slice(vcpu, BUDGET);
      if (vcpus !== this.#owner.vcpus()) return;
      this.#back(vcpus, vcpu, exit);
      if (exit.reason === 'idle') {
        await new Promise((resolve) => {
          setTimeout(resolve, IDLE_MS);
        });
      }
    }
  }

  #back(vcpus: VcpuSet, vcpu: Vcpu, exit: VcpuExit): void {
    if (exit.reason === 'yield' || exit.reason === 'idle') return;
    vcpus.setOff(vcpu.index);
    if (exit.reason === 'failed') this.#owner.failed(vcpu.index, exit.error);
  }
}

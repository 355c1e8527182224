// SPDX-License-Identifier: MIT
// The secondary vCPUs of a machine: inline they take turns on the caller's thread;
// otherwise each runs on its own thread, and its machine starts it again whenever it
// returns.

import type { Vcpu, VcpuEntry, VcpuExit, VcpuSet } from '../vcpu/index.ts';

/** Budget of a secondary vCPU's turn. */
const BUDGET = 1;
/**
 * A secondary vCPU with nothing to do, on its own thread, is polled again after this
 * time.
 */
const IDLE_MS = 1;

/** Functions of the machine for its secondary vCPUs. */
export interface SecondariesOwner {
  /** Its vCPUs run on the caller's thread. */
  readonly inline: boolean;
  /** The vCPUs of the current boot: a reset creates new ones. */
  vcpus(): VcpuSet;
  /** The machine is ending: no guest code is entered any more. */
  isLeaving(): boolean;
  /** Runs a vCPU once. */
  slice(vcpu: Vcpu, budget: number): VcpuExit | Promise<VcpuExit>;
  /** A vCPU cannot continue. */
  failed(vcpu: number, cause: unknown): void;
}

export class Secondaries {
  readonly #owner: SecondariesOwner;
  /** Inline: vCPUs whose slice is on the stack. */
  readonly #onStack = new Set<number>();

  constructor(owner: SecondariesOwner) {
    this.#owner = owner;
  }

  /**
   * Starts a vCPU at its entry point. If its reset takes time, it runs as soon as that is
   * complete.
   * @returns 0, or -1 when there is none with this number or it still runs.
   */
  start(index: number, entry: VcpuEntry): number {
    const vcpus = this.#owner.vcpus();
    const failed = (cause: unknown) => {
      // A machine that has been reset in the meantime does not fail because of its former
      // vCPU.
      if (vcpus === this.#owner.vcpus()) this.#owner.failed(index, cause);
    };
    const ready = (vcpu: Vcpu) => {
      if (!this.#owner.inline) this.#runOnThread(vcpus, vcpu).catch(failed);
    };
    return vcpus.start(index, entry, { ready, failed }) ? 0 : -1;
  }

  /**
   * Inline: a slice for each in turn; on threads, nothing. A vCPU that is waiting is on
   * the stack already, and one that ran while another waited may be off by now.
   */
  takeTurns(): void {
    if (!this.#owner.inline) return;
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

  /** Runs it until it is off or the machine has been reset. */
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

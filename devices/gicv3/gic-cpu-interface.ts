// SPDX-License-Identifier: MIT
// The CPU interface of a GICv3 for vCPUs of one thread, using the GIC's block in shared
// memory (assembly/gicv3). Each thread that runs a vCPU has its own.

import { GIC_CPU_ASLEEP, GIC_CPU_SIZE, GIC_CPUS } from '../../assembly/layout/gic-memory.ts';
import type { Gicv3Exports } from '../../assembly/load.ts';

/** Place of a GIC that another thread created. */
export interface GicPlace {
  /** From `loadGicv3`. */
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Byte offset of the GIC's block in the memory. */
  readonly at: number;
}

export class GicCpuInterface {
  protected readonly gic: Gicv3Exports;
  readonly #at: number;
  readonly #words: Int32Array;

  constructor({ module, memory, at }: GicPlace) {
    this.gic = new WebAssembly.Instance(module, { env: { memory } })
      .exports as unknown as Gicv3Exports;
    this.#at = at;
    this.#words = new Int32Array(memory.buffer);
  }

  /**
   * Sets whether a thread that makes an interrupt pending for the vCPU has to wake the
   * vCPU's thread.
   */
  setAsleep(vcpu: number, asleep: boolean): void {
    const word = this.#at + GIC_CPUS + vcpu * GIC_CPU_SIZE + GIC_CPU_ASLEEP;
    Atomics.store(this.#words, word >>> 2, asleep ? 1 : 0);
  }

  /**
   * Notifies a vCPU of its interrupts through two words in the same memory.
   * @param pendingAt bit 0 of this word is set, atomically: `irqAsserted` may be true.
   * @param limitAt this word becomes 0 afterwards.
   */
  connect(vcpu: number, pendingAt: number, limitAt: number): void {
    this.gic.connect(this.#at, vcpu, pendingAt, limitAt);
  }

  /**
   * Sets the level of a private interrupt of a vCPU.
   * @param intid 16 to 31.
   */
  setPrivateLine(vcpu: number, intid: number, asserted: boolean): void {
    this.gic.setLine(this.#at, vcpu, intid, asserted ? 1 : 0);
  }

  /** True when the vCPU's IRQ input is asserted. */
  irqAsserted(vcpu: number): boolean {
    return this.gic.irqAsserted(this.#at, vcpu) !== 0;
  }

  /**
   * MRS of a register of the CPU interface.
   * @param register ICC_*: its encoding.
   * @returns undefined when it is UNDEFINED.
   */
  readInterface(vcpu: number, register: number): bigint | undefined {
    const value = this.gic.iccRead(this.#at, vcpu, register);
    return value === -1n ? undefined : value;
  }

  /** MSR of a register of the CPU interface; false when it is UNDEFINED. */
  writeInterface(vcpu: number, register: number, value: bigint): boolean {
    return this.gic.iccWrite(this.#at, vcpu, register, value) !== 0;
  }
}

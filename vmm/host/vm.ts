// A VM as its host's kernel knows it: memory, its window of the physical address map, and the unit that reaches it.

import type { MemoryRegion } from '../../assembly/load.ts';
import type { Unit } from '../../devices/unit/index.ts';

export class Vm {
  readonly name: string;
  /** Window of the physical address map that the VM's memory is, from 1. */
  readonly window: number;
  readonly memory: WebAssembly.Memory;
  readonly regions: readonly MemoryRegion[];
  readonly unit: Unit;
  #stop: ((reason: string) => void) | undefined;

  constructor(name: string, window: number, memory: WebAssembly.Memory, regions: readonly MemoryRegion[], unit: Unit) {
    this.name = name;
    this.window = window;
    this.memory = memory;
    this.regions = regions;
    this.unit = unit;
  }

  /** How the host stops this VM's machine when its policy says so. */
  onStop(stop: (reason: string) => void): void {
    this.#stop = stop;
  }

  stop(reason: string): void {
    this.#stop?.(reason);
  }
}

// An arm64 guest: its vCPU, RAM with what is booted in it, and the time that it has.

import {
  ARM64_EXIT_REQUEST,
  ARM64_MAPS,
  ARM64_POOL,
  ARM64_RAM,
  ARM64_RAM_GPA,
  ARM64_RAM_SIZE,
  ARM64_VCPU_SIZE,
} from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Exports } from '../../../assembly/load.ts';
import type { Clock, InterruptSink } from '../../../devices/bus/index.ts';
import type { ExitRequestWords } from '../../../devices/unit/index.ts';
import type { ExitView, Guest } from '../guest.ts';
import type { Vcpu, VcpuHost } from '../vcpu.ts';
import { Arm64Block } from './arm64-block.ts';
import type { Arm64Board } from './arm64-board.ts';
import { Arm64DirectMaps } from './arm64-direct-maps.ts';
import type { Arm64Memory } from './arm64-memory.ts';
import { COUNTER_HZ } from './arm64-timers.ts';
import { type Arm64Entry, Arm64Vcpu } from './arm64-vcpu.ts';

/** What lies in RAM before the first instruction, and where that is. */
export interface Arm64Program {
  readonly segments: readonly {
    readonly gpa: number;
    readonly bytes: Uint8Array;
  }[];
  /** vCPU 0 begins at EL1h, with everything masked and the MMU off. */
  readonly entry: Arm64Entry;
}

/** What an `Arm64Guest` is made of. */
export interface Arm64GuestOptions {
  /** Of `loadArm64`. */
  readonly module: WebAssembly.Module;
  /** Of `createArm64Memory`, for one vCPU. */
  readonly memory: Arm64Memory;
  readonly board: Arm64Board;
  readonly program: Arm64Program;
  /** The drain of the machine's unit, which stays inside Wasm. Default: there is nothing to drain. */
  readonly drain?: { doorbell(id: number, offset: number): void } | undefined;
  /** Time of the computer, by which its vCPU sleeps. Default: it sleeps no time at all. */
  readonly pace?: Clock | undefined;
}

/** It neither sees its exits, nor says what they are for. */
const NO_EXIT_VIEW: ExitView = {
  counted: () => undefined,
  isInvalidating: () => false,
};
const NS_PER_TICK = 1e9 / COUNTER_HZ;
const NO_DRAIN = { doorbell: () => undefined };

/** How any thread asks the vCPU of a machine for an exit. */
export const arm64ExitRequest = ({ cpus }: Arm64Memory): ExitRequestWords => ({
  count: 1,
  offset: cpus + ARM64_EXIT_REQUEST,
  stride: ARM64_VCPU_SIZE,
  value: 1,
});

export class Arm64Guest implements Guest {
  readonly vcpus = 1;
  readonly inline = true;
  readonly initialSlice = false;
  readonly interrupts: InterruptSink;
  readonly exits = NO_EXIT_VIEW;
  readonly directMaps: Arm64DirectMaps;
  readonly exitRequest: ExitRequestWords;
  readonly drainSleep = undefined;
  /** Time of the guest, which is that of its instructions: what its devices go by. */
  readonly clock: Clock;
  readonly #options: Arm64GuestOptions;
  readonly #block: Arm64Block;
  #vcpu: Arm64Vcpu | undefined;
  #exports: Arm64Exports | undefined;
  /** RAM has what an earlier boot has left there. */
  #isRamUsed = false;

  constructor(options: Arm64GuestOptions) {
    const { memory, board } = options;
    this.#options = options;
    this.interrupts = board.interrupts;
    this.directMaps = new Arm64DirectMaps(memory);
    this.exitRequest = arm64ExitRequest(memory);
    this.#block = new Arm64Block(memory.memory, memory.cpus);
    this.clock = { nowNs: () => Number(this.#vcpu?.timers.now ?? 0n) * NS_PER_TICK };
  }

  describe(): void {
    // It learns of devices from what it boots.
  }

  async start(host: VcpuHost): Promise<readonly Vcpu[]> {
    const { module, memory, board, program, pace, drain = NO_DRAIN } = this.#options;
    const imports = {
      env: { memory: memory.memory },
      board: {
        doorbell: drain.doorbell,
        mmio: (_cpu: number, isWrite: number) => vcpu.mmio(isWrite !== 0),
        register: (_cpu: number, encoding: number, isWrite: number) =>
          vcpu.register(encoding, isWrite !== 0),
      },
    };
    const instance = await WebAssembly.instantiate(module, imports);
    const exports = instance.exports as unknown as Arm64Exports;
    const vcpu = new Arm64Vcpu({
      index: 0,
      block: this.#block,
      affinity: 0n,
      exports,
      host,
      board,
      entry: () => program.entry,
      pace,
      recordsFull: () => this.#emptyPool(),
    });
    this.#exports = exports;
    this.#vcpu = vcpu;
    this.#clearRam();
    this.#load();
    vcpu.reset();
    return [vcpu];
  }

  /** RAM as before the first instruction, and the vCPU at it: a reset of the machine, by itself. */
  restart(): void {
    this.#clearRam();
    this.#load();
    this.#vcpu?.reset();
  }

  #load(): void {
    const { memory, program } = this.#options;
    const { ram, pool } = memory;
    const block = this.#block;
    block.setWord(ARM64_RAM, ram.offset);
    block.setWord(ARM64_RAM_SIZE, ram.size);
    block.setLong(ARM64_RAM_GPA, BigInt(ram.gpa));
    block.setWord(ARM64_POOL, pool);
    block.setWord(ARM64_MAPS, memory.maps);
    for (const { gpa, bytes } of program.segments)
      new Uint8Array(memory.memory.buffer, ram.offset + gpa - ram.gpa, bytes.length).set(bytes);
    this.#emptyPool();
  }

  /** Nothing is decoded any more. */
  #emptyPool(): void {
    const { pool, poolSize, ram } = this.#options.memory;
    this.#exports?.resetPool(pool, poolSize, ram.size);
    this.#exports?.flushFetch(this.#block.at);
  }

  /** Not before it is needed: all of it would become memory of the computer, also of a machine that ends. */
  #clearRam(): void {
    const { memory, ram } = this.#options.memory;
    if (this.#isRamUsed) new Uint8Array(memory.buffer, ram.offset, ram.size).fill(0);
    this.#isRamUsed = true;
  }

  safePoint(): void {
    this.#vcpu?.setIrq();
  }

  setExitRequest(wanted: boolean): void {
    if (wanted) this.#block.setStop(true);
    else this.#block.clearExitRequest();
  }

  reset(): void {
    this.#vcpu = undefined;
    const { memory, cpus } = this.#options.memory;
    new Uint8Array(memory.buffer, cpus, ARM64_VCPU_SIZE).fill(0);
  }
}

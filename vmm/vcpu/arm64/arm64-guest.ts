// SPDX-License-Identifier: MIT
// An arm64 guest: its vCPUs, RAM with its boot contents, and its time.

import { ARM64_POOL_CHECK } from '../../../assembly/layout/arm64-records.ts';
import {
  ARM64_DRAIN_SLEEPING,
  ARM64_DRAIN_WAKE,
  ARM64_EXIT_REQUEST,
  ARM64_MAPS,
  ARM64_PEER_COUNT,
  ARM64_PEERS,
  ARM64_POOL,
  ARM64_RAM,
  ARM64_RAM_GPA,
  ARM64_RAM_SIZE,
  ARM64_THREADED,
  ARM64_VCPU_SIZE,
} from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Exports } from '../../../assembly/load.ts';
import type { Clock, InterruptSink } from '../../../devices/bus/index.ts';
import type { ExitRequestWords } from '../../../devices/unit/index.ts';
import type { DrainSleepWords, ExitView, Guest } from '../guest.ts';
import type { Vcpu, VcpuHost } from '../vcpu.ts';
import { Arm64Block } from './arm64-block.ts';
import type { Arm64Board } from './arm64-board.ts';
import { Arm64Counter, COUNTER_HZ } from './arm64-counter.ts';
import type { Arm64Entry } from './arm64-cpu.ts';
import { Arm64Debugger } from './arm64-debugger.ts';
import { Arm64DirectMaps } from './arm64-direct-maps.ts';
import { AwakeVcpu, arm64DrainSleep } from './arm64-drain-sleep.ts';
import { Arm64HostTime } from './arm64-host-time.ts';
import type { Arm64Memory } from './arm64-memory.ts';
import { Arm64Parallel } from './arm64-parallel.ts';
import { Arm64RoundRobin } from './arm64-round-robin.ts';
import type { Arm64Transport } from './arm64-transport.ts';
import { Arm64Vcpu } from './arm64-vcpu.ts';
import { PostedServer } from './posted-registers.ts';
import { createRegionTable, type RegionTable } from './region-table.ts';
import { type StaleInstruction, StaleInstructions } from './stale-instruction.ts';
import type { Arm64Regions } from './translator/index.ts';

/** Contents of RAM before the first instruction, and the entry point. */
export interface Arm64Program {
  readonly segments: readonly {
    readonly gpa: number;
    readonly bytes: Uint8Array;
  }[];
  /**
   * vCPU 0 starts at EL1h, with everything masked and the MMU off; the others are off.
   */
  readonly entry: Arm64Entry;
}

/** What an `Arm64Guest` is built from. */
export interface Arm64GuestOptions {
  /** From `loadArm64`. */
  readonly module: WebAssembly.Module;
  /** From `createArm64Memory`. */
  readonly memory: Arm64Memory;
  /** MPIDR_EL1 of a vCPU without its fixed bits. */
  affinityOf(vcpu: number): number;
  readonly board: Arm64Board;
  readonly program: Arm64Program;
  /**
   * The drain of the machine's unit, which stays inside WebAssembly. Default: there is
   * nothing to drain.
   */
  readonly drain?: { doorbell(id: number, offset: number): void } | undefined;
  /**
   * Clock of the computer, by which its vCPUs sleep. Default: a sleep takes no real time.
   */
  readonly pace?: Clock | undefined;
  /**
   * Translates frequently executed code to WebAssembly; `eager` translates any code after
   * its first branch target, so that short programs are translated too. vCPUs on threads
   * are interpreted. Default true.
   */
  readonly translate?: boolean | 'eager' | undefined;
  /**
   * Runs its vCPUs on their own threads. Default: they take turns on the machine's
   * thread.
   */
  readonly threads?: Arm64Transport | undefined;
  /**
   * Called with the results of the instruction cache check. Default: nothing is checked.
   */
  readonly onStaleInstruction?: ((found: StaleInstruction) => void) | undefined;
}

/** It neither sees its exits, nor names their targets. */
const NO_EXIT_VIEW: ExitView = {
  counted: () => undefined,
  isInvalidating: () => false,
};
const NS_PER_TICK = 1e9 / COUNTER_HZ;
const NO_DRAIN = { doorbell: () => undefined };

/** How any thread requests an exit of a machine's vCPUs. */
export const arm64ExitRequest = ({ cpus, vcpus }: Arm64Memory): ExitRequestWords => ({
  count: vcpus,
  offset: cpus + ARM64_EXIT_REQUEST,
  stride: ARM64_VCPU_SIZE,
  value: 1,
});

export class Arm64Guest implements Guest {
  readonly vcpus: number;
  readonly inline: boolean;
  readonly initialSlice = false;
  readonly interrupts: InterruptSink;
  readonly exits = NO_EXIT_VIEW;
  readonly directMaps: Arm64DirectMaps;
  readonly exitRequest: ExitRequestWords;
  readonly drainSleep: DrainSleepWords;
  /** Clock of the guest, which counts its instructions: the clock of its devices. */
  readonly clock: Clock;
  /** For a debugger on the host. */
  readonly debug: Arm64Debugger;
  readonly #options: Arm64GuestOptions;
  readonly #blocks: readonly [Arm64Block, ...Arm64Block[]];
  readonly #counter: Arm64Counter;
  readonly #time: Arm64HostTime;
  readonly #stale: StaleInstructions | undefined;
  #vcpus: readonly Arm64Vcpu[] = [];
  #turns: Arm64RoundRobin | undefined;
  #parallel: Arm64Parallel | undefined;
  readonly #posted: PostedServer | undefined;
  /** Sets vCPU 0 to its entry point and switches the others off. */
  #begin: () => void = () => undefined;
  #exports: Arm64Exports | undefined;
  #regions: Arm64Regions | undefined;
  /** RAM contains data of an earlier boot. */
  #isRamUsed = false;

  constructor(options: Arm64GuestOptions) {
    const { memory, board } = options;
    this.#options = options;
    this.vcpus = memory.vcpus;
    this.interrupts = board.interrupts;
    this.exitRequest = arm64ExitRequest(memory);
    this.drainSleep = arm64DrainSleep(memory);
    const { onStaleInstruction } = options;
    this.#stale = onStaleInstruction && new StaleInstructions(onStaleInstruction);
    const blockOf = (vcpu: number) =>
      new Arm64Block(memory.memory, memory.cpus + vcpu * ARM64_VCPU_SIZE);
    const first = blockOf(0);
    const others = Array.from({ length: memory.vcpus - 1 }, (_, i) => blockOf(i + 1));
    this.#blocks = [first, ...others];
    this.debug = new Arm64Debugger(memory, this.#blocks);
    this.inline = options.threads === undefined;
    this.directMaps = new Arm64DirectMaps(memory, this.inline ? [] : this.#blocks);
    this.#posted = this.inline || !board.posted ? undefined : new PostedServer(board.posted);
    this.#time = new Arm64HostTime(memory, performance.timeOrigin);
    this.#counter = new Arm64Counter(first);
    this.clock = { nowNs: () => Number((this.#parallel ?? this.#counter).now) * NS_PER_TICK };
  }

  describe(): void {
    // The guest finds its devices by its boot data.
  }

  async start(host: VcpuHost, signal: AbortSignal): Promise<readonly Vcpu[]> {
    return this.#options.threads
      ? await this.#startThreads(this.#options.threads, host, signal)
      : await this.#startInline(host);
  }

  async #startThreads(
    threads: Arm64Transport,
    host: VcpuHost,
    signal: AbortSignal,
  ): Promise<readonly Vcpu[]> {
    const { module, memory, board, program, affinityOf } = this.#options;
    // It runs nothing here: it implements operations that are done while no vCPU runs.
    const instance = await WebAssembly.instantiate(module, {
      env: { memory: memory.memory, table: createRegionTable() },
      board: { doorbell: () => undefined, mmio: () => 0, register: () => 0 },
    });
    const exports = instance.exports as unknown as Arm64Exports;
    const parallel = new Arm64Parallel({
      blocks: this.#blocks,
      exports,
      host,
      board,
      time: this.#time,
      posted: this.#posted,
      affinityOf,
      forgetCode: () => this.#emptyPool(),
    });
    const threadOf = ({ at }: Arm64Block, index: number) =>
      threads.start(
        {
          index,
          name: `${host.name} vCPU ${index}`,
          module,
          memory: { memory: memory.memory, cpus: memory.cpus, block: at, board: memory.board },
          calls: parallel.callsOf(index),
          posted: this.#posted?.memory,
          host,
        },
        signal,
      );
    const vcpus = parallel.connect(await Promise.all(this.#blocks.map(threadOf)));
    this.#exports = exports;
    this.#parallel = parallel;
    this.#begin = () => parallel.reset(program.entry);
    this.restart();
    return vcpus;
  }

  async #startInline(host: VcpuHost): Promise<readonly Vcpu[]> {
    const { module, memory, board, program, pace, drain = NO_DRAIN } = this.#options;
    const table = createRegionTable();
    const vcpuAt = (cpu: number) => vcpus[(cpu - memory.cpus) / ARM64_VCPU_SIZE] ?? first;
    const imports = {
      env: { memory: memory.memory, table },
      board: {
        doorbell: drain.doorbell,
        mmio: (cpu: number, isWrite: number) => vcpuAt(cpu).mmio(isWrite !== 0),
        register: (cpu: number, encoding: number, isWrite: number) =>
          vcpuAt(cpu).register(encoding, isWrite !== 0),
      },
    };
    const instance = await WebAssembly.instantiate(module, imports);
    const exports = instance.exports as unknown as Arm64Exports;
    const regions = await this.#createRegions(table, exports);
    this.#regions = regions;
    const counter = this.#counter;
    const vcpuOf = (block: Arm64Block, index: number) =>
      new Arm64Vcpu({
        index,
        block,
        affinity: BigInt(this.#options.affinityOf(index)),
        exports,
        host,
        board,
        counter,
        recordsFull: () => this.#emptyPool(),
        regions,
        onStale: (block) => this.#stale?.found(block),
        onDebuggerStop: (vcpu) => this.debug.stopped(vcpu),
      });
    const [firstBlock, ...others] = this.#blocks;
    const first = vcpuOf(firstBlock, 0);
    const secondaries = others.map((block, i) => vcpuOf(block, i + 1));
    const vcpus = [first, ...secondaries] as const;
    const turns = new Arm64RoundRobin({
      vcpus,
      counter,
      host,
      canInterrupt: () => board.canInterrupt?.() ?? true,
      control: this.debug,
      pace,
      awake: new AwakeVcpu(memory, 0),
      reset() {
        for (const secondary of secondaries) secondary.setOff();
        first.start(program.entry);
        counter.start(first.block);
      },
      forgetCode: () => this.#emptyPool(),
    });
    this.#exports = exports;
    this.#vcpus = vcpus;
    this.#turns = turns;
    this.#begin = () => turns.reset();
    this.restart();
    this.debug.setStarted({ exports, vcpus });
    return [turns];
  }

  /** The translator is loaded on demand: it is large, and most machines are not arm64. */
  async #createRegions(
    table: RegionTable,
    exports: Arm64Exports,
  ): Promise<Arm64Regions | undefined> {
    const { translate = true, onStaleInstruction, memory } = this.#options;
    // Only the interpreter tracks stores to instructions.
    if (!translate || onStaleInstruction) return undefined;
    const { Arm64Regions } = await import('./translator/index.ts');
    return new Arm64Regions({ ...memory, table, exports, eager: translate === 'eager' });
  }

  /**
   * Sets RAM to its boot contents, and vCPU 0 to its entry point: a reset that the
   * machine itself requested.
   * @param first called before; no vCPU runs.
   */
  restart(first: () => void = () => undefined): void {
    const restart = () => {
      first();
      this.#clearRam();
      this.#load();
      this.#begin();
    };
    if (this.#parallel) this.#parallel.whenAtRest(restart);
    else restart();
  }

  /** True when a vCPU has been started, and is not off. */
  isOn(vcpu: number): boolean {
    return (this.#parallel?.isOn(vcpu) ?? this.#vcpus[vcpu]?.isOn) === true;
  }

  /** Starts a vCPU that is off. */
  startVcpu(vcpu: number, entry: Arm64Entry): void {
    if (this.#parallel) this.#parallel.startVcpu(vcpu, entry);
    else this.#vcpus[vcpu]?.start(entry);
  }

  /**
   * Stops a vCPU until it is started again. One with its own thread is off when that has
   * returned.
   */
  stopVcpu(vcpu: number): void {
    this.#vcpus[vcpu]?.setOff();
  }

  #load(): void {
    const { memory, program } = this.#options;
    const { ram, pool, cpus, vcpus, maps } = memory;
    for (const block of this.#blocks) {
      block.setWord(ARM64_THREADED, this.inline ? 0 : 1);
      block.setWord(ARM64_PEERS, cpus);
      block.setWord(ARM64_PEER_COUNT, vcpus);
      block.setWord(ARM64_RAM, ram.offset);
      block.setWord(ARM64_RAM_SIZE, ram.size);
      block.setLong(ARM64_RAM_GPA, BigInt(ram.gpa));
      block.setWord(ARM64_POOL, pool);
      block.setWord(ARM64_MAPS, maps);
    }
    for (const { gpa, bytes } of program.segments)
      new Uint8Array(memory.memory.buffer, ram.offset + gpa - ram.gpa, bytes.length).set(bytes);
    this.#emptyPool();
  }

  /** Discards all decoded code. */
  #emptyPool(): void {
    const { pool, poolSize, ram } = this.#options.memory;
    const check = (pool + ARM64_POOL_CHECK) >>> 2;
    new Int32Array(this.#options.memory.memory.buffer)[check] = this.#stale ? 1 : 0;
    this.#exports?.resetPool(pool, poolSize, ram.size);
    for (const { at } of this.#blocks) this.#exports?.flushFetch(at);
    this.#regions?.reset();
  }

  /**
   * Only when needed: all of it would become resident memory, even for a machine that
   * ends.
   */
  #clearRam(): void {
    const { memory, ram } = this.#options.memory;
    if (this.#isRamUsed) new Uint8Array(memory.buffer, ram.offset, ram.size).fill(0);
    this.#isRamUsed = true;
  }

  /**
   * Empties TLBs and instruction caches of all vCPUs, like a hypervisor's TLBI ALLE1IS
   * and IC IALLUIS. They are on this thread, between two instructions or at an exit.
   */
  flushProcessors(): void {
    for (const { at } of this.#blocks) this.#exports?.flushAll(at);
    // Records are shared.
    this.#exports?.invalidateAll(this.#blocks[0].at);
  }

  safePoint(): void {
    this.#turns?.setIrq();
    this.#posted?.serve();
  }

  /** Changes a device whose registers vCPUs access without an exit. */
  changePosted(change: () => void): void {
    this.#posted?.close();
    change();
    this.#posted?.serve();
  }

  setExitRequest(wanted: boolean): void {
    for (const block of this.#blocks)
      if (wanted && !this.inline) block.requestExit();
      else if (wanted) block.setStop(true);
      else block.clearExitRequest();
  }

  reset(): void {
    this.#vcpus = [];
    this.#turns = undefined;
    this.debug.setStarted(undefined);
    this.#parallel = undefined;
    this.#posted?.reset();
    const { memory, cpus, vcpus } = this.#options.memory;
    const blocks = new Uint8Array(memory.buffer, cpus, vcpus * ARM64_VCPU_SIZE);
    // A sleeping drain is woken by what it has written there.
    blocks.subarray(0, ARM64_DRAIN_SLEEPING).fill(0);
    blocks.subarray(ARM64_DRAIN_WAKE + 4).fill(0);
  }
}

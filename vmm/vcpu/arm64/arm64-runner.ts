// SPDX-License-Identifier: MIT
// Runs one arm64 vCPU on its own thread: it waits here, its timers and its CPU interface
// are here, and everything else is requested from the machine's thread.

import {
  ARM64_EXIT_DSB,
  ARM64_EXIT_HLT,
  ARM64_EXIT_HVC,
  ARM64_EXIT_RECORDS_FULL,
  ARM64_EXIT_SLICE,
  ARM64_EXIT_SMC,
  ARM64_EXIT_STOP,
  ARM64_EXIT_TIMER,
  ARM64_EXIT_WFE,
  ARM64_EXIT_WFI,
} from '../../../assembly/layout/arm64-results.ts';
import {
  ARM64_EXIT_REQUEST,
  ARM64_PENDING_IRQ,
  ARM64_PENDING_STOP,
} from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Exports } from '../../../assembly/load.ts';
import { Arm64Block } from './arm64-block.ts';
import type { CpuInterface } from './arm64-board.ts';
import { Arm64Cpu } from './arm64-cpu.ts';
import { AwakeVcpu } from './arm64-drain-sleep.ts';
import { Arm64HostTime, Arm64TimeEstimate } from './arm64-host-time.ts';
import {
  ANSWER_ENDED,
  ANSWER_OFF,
  ANSWER_RETURNED,
  ANSWER_SUSPENDED,
  ANSWER_UNDEFINED,
  type Arm64ThreadCalls,
  type Arm64ThreadExit,
  type Arm64ThreadMemory,
} from './arm64-transport.ts';
import { createRegionTable } from './region-table.ts';

/** Instructions between two readings of the clock: some 100 us. */
const SLICE = 0x8000;
/** Fewer are not worth a run. */
const SHORTEST = 0x40;
const NS_PER_MS = 1e6;
/** A vCPU that waits for an interrupt checks its timers at least this often. */
const LONGEST_SLEEP_MS = 250;
/** Time for which a WFE polls before its thread naps. */
const EVENT_SPIN_MS = 0.02;
/**
 * Maximum nap of a WFE unless an event stream is shorter: a store that should wake it
 * does not notify.
 */
const EVENT_NAP_MS = 0.1;
/** Nap of a DSB that waits for a vCPU without a core. */
const DSB_NAP_MS = 0.05;

/** The CPU interface of a vCPU, on its thread. */
export interface ThreadInterrupts extends CpuInterface {
  /**
   * Sets whether a thread that makes an interrupt pending for it has to wake its thread.
   */
  setAsleep(vcpu: number, asleep: boolean): void;
}

/** What a vCPU is run with. */
export interface Arm64RunnerOptions {
  readonly index: number;
  /** From `loadArm64`. */
  readonly module: WebAssembly.Module;
  readonly memory: Arm64ThreadMemory;
  readonly interrupts: ThreadInterrupts;
  readonly calls: Arm64ThreadCalls;
  readonly drain: { doorbell(id: number, offset: number): void };
  /** `performance.timeOrigin` of the machine's thread. */
  readonly timeOrigin: number;
}

export class Arm64Runner {
  readonly #options: Arm64RunnerOptions;
  readonly #cpu: Arm64Cpu;
  readonly #time: Arm64TimeEstimate;
  readonly #awake: AwakeVcpu;

  /** @throws {WebAssembly.LinkError} when the module is not of this CPU. */
  constructor(options: Arm64RunnerOptions) {
    const { index, module, memory, interrupts, calls, drain, timeOrigin } = options;
    this.#options = options;
    const block = new Arm64Block(memory.memory, memory.block);
    const instance = new WebAssembly.Instance(module, {
      env: { memory: memory.memory, table: createRegionTable() },
      board: {
        doorbell: drain.doorbell,
        mmio: (_: number, isWrite: number) => calls.mmio(isWrite),
        register: (_: number, encoding: number, isWrite: number) =>
          this.#cpu.register(encoding, isWrite !== 0),
      },
    });
    const exports = instance.exports as unknown as Arm64Exports;
    this.#cpu = new Arm64Cpu({
      index,
      block,
      exports,
      interrupts,
      unknownRegister: (encoding, isWrite) => calls.unknownRegister?.(encoding, isWrite ? 1 : 0),
    });
    this.#time = new Arm64TimeEstimate(block, new Arm64HostTime(memory, timeOrigin));
    this.#awake = new AwakeVcpu(memory, index);
  }

  /** Runs it until it is stopped, or cannot continue by itself. */
  run(): Arm64ThreadExit {
    this.#time.rest();
    this.#awake.set(true);
    try {
      for (;;) {
        const exit = this.#handle(this.#slice());
        if (exit) return exit;
      }
    } finally {
      this.#awake.set(false);
    }
  }

  #slice(): number {
    const { block, exports, timers } = this.#cpu;
    const now = this.#time.look();
    this.#cpu.updateTimers(now);
    const deadline = timers.deadline(now);
    const until =
      deadline === undefined ? SLICE : this.#time.instructionsFor(Number(deadline - now));
    return exports.run(block.at, Math.max(SHORTEST, Math.min(SLICE, until)));
  }

  #handle(why: number): Arm64ThreadExit | undefined {
    switch (why) {
      case ARM64_EXIT_SLICE:
      case ARM64_EXIT_TIMER:
        return undefined;
      case ARM64_EXIT_STOP:
        return this.#stopped();
      case ARM64_EXIT_WFE:
        return this.#waitForEvent();
      case ARM64_EXIT_WFI:
        return this.#waitForInterrupt();
      case ARM64_EXIT_DSB:
        this.#cpu.block.sleep(this.#cpu.block.pending, DSB_NAP_MS);
        return undefined;
      case ARM64_EXIT_RECORDS_FULL:
        return 'records-full';
      case ARM64_EXIT_HVC:
        return this.#answered(this.#options.calls.hypercall());
      case ARM64_EXIT_SMC:
        this.#cpu.refuseSmc();
        return undefined;
      case ARM64_EXIT_HLT:
        return this.#answered(this.#options.calls.semihosting());
      default:
        throw new Error(`the CPU returned ${why}`);
    }
  }

  #answered(answer: number): Arm64ThreadExit | undefined {
    switch (answer) {
      case ANSWER_RETURNED:
        return undefined;
      case ANSWER_SUSPENDED:
        return this.#waitForInterrupt();
      case ANSWER_UNDEFINED:
        this.#cpu.takeUndefined();
        return undefined;
      case ANSWER_OFF:
        return 'off';
      case ANSWER_ENDED:
        return 'ended';
      default:
        throw new Error(`a call was answered with ${answer}`);
    }
  }

  /** It has been requested to exit or to return. */
  #stopped(): Arm64ThreadExit | undefined {
    const { block } = this.#cpu;
    if (block.word(ARM64_EXIT_REQUEST) !== 0) {
      // A pause happens in this call.
      this.#awake.set(false);
      this.#options.calls.wait();
      this.#awake.set(true);
      this.#time.rest();
    }
    return (block.pending & ARM64_PENDING_STOP) !== 0 ? 'stopped' : undefined;
  }

  /** True when it is requested, whatever it waits for. */
  #isWanted(): boolean {
    const { block } = this.#cpu;
    return (block.pending & ARM64_PENDING_STOP) !== 0 || block.word(ARM64_EXIT_REQUEST) !== 0;
  }

  /** WFI, and CPU_SUSPEND: the thread sleeps until an interrupt, masked or not. */
  #waitForInterrupt(): Arm64ThreadExit | undefined {
    const { interrupts, index } = this.#options;
    const { block, timers } = this.#cpu;
    let isForever = false;
    this.#time.rest();
    // Announced before the checks: what arrives after them wakes the thread.
    interrupts.setAsleep(index, true);
    this.#awake.set(false);
    while (!this.#isWanted()) {
      const now = this.#time.look();
      this.#cpu.updateTimers(now);
      const { pending } = block;
      if ((pending & ARM64_PENDING_IRQ) !== 0) break;
      const deadline = timers.deadline(now);
      isForever = deadline === undefined;
      const ms = deadline === undefined ? LONGEST_SLEEP_MS : Number(deadline - now) / NS_PER_MS;
      block.sleep(pending, Math.min(ms, LONGEST_SLEEP_MS));
    }
    interrupts.setAsleep(index, false);
    this.#awake.set(true);
    this.#time.rest();
    const isPaused = block.word(ARM64_EXIT_REQUEST) !== 0;
    return isForever && !isPaused && (block.pending & ARM64_PENDING_IRQ) === 0
      ? 'asleep'
      : undefined;
  }

  /**
   * WFE. What clears the monitor is a plain store of another vCPU, which wakes no thread,
   * so this polls for a while, then naps, for at most one period of the event stream.
   */
  #waitForEvent(): undefined {
    const { block, exports, timers } = this.#cpu;
    this.#time.rest();
    const begin = performance.now();
    const start = this.#time.look();
    const event = timers.nextEvent(start);
    const end = event === undefined ? Number.POSITIVE_INFINITY : Number(event - start) / NS_PER_MS;
    this.#options.interrupts.setAsleep(this.#options.index, true);
    for (;;) {
      if (this.#isWanted() || exports.takeEvent(block.at) !== 0) break;
      this.#cpu.updateTimers(this.#time.look());
      const { pending } = block;
      const waited = performance.now() - begin;
      if ((pending & ARM64_PENDING_IRQ) !== 0 || waited >= end) break;
      if (waited < EVENT_SPIN_MS) continue;
      block.sleep(pending, Math.min(EVENT_NAP_MS, Math.max(0, end - waited)));
      // Waiting longer is not required: software checks its condition again.
      if (event === undefined) break;
    }
    this.#options.interrupts.setAsleep(this.#options.index, false);
    this.#time.rest();
  }
}

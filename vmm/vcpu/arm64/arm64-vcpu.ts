// SPDX-License-Identifier: MIT
// One arm64 vCPU: it runs, waits, and makes requests to its board. The order of vCPUs is
// chosen in `arm64-round-robin.ts`.

import {
  ARM64_EXIT_DEBUGGER,
  ARM64_EXIT_HLT,
  ARM64_EXIT_HVC,
  ARM64_EXIT_RECORDS_FULL,
  ARM64_EXIT_SLICE,
  ARM64_EXIT_SMC,
  ARM64_EXIT_STALE,
  ARM64_EXIT_STOP,
  ARM64_EXIT_TIMER,
  ARM64_EXIT_WFE,
  ARM64_EXIT_WFI,
  ARM64_FARTHEST,
} from '../../../assembly/layout/arm64-results.ts';
import { ARM64_COUNT, ARM64_EXIT_REQUEST } from '../../../assembly/layout/arm64-state.ts';
import { EXIT_KINDS } from '../exit-counter.ts';
import type { VcpuExit, VcpuState } from '../vcpu.ts';
import type { Arm64Block } from './arm64-block.ts';
import type { HypercallResult } from './arm64-board.ts';
import { Arm64Cpu, type Arm64Entry } from './arm64-cpu.ts';
import { Arm64Exits } from './arm64-exits.ts';
import type { Arm64VcpuOptions, Arm64Wait } from './arm64-vcpu-options.ts';

const WAIT = EXIT_KINDS.indexOf('wait');

/** Maximum duration of a WFE in ticks when no event stream ends it. */
const EVENT_LIMIT = 1n << 16n;

const YIELD: VcpuExit = { reason: 'yield' };

export class Arm64Vcpu {
  readonly index: number;
  readonly block: Arm64Block;
  readonly #options: Arm64VcpuOptions;
  readonly #cpu: Arm64Cpu;
  readonly #exits: Arm64Exits;
  #isOn = false;
  #wait: Arm64Wait | undefined;

  constructor(options: Arm64VcpuOptions) {
    const { index, block, exports, board, host } = options;
    this.index = index;
    this.block = block;
    this.#options = options;
    this.#cpu = new Arm64Cpu({
      index,
      block,
      exports,
      interrupts: board.interrupts,
      unknownRegister: (encoding, isWrite) => this.#exits.unknownRegister(encoding, isWrite),
    });
    this.#exits = new Arm64Exits({ cpu: this.#cpu, host, board });
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Undefined when it is off, or has something to execute. */
  get wait(): Arm64Wait | undefined {
    return this.#wait;
  }

  /** It waits for an interrupt, without a timer of its own. */
  get sleeps(): boolean {
    return this.#wait?.what === 'interrupt' && this.#wait.until === undefined;
  }

  /** Sets the reset state at its entry: EL1h, everything masked, MMU off. */
  start(entry: Arm64Entry): void {
    const { affinity, regions } = this.#options;
    this.#cpu.start(entry, affinity);
    regions?.watch(this.block);
    this.#isOn = true;
    this.#wait = undefined;
    this.#exits.takeEnded();
  }

  /** Executes nothing before its next `start`. */
  setOff(): void {
    this.#isOn = false;
    this.#wait = undefined;
  }

  /** Its state in the format of `VcpuState`, with names that end with its number. */
  save(): VcpuState {
    const { index } = this;
    return {
      [`on${index}`]: this.#isOn,
      [`wait${index}`]: this.#wait?.what ?? '',
      [`until${index}`]: this.#wait?.until?.toString() ?? '',
      [`block${index}`]: this.block.saveState(),
    };
  }

  /**
   * Restores a result of `save`, with empty TLBs.
   * @throws {TypeError} when it is not one.
   */
  restore(state: VcpuState): void {
    const { index, block } = this;
    const [isOn, what, until, text] = ['on', 'wait', 'until', 'block'].map(
      (name) => state[`${name}${index}`],
    );
    const isWait = what === 'interrupt' || what === 'event';
    if (typeof isOn !== 'boolean' || (what !== '' && !isWait) || !/^\d*$/.test(String(until)))
      throw new TypeError('this is not a state of an arm64 vCPU');
    this.start({ pc: 0n, x0: 0n });
    block.restoreState(String(text));
    this.#options.exports.flushAll(block.at);
    this.#isOn = isOn;
    this.#wait = isWait ? { what, until: until ? BigInt(String(until)) : undefined } : undefined;
  }

  /**
   * True when it has something to execute. This ends a wait whose time or event has come.
   */
  wakes(now: bigint): boolean {
    if (!this.#wait) return this.#isOn;
    const { until, what } = this.#wait;
    const wakes =
      (until !== undefined && until <= now) ||
      (what === 'event' && this.#options.exports.takeEvent(this.block.at) !== 0) ||
      this.#cpu.isInterrupted;
    if (wakes) this.#wait = undefined;
    return wakes;
  }

  /**
   * Updates its IRQ input from the interrupt controller, even when the bit is not set any
   * more.
   */
  updateIrq(): void {
    this.#cpu.updateIrq();
  }

  /**
   * Executes `instructions` and continues to the next taken branch, page or exception; or
   * with `isExact` exactly this number, the last ones one by one, which takes the time of
   * some 10,000. None is executed after its next timer, which is taken at exactly its
   * time. It must be the vCPU whose instructions count.
   * @param instructions negative when its end has passed, and only the branch is missing.
   * @returns why the machine's run ends; undefined when it continues, with this vCPU if
   *   it does not wait.
   */
  run(instructions: number, isExact: boolean): VcpuExit | undefined {
    const { block } = this;
    const { host, exports, counter } = this.#options;
    const { now } = counter;
    this.#cpu.updateTimers(now);
    const deadline = this.#cpu.timers.deadline(now);
    const untilTimer = deadline === undefined ? Number.POSITIVE_INFINITY : Number(deadline - now);
    host.setInGuest(this.index, true);
    try {
      if (!isExact && untilTimer > instructions + ARM64_FARTHEST)
        return this.#returned(exports.run(block.at, Math.max(0, instructions)));
      const most = isExact ? Math.min(instructions, untilTimer) : untilTimer;
      return this.#returned(exports.runTo(block.at, block.long(ARM64_COUNT) + BigInt(most)));
    } finally {
      host.setInGuest(this.index, false);
    }
  }

  /**
   * Executes one instruction for a debugger, or takes its exception. Interrupts are held
   * off, as a user who steps through code would otherwise always end up in a handler.
   * @returns as `run`.
   */
  step(): VcpuExit | undefined {
    const { block } = this;
    const { host, exports, counter } = this.#options;
    this.#cpu.updateTimers(counter.now);
    block.setIrq(false);
    host.setInGuest(this.index, true);
    try {
      return this.#returned(exports.step(block.at));
    } finally {
      host.setInGuest(this.index, false);
      this.updateIrq();
    }
  }

  /** Handles the end of a run, and what it has found hot. */
  #returned(why: number): VcpuExit | undefined {
    const { regions, recordsFull } = this.#options;
    const exit = this.#handle(why);
    if (regions?.translateHot(this.block) === false) recordsFull();
    return exit;
  }

  /**
   * Handles the reason for which a run has ended. Those that the guest causes are exits.
   */
  #handle(why: number): VcpuExit | undefined {
    if (why !== ARM64_EXIT_SLICE && why !== ARM64_EXIT_STOP) this.#exits.spend(1);
    switch (why) {
      case ARM64_EXIT_SLICE:
      case ARM64_EXIT_TIMER:
        return undefined;
      case ARM64_EXIT_WFE:
        return this.#waitForEvent();
      case ARM64_EXIT_WFI:
        return this.#waitForInterrupt();
      case ARM64_EXIT_STOP:
        return this.#stopped();
      case ARM64_EXIT_RECORDS_FULL:
        this.#options.recordsFull();
        return undefined;
      case ARM64_EXIT_STALE:
        this.#options.onStale(this.block);
        return undefined;
      case ARM64_EXIT_DEBUGGER:
        this.#options.onDebuggerStop(this.index);
        return undefined;
      case ARM64_EXIT_HVC:
        return this.#answer(this.#exits.hypercall());
      case ARM64_EXIT_SMC:
        this.#cpu.refuseSmc();
        return undefined;
      case ARM64_EXIT_HLT:
        return this.#halted();
      default:
        throw new Error(`the CPU returned ${why}`);
    }
  }

  /** After this number of exits, `run` returns as at the end of its instructions. */
  allowExits(count: number): void {
    this.#exits.allow(count);
  }

  /** True when it has made them. */
  get isOutOfExits(): boolean {
    return this.#exits.isSpent;
  }

  takeEnded(): VcpuExit | undefined {
    return this.#exits.takeEnded();
  }

  /** It has been requested to exit or to return. */
  #stopped(): VcpuExit | undefined {
    const { block } = this;
    const isRequested = block.word(ARM64_EXIT_REQUEST) !== 0;
    // The safe point after the exit clears the request.
    if (isRequested) this.#exit(WAIT, () => undefined);
    const ended = this.takeEnded();
    return ended ?? (isRequested || this.isOutOfExits ? undefined : YIELD);
  }

  #answer(result: HypercallResult): VcpuExit | undefined {
    if (result.what === 'off') return { reason: 'off', code: result.code ?? 0 };
    // It has been reset in the meantime.
    if (result.what === 'reset') return YIELD;
    return result.what === 'suspend' ? this.#waitForInterrupt() : undefined;
  }

  #halted(): VcpuExit | undefined {
    const result = this.#exits.semihosting();
    if (result) return this.#answer(result);
    this.#cpu.takeUndefined();
    return undefined;
  }

  #waitForInterrupt(): undefined {
    if (this.#cpu.isInterrupted) return;
    this.#wait = {
      what: 'interrupt',
      until: this.#cpu.timers.deadline(this.#options.counter.now),
    };
  }

  /**
   * An event that was there already has not let the CPU get here. A plain store of
   * another vCPU that clears the monitor is an event, and the stream ends a wait without
   * events, so that no wait is for ever.
   */
  #waitForEvent(): undefined {
    const { now } = this.#options.counter;
    const { timers } = this.#cpu;
    const deadline = timers.deadline(now);
    const event = timers.nextEvent(now) ?? now + EVENT_LIMIT;
    this.#wait = {
      what: 'event',
      until: deadline !== undefined && deadline < event ? deadline : event,
    };
  }

  /** All vCPUs of the machine wait: other work gets its turn. */
  idle(): void {
    const { host } = this.#options;
    this.#exit(WAIT, () => host.wait());
    host.setInGuest(this.index, false);
  }

  #exit(kind: number, call: () => void): void {
    this.#exits.exit(kind, call);
    this.updateIrq();
  }

  /** An access to a device, for the CPU: 0 when there is none. */
  mmio(isWrite: boolean): number {
    const known = this.#exits.mmio(isWrite);
    if (known !== 0) this.updateIrq();
    return known;
  }

  /**
   * An access to a register of the CPU interface, for the CPU: 0 when it is UNDEFINED.
   */
  register(encoding: number, isWrite: boolean): number {
    return this.#cpu.register(encoding, isWrite);
  }
}

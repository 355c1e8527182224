// An arm64 vCPU on the caller's thread.

import {
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
  ARM64_COUNT,
  ARM64_EL,
  ARM64_EXIT_REQUEST,
  ARM64_LIMIT,
  ARM64_MMIO_ADDRESS,
  ARM64_MMIO_SIZE,
  ARM64_MMIO_VALUE,
  ARM64_PC,
  ARM64_PENDING,
  ARM64_X,
} from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Exports } from '../../../assembly/load.ts';
import type { Clock } from '../../../devices/bus/index.ts';
import { type AccessSize, MachineError } from '../../../devices/plugin/index.ts';
import { EXIT_KINDS } from '../exit-counter.ts';
import type { Vcpu, VcpuExit, VcpuHost, VcpuState } from '../vcpu.ts';
import { type Arm64Block, storageOffset } from './arm64-block.ts';
import type { Arm64Board, HypercallResult } from './arm64-board.ts';
import { Arm64Timers, COUNTER_HZ } from './arm64-timers.ts';

const MMIO = EXIT_KINDS.indexOf('mmio');
const WAIT = EXIT_KINDS.indexOf('wait');

/** Instructions of one unit of a budget. */
const BUDGET = 0x100000;
/** Exception class of an instruction that is UNDEFINED. */
const EC_UNKNOWN = 0;
const MPIDR_RES1 = 1n << 31n;
const LOW = 0xffffffffn;
const TICKS_PER_MS = COUNTER_HZ / 1000;

const YIELD: VcpuExit = { reason: 'yield' };
const IDLE: VcpuExit = { reason: 'idle' };
/** Immediate of HLT. */
const SEMIHOSTING = 0xf000n;

/** Where a vCPU begins. */
export interface Arm64Entry {
  readonly pc: bigint;
  readonly x0: bigint;
}

/** What a vCPU is made of. */
export interface Arm64VcpuOptions {
  readonly index: number;
  readonly block: Arm64Block;
  /** MPIDR_EL1 without its fixed bits. */
  readonly affinity: bigint;
  readonly exports: Arm64Exports;
  readonly host: VcpuHost;
  readonly board: Arm64Board;
  entry(): Arm64Entry;
  /** Time of the computer, by which the vCPU sleeps. Undefined: it sleeps no time at all. */
  readonly pace: Clock | undefined;
  /** No record page is left: makes room. */
  recordsFull(): void;
}

export class Arm64Vcpu implements Vcpu {
  readonly index: number;
  readonly timers: Arm64Timers;
  readonly #options: Arm64VcpuOptions;
  readonly #block: Arm64Block;
  /** What an access has come to that cannot go on; it ends the run. */
  #ended: VcpuExit | undefined;
  /** It waits for an interrupt since then, by both clocks. */
  #asleep: { readonly since: bigint; readonly paceNs: number } | undefined;

  constructor(options: Arm64VcpuOptions) {
    this.index = options.index;
    this.#options = options;
    this.#block = options.block;
    this.timers = new Arm64Timers(options.block);
  }

  get inGuest(): boolean {
    return this.#options.host.isInGuest(this.index);
  }

  /** Whoever asks is on this thread: the vCPU is at an exit, or outside of the guest. */
  readonly still = true;

  reset(): void {
    const { exports, affinity, board } = this.#options;
    const block = this.#block;
    this.timers.start();
    exports.reset(block.at);
    block.setLong(storageOffset('MPIDR_EL1'), MPIDR_RES1 | affinity);
    block.setLong(storageOffset('CNTFRQ_EL0'), BigInt(COUNTER_HZ));
    const { pc, x0 } = this.#options.entry();
    block.setLong(ARM64_PC, pc);
    block.setLong(ARM64_X, x0);
    board.interrupts.connect(this.index, block.at + ARM64_PENDING, block.at + ARM64_LIMIT);
    this.#ended = undefined;
    this.#asleep = undefined;
  }

  /** Its IRQ input follows the interrupt controller's: also when nothing says so any more. */
  #followIrq(): void {
    this.#block.setIrq(this.#options.board.interrupts.irqAsserted(this.index));
  }

  run(budget: number): VcpuExit {
    const { host, exports } = this.#options;
    const block = this.#block;
    const end = block.long(ARM64_COUNT) + BigInt(Math.ceil(budget * BUDGET));
    host.setInGuest(this.index, true);
    try {
      this.#followTimers();
      if (this.#sleeps()) return IDLE;
      while (block.long(ARM64_COUNT) < end) {
        this.#followTimers();
        const exit = this.#handle(exports.runTo(block.at, this.#due(end)));
        if (exit) return exit;
      }
      return YIELD;
    } catch (cause) {
      return { reason: 'failed', error: MachineError.of(`guest vCPU ${this.index}`, cause) };
    } finally {
      host.setInGuest(this.index, false);
    }
  }

  #followTimers(): void {
    const { interrupts } = this.#options.board;
    this.timers.tellLines((intid, asserted) =>
      interrupts.setPrivateLine(this.index, intid, asserted),
    );
    this.#followIrq();
  }

  /** Count of instructions at which the run ends: a timer is taken at exactly its time. */
  #due(end: bigint): bigint {
    const { deadline, now } = this.timers;
    if (deadline === undefined) return end;
    const due = this.#block.long(ARM64_COUNT) + deadline - now;
    return due < end ? due : end;
  }

  /** Does what a run has ended for; undefined: the vCPU goes on. */
  #handle(why: number): VcpuExit | undefined {
    switch (why) {
      case ARM64_EXIT_SLICE:
      case ARM64_EXIT_TIMER:
      // There is no other vCPU to wait for, and a WFE may end at any time (DDI 0487 section D1.7.1).
      case ARM64_EXIT_WFE:
        return undefined;
      case ARM64_EXIT_STOP:
        return this.#stopped();
      case ARM64_EXIT_RECORDS_FULL:
        this.#options.recordsFull();
        return undefined;
      case ARM64_EXIT_HVC:
        return this.#hypercall();
      case ARM64_EXIT_WFI:
        return this.#waitForInterrupt();
      case ARM64_EXIT_SMC:
        // UNDEFINED without EL3, and its return address is its own.
        this.#block.setLong(ARM64_PC, this.#block.long(ARM64_PC) - 4n);
        return this.#undefined();
      case ARM64_EXIT_HLT:
        return this.#halted();
      default:
        throw new Error(`the CPU returned ${why}`);
    }
  }

  #undefined(): undefined {
    this.#options.exports.takeException(this.#block.at, EC_UNKNOWN, 0);
  }

  #takeEnded(): VcpuExit | undefined {
    const ended = this.#ended;
    this.#ended = undefined;
    return ended;
  }

  /** It has been asked for an exit, or is wanted back. */
  #stopped(): VcpuExit | undefined {
    const block = this.#block;
    const isRequested = block.word(ARM64_EXIT_REQUEST) !== 0;
    // The safe point behind the exit takes the request back.
    if (isRequested) this.#exit(WAIT, () => undefined);
    const ended = this.#takeEnded();
    if (ended || !isRequested) block.setStop(false);
    return ended ?? (isRequested ? undefined : YIELD);
  }

  #hypercall(): VcpuExit | undefined {
    const block = this.#block;
    const x = (n: number) => block.long(ARM64_X + 8 * n);
    return this.#answer(
      this.#options.board.hypercall({ vcpu: this.index, x0: x(0), x1: x(1), x2: x(2), x3: x(3) }),
    );
  }

  #answer(result: HypercallResult): VcpuExit | undefined {
    if (result.what === 'off') return { reason: 'off', code: result.code ?? 0 };
    // It has been reset meanwhile.
    if (result.what === 'reset') return YIELD;
    this.#block.setLong(ARM64_X, result.x0);
    return undefined;
  }

  /** HLT: a semihosting call of EL1 where the board has them. */
  #halted(): VcpuExit | undefined {
    const { board, exports } = this.#options;
    const block = this.#block;
    const isCall = block.long(ARM64_MMIO_VALUE) === SEMIHOSTING && block.word(ARM64_EL) !== 0;
    if (!board.semihosting || !isCall) return this.#undefined();
    block.setLong(ARM64_PC, block.long(ARM64_PC) + 4n);
    return this.#answer(
      board.semihosting({
        operation: block.word(ARM64_X),
        parameter: block.long(ARM64_X + 8),
        read: (address) => {
          const at = exports.hostAddress(block.at, address);
          return at === 0 ? undefined : block.byte(at);
        },
      }),
    );
  }

  /** The counter at the next timer, of the vCPU or of a device; undefined: there is none. */
  #nextTimer(): bigint | undefined {
    const { now, deadline } = this.timers;
    const ms = this.#options.host.untilTimerMs();
    if (!Number.isFinite(ms)) return deadline;
    const device = now + BigInt(Math.ceil(ms * TICKS_PER_MS));
    return deadline === undefined || device < deadline ? device : deadline;
  }

  /** Sleeps to the next timer: at once, or as long as it takes. Idle when there is none. */
  #waitForInterrupt(): VcpuExit | undefined {
    const { board, host, pace } = this.#options;
    if (board.interrupts.irqAsserted(this.index)) return undefined;
    const wake = this.#nextTimer();
    if (pace) this.#asleep = { since: this.timers.now, paceNs: pace.nowNs() };
    else if (wake !== undefined) this.timers.sleepUntil(wake);
    this.#exit(WAIT, () => host.wait());
    return this.#takeEnded() ?? (pace || wake === undefined ? IDLE : undefined);
  }

  /** It still waits for an interrupt. Its time goes on, to the next timer at most. */
  #sleeps(): boolean {
    const { pace, board } = this.#options;
    if (!this.#asleep || !pace) return false;
    const passed = this.#asleep.since + BigInt(Math.floor(pace.nowNs() - this.#asleep.paceNs));
    const wake = this.#nextTimer();
    const isTime = wake !== undefined && passed >= wake;
    const now = isTime ? wake : passed;
    if (now > this.timers.now) this.timers.sleepUntil(now);
    if (!isTime && !board.interrupts.irqAsserted(this.index)) return true;
    this.#asleep = undefined;
    return false;
  }

  /** Something outside of the guest. What is thrown ends the run; it does not pass through the CPU. */
  #exit(kind: number, call: () => void): void {
    const { gate } = this.#options.host;
    try {
      gate.enter(this.index, kind);
      call();
      gate.leave(this.index, kind);
    } catch (thrown) {
      const ended: VcpuExit = {
        reason: 'failed',
        error: MachineError.of(`guest vCPU ${this.index}`, thrown),
      };
      gate.threw(ended, thrown);
      this.#ended = ended;
      this.#block.setStop(true);
    }
    this.#followIrq();
  }

  /** An access of a device, for the CPU: 0 where there is none. */
  mmio(isWrite: boolean): number {
    const { bus } = this.#options.host;
    const block = this.#block;
    const gpa = Number(block.long(ARM64_MMIO_ADDRESS));
    if (!bus.isMapped(gpa)) return 0;
    const size = block.word(ARM64_MMIO_SIZE) as AccessSize;
    this.#exit(MMIO, () => {
      if (isWrite) {
        const value = block.long(ARM64_MMIO_VALUE);
        bus.write(gpa, size, Number(value & LOW), Number(value >> 32n), this.index);
      } else {
        const low = bus.read(gpa, size, this.index);
        block.setLong(ARM64_MMIO_VALUE, (BigInt(bus.high) << 32n) | BigInt(low));
      }
    });
    return 1;
  }

  /** An access of a register of the CPU interface, for the CPU: 0 where it is UNDEFINED. */
  register(encoding: number, isWrite: boolean): number {
    const { interrupts } = this.#options.board;
    const block = this.#block;
    let known: boolean;
    if (isWrite)
      known = interrupts.writeInterface(this.index, encoding, block.long(ARM64_MMIO_VALUE));
    else {
      const value = interrupts.readInterface(this.index, encoding);
      known = value !== undefined;
      if (value !== undefined) block.setLong(ARM64_MMIO_VALUE, value);
    }
    this.#followIrq();
    return known ? 1 : 0;
  }

  setIrq(): void {
    this.#followIrq();
  }

  /** Nobody runs it while it is paused. */
  setPaused(): void {
    return;
  }

  /** All that it knows is in the machine's memory. */
  save(): VcpuState {
    return { kind: 'arm64' };
  }

  restore({ kind }: VcpuState): Promise<void> {
    if (kind !== 'arm64') throw new TypeError('this is no state of an arm64 vCPU');
    return Promise.resolve();
  }

  /** Its run, if there is one, is on the stack of whoever asks. */
  stop(): Promise<void> {
    this.#block.setStop(true);
    return Promise.resolve();
  }
}

// One arm64 vCPU: what it runs, waits for, and asks its board for. Who runs next is `arm64-round-robin.ts`.

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
  ARM64_PENDING_IRQ,
  ARM64_X,
} from '../../../assembly/layout/arm64-state.ts';
import { type AccessSize, MachineError } from '../../../devices/plugin/index.ts';
import { EXIT_KINDS } from '../exit-counter.ts';
import type { VcpuExit, VcpuState } from '../vcpu.ts';
import { type Arm64Block, storageOffset } from './arm64-block.ts';
import type { HypercallResult } from './arm64-board.ts';
import { COUNTER_HZ } from './arm64-counter.ts';
import { Arm64Timers } from './arm64-timers.ts';
import type { Arm64Entry, Arm64VcpuOptions, Arm64Wait } from './arm64-vcpu-options.ts';

const MMIO = EXIT_KINDS.indexOf('mmio');
const WAIT = EXIT_KINDS.indexOf('wait');

/** Exception class of an instruction that is UNDEFINED. */
const EC_UNKNOWN = 0;
const MPIDR_RES1 = 1n << 31n;
const LOW = 0xffffffffn;
/** Ticks that a WFE lasts at most where no event stream ends it. */
const EVENT_LIMIT = 1n << 16n;

const YIELD: VcpuExit = { reason: 'yield' };
/** Immediate of HLT. */
const SEMIHOSTING = 0xf000n;

export class Arm64Vcpu {
  readonly index: number;
  readonly block: Arm64Block;
  readonly #options: Arm64VcpuOptions;
  readonly #timers: Arm64Timers;
  #isOn = false;
  #wait: Arm64Wait | undefined;
  /** What an access has come to that cannot go on; it ends the run. */
  #ended: VcpuExit | undefined;

  constructor(options: Arm64VcpuOptions) {
    const { index, block } = options;
    this.index = index;
    this.block = block;
    this.#options = options;
    this.#timers = new Arm64Timers(block);
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Undefined: it is off, or has something to execute. */
  get wait(): Arm64Wait | undefined {
    return this.#wait;
  }

  /** Out of reset, at its entry: EL1h, everything masked, MMU off. */
  start({ pc, x0 }: Arm64Entry): void {
    const { exports, affinity, board, regions } = this.#options;
    const { block } = this;
    exports.reset(block.at);
    regions?.watch(block);
    block.setLong(storageOffset('MPIDR_EL1'), MPIDR_RES1 | affinity);
    block.setLong(storageOffset('CNTFRQ_EL0'), BigInt(COUNTER_HZ));
    block.setLong(ARM64_PC, pc);
    block.setLong(ARM64_X, x0);
    board.interrupts.connect(this.index, block.at + ARM64_PENDING, block.at + ARM64_LIMIT);
    this.#isOn = true;
    this.#wait = undefined;
    this.#ended = undefined;
  }

  /** Executes nothing before its next `start`. */
  setOff(): void {
    this.#isOn = false;
    this.#wait = undefined;
  }

  /** What it is, as `VcpuState` has it, by names that end with its number. */
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
   * Takes over what `save` returned. TLBs are empty then.
   * @throws {TypeError} when it is none.
   */
  restore(state: VcpuState): void {
    const { index, block } = this;
    const [isOn, what, until, text] = ['on', 'wait', 'until', 'block'].map(
      (name) => state[`${name}${index}`],
    );
    const isWait = what === 'interrupt' || what === 'event';
    if (typeof isOn !== 'boolean' || (what !== '' && !isWait) || !/^\d*$/.test(String(until)))
      throw new TypeError('this is no state of an arm64 vCPU');
    this.start({ pc: 0n, x0: 0n });
    block.restoreState(String(text));
    this.#options.exports.flushAll(block.at);
    this.#isOn = isOn;
    this.#wait = isWait ? { what, until: until ? BigInt(String(until)) : undefined } : undefined;
  }

  /** Whether it has something to execute. A wait whose time or event has come ends with that. */
  wakes(now: bigint): boolean {
    if (!this.#wait) return this.#isOn;
    const { until, what } = this.#wait;
    const wakes =
      (until !== undefined && until <= now) ||
      (what === 'event' && this.#options.exports.takeEvent(this.block.at) !== 0) ||
      this.#isInterrupted();
    if (wakes) this.#wait = undefined;
    return wakes;
  }

  /** Its interrupt controller asserts its IRQ input, masked or not. */
  #isInterrupted(): boolean {
    if ((this.block.word(ARM64_PENDING) & ARM64_PENDING_IRQ) === 0) return false;
    return this.#options.board.interrupts.irqAsserted(this.index);
  }

  /** Its IRQ input follows the interrupt controller's: also when nothing says so any more. */
  followIrq(): void {
    this.block.setIrq(this.#options.board.interrupts.irqAsserted(this.index));
  }

  /** Lines of its timers and its IRQ input are as the counter has them. */
  #followTimers(now: bigint): void {
    const { interrupts } = this.#options.board;
    this.#timers.tellLines(now, (intid, asserted) =>
      interrupts.setPrivateLine(this.index, intid, asserted),
    );
    this.followIrq();
  }

  /**
   * Executes so many instructions and goes on to the next taken branch, page or exception; or `isExact`ly so
   * many, the last ones one by one, which takes the time of some 10,000. None behind its next timer, which is
   * taken at exactly its time. It is the vCPU whose instructions count.
   * @param instructions below 0 when its end has passed, and the branch is to come.
   * @returns why the machine's run ends; undefined: it goes on, with this vCPU if it has nothing to wait for.
   */
  run(instructions: number, isExact: boolean): VcpuExit | undefined {
    const { block } = this;
    const { host, exports, counter } = this.#options;
    const { now } = counter;
    this.#followTimers(now);
    const deadline = this.#timers.deadline(now);
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
   * Executes one instruction for a debugger, or takes its exception. Interrupts wait: whoever steps through code
   * would find himself in a handler all the time.
   * @returns as `run`.
   */
  step(): VcpuExit | undefined {
    const { block } = this;
    const { host, exports, counter } = this.#options;
    this.#followTimers(counter.now);
    block.setIrq(false);
    host.setInGuest(this.index, true);
    try {
      return this.#returned(exports.step(block.at));
    } finally {
      host.setInGuest(this.index, false);
      this.followIrq();
    }
  }

  /** What a run has ended for, and what it has found hot. */
  #returned(why: number): VcpuExit | undefined {
    const { regions, recordsFull } = this.#options;
    const exit = this.#handle(why);
    if (regions?.translateHot(this.block) === false) recordsFull();
    return exit;
  }

  /** Does what a run has ended for. */
  #handle(why: number): VcpuExit | undefined {
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
        return this.#hypercall();
      case ARM64_EXIT_SMC:
        // UNDEFINED without EL3, and its return address is its own.
        this.block.setLong(ARM64_PC, this.block.long(ARM64_PC) - 4n);
        return this.#undefined();
      case ARM64_EXIT_HLT:
        return this.#halted();
      default:
        throw new Error(`the CPU returned ${why}`);
    }
  }

  #undefined(): undefined {
    this.#options.exports.takeException(this.block.at, EC_UNKNOWN, 0);
  }

  takeEnded(): VcpuExit | undefined {
    const ended = this.#ended;
    this.#ended = undefined;
    return ended;
  }

  /** It has been asked for an exit, or is wanted back. */
  #stopped(): VcpuExit | undefined {
    const { block } = this;
    const isRequested = block.word(ARM64_EXIT_REQUEST) !== 0;
    // The safe point behind the exit takes the request back.
    if (isRequested) this.exit(WAIT, () => undefined);
    const ended = this.takeEnded();
    return ended ?? (isRequested ? undefined : YIELD);
  }

  #hypercall(): VcpuExit | undefined {
    const { block } = this;
    const x = (n: number) => block.long(ARM64_X + 8 * n);
    return this.#answer(
      this.#options.board.hypercall({ vcpu: this.index, x0: x(0), x1: x(1), x2: x(2), x3: x(3) }),
    );
  }

  #answer(result: HypercallResult): VcpuExit | undefined {
    if (result.what === 'off') return { reason: 'off', code: result.code ?? 0 };
    // It has been reset meanwhile.
    if (result.what === 'reset') return YIELD;
    if (result.what === 'stopped') return undefined;
    this.block.setLong(ARM64_X, result.x0);
    return result.what === 'suspend' ? this.#waitForInterrupt() : undefined;
  }

  /** HLT: a semihosting call of EL1 where the board has them. */
  #halted(): VcpuExit | undefined {
    const { board, exports } = this.#options;
    const block = this.block;
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

  #waitForInterrupt(): undefined {
    if (this.#isInterrupted()) return;
    this.#wait = {
      what: 'interrupt',
      until: this.#timers.deadline(this.#options.counter.now),
    };
  }

  /**
   * An event that is there already has not let the CPU come here. A plain store of another vCPU that
   * clears the monitor is one, and the stream ends what no event does, so that no wait is for ever.
   */
  #waitForEvent(): undefined {
    const { now } = this.#options.counter;
    const deadline = this.#timers.deadline(now);
    const event = this.#timers.nextEvent(now) ?? now + EVENT_LIMIT;
    this.#wait = {
      what: 'event',
      until: deadline !== undefined && deadline < event ? deadline : event,
    };
  }

  /** All vCPUs of the machine wait: what else there is to do has its turn. */
  idle(): void {
    const { host } = this.#options;
    this.exit(WAIT, () => host.wait());
    host.setInGuest(this.index, false);
  }

  /** Something outside of the guest. What is thrown ends the run; it does not pass through the CPU. */
  exit(kind: number, call: () => void): void {
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
      this.block.setStop(true);
    }
    this.followIrq();
  }

  /** An access of a device, for the CPU: 0 where there is none. */
  mmio(isWrite: boolean): number {
    const { bus } = this.#options.host;
    const { block } = this;
    const gpa = Number(block.long(ARM64_MMIO_ADDRESS));
    if (!bus.isMapped(gpa)) return 0;
    const size = block.word(ARM64_MMIO_SIZE) as AccessSize;
    this.exit(MMIO, () => {
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
    const { block } = this;
    let known: boolean;
    if (isWrite)
      known = interrupts.writeInterface(this.index, encoding, block.long(ARM64_MMIO_VALUE));
    else {
      const value = interrupts.readInterface(this.index, encoding);
      known = value !== undefined;
      if (value !== undefined) block.setLong(ARM64_MMIO_VALUE, value);
    }
    this.followIrq();
    return known ? 1 : 0;
  }
}

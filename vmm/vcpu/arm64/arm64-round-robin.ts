// SPDX-License-Identifier: MIT
// The vCPUs of an arm64 machine on the caller's thread, in turn: to the machine they are
// one vCPU, which runs, sleeps and ends as a whole. The order depends on instruction
// counts only.

import { ARM64_COUNT } from '../../../assembly/layout/arm64-state.ts';
import type { Clock } from '../../../devices/bus/index.ts';
import { MachineError } from '../../../devices/plugin/index.ts';
import type { Vcpu, VcpuExit, VcpuHost, VcpuState } from '../vcpu.ts';
import { type Arm64Counter, COUNTER_HZ } from './arm64-counter.ts';
import type { Arm64Debugger } from './arm64-debugger.ts';
import type { AwakeVcpu } from './arm64-drain-sleep.ts';
import { Arm64Turns, type TurnQueries } from './arm64-turns.ts';
import type { Arm64Vcpu } from './arm64-vcpu.ts';
import { endlessVectors } from './vector-loop.ts';

/** Instructions of one unit of a budget, of all vCPUs together. */
const BUDGET = 0x100000;
/**
 * Instructions of a turn: 33 us of guest time, so that one of eight spinning vCPUs waits
 * 230 us for its next turn. A switch costs less than 1 us.
 */
const TURN = 0x8000;
/**
 * Exits of a vCPU in a run: accesses to devices, calls, waits, SMC, and each 64 bytes
 * that a semihosting call reads. One may cost as much as one service of a device
 * (docs/internals/architecture.md), during which nothing else on the thread runs. A
 * number of exits, not a time, so that runs stay deterministic. The end of a run costs as
 * much as some 200 plain exits.
 */
const EXITS = 0x800;
/** Cost of a sleep of all vCPUs in a budget: a run ends, even if nothing wakes them. */
const SLEEP_COST = 0x400;
/** Cost of a step, which takes as long as this many instructions. */
const STEP_COST = 0x100;
const TICKS_PER_MS = COUNTER_HZ / 1000;

const YIELD: VcpuExit = { reason: 'yield' };
const OFF: VcpuExit = { reason: 'off', code: 0 };

/** What takes turns. */
export interface Arm64RoundRobinOptions {
  /** At least one. */
  readonly vcpus: readonly [Arm64Vcpu, ...Arm64Vcpu[]];
  readonly counter: Arm64Counter;
  readonly host: VcpuHost;
  /** As `Arm64Board.canInterrupt`. */
  canInterrupt(): boolean;
  /** Decides which of them may execute what. */
  readonly control: Arm64Debugger;
  /**
   * Clock of the computer, by which the machine sleeps. Undefined: a sleep takes no real
   * time.
   */
  readonly pace: Clock | undefined;
  /** Tells the drain whether any of them may ring. */
  readonly awake: AwakeVcpu;
  /** Sets vCPU 0 to its entry point and switches the others off. */
  reset(): void;
  /** Makes them decode all instructions again. */
  forgetCode(): void;
}

export class Arm64RoundRobin implements Vcpu {
  readonly index = 0;
  readonly #options: Arm64RoundRobinOptions;
  readonly #turns: Arm64Turns<Arm64Vcpu>;
  /** All vCPUs have waited for an interrupt since then, by both clocks. */
  #asleep: { readonly since: bigint; readonly paceNs: number } | undefined;

  constructor(options: Arm64RoundRobinOptions) {
    this.#options = options;
    // A single vCPU does not share its turn.
    this.#turns = new Arm64Turns(options.vcpus, options.vcpus.length > 1 ? TURN : BUDGET);
  }

  get inGuest(): boolean {
    return this.#options.host.isInGuest(this.#turns.current.index);
  }

  /** An interrupt has come since all of them fell asleep. */
  get isWoken(): boolean {
    const { vcpus, counter } = this.#options;
    return this.#asleep !== undefined && vcpus.some((vcpu) => this.#wakes(vcpu, counter.now));
  }

  /** The caller is on this thread: the vCPUs are at an exit, or outside the guest. */
  readonly still = true;

  reset(): void {
    this.#options.reset();
    this.#turns.reset();
    this.#asleep = undefined;
  }

  run(budget: number): VcpuExit {
    const exit = this.#run(budget);
    if (exit.reason !== 'yield') this.#options.awake.set(false);
    return exit;
  }

  #run(budget: number): VcpuExit {
    const { control, awake, vcpus } = this.#options;
    let left = Math.ceil(budget * BUDGET);
    try {
      if (control.isHalted) return this.#halted();
      const asleep = this.#staysAsleep();
      if (asleep) return asleep;
      awake.set(true);
      for (const vcpu of vcpus) vcpu.allowExits(EXITS);
      while (left > 0) {
        const vcpu = this.#next();
        if (vcpu) {
          const done = this.#runTurn(vcpu, left);
          if (typeof done !== 'number') return this.#returned(done);
          left -= done;
          if (vcpu.isOutOfExits) break;
          if (control.isHalted) return this.#returned(YIELD);
        } else {
          const exit = this.#sleep();
          if (exit) return this.#returned(exit);
          left -= SLEEP_COST;
        }
      }
      return this.#returned(this.#stuck() ?? YIELD);
    } catch (cause) {
      return {
        reason: 'failed',
        error: MachineError.of(`guest vCPU ${this.#turns.current.index}`, cause),
      };
    }
  }

  /** Undefined when a vCPU makes progress, or a debugger may help one. */
  #stuck(): VcpuExit | undefined {
    const { vcpus, counter, control, canInterrupt } = this.#options;
    if (control.isExpected) return undefined;
    const { now } = counter;
    const isLost = (vcpu: Arm64Vcpu) => vcpu.sleeps && !this.#wakes(vcpu, now) && !canInterrupt();
    const why = endlessVectors(vcpus.filter((vcpu) => vcpu.isOn && !isLost(vcpu)));
    return why === undefined ? undefined : { reason: 'idle', isForever: true, why };
  }

  /** A debugger has halted them: their sleep takes no time either. */
  #halted(): VcpuExit {
    const { control, counter, pace } = this.#options;
    if (this.#asleep && pace) this.#asleep = { since: counter.now, paceNs: pace.nowNs() };
    return this.#returned(control.isIdle ? { reason: 'idle' } : YIELD);
  }

  /** The request to stop that all vCPUs got has been handled. */
  #returned(exit: VcpuExit): VcpuExit {
    for (const { block } of this.#options.vcpus) block.setStop(false);
    return exit;
  }

  /** The vCPU to run now; undefined when all of them wait. */
  #next(): Arm64Vcpu | undefined {
    const { counter } = this.#options;
    const { now } = counter;
    const queries: TurnQueries<Arm64Vcpu> = {
      wakes: (vcpu) => this.#wakes(vcpu, now),
      isDue: (vcpu) => {
        const until = this.#mayRun(vcpu) ? vcpu.wait?.until : undefined;
        return until !== undefined && until <= now;
      },
    };
    const vcpu = this.#turns.next(queries);
    if (vcpu) counter.switchTo(vcpu.block);
    return vcpu;
  }

  #mayRun({ index }: Arm64Vcpu): boolean {
    return this.#options.control.actionOf(index).what !== 'stop';
  }

  /** True when it has something to execute, and may. */
  #wakes(vcpu: Arm64Vcpu, now: bigint): boolean {
    return this.#mayRun(vcpu) && vcpu.wakes(now);
  }

  /**
   * One instruction for a debugger. If others may run, it uses a whole turn, so that what
   * it waits for makes progress.
   * @returns as `#runTurn`.
   */
  #step(vcpu: Arm64Vcpu): VcpuExit | number {
    const { control, vcpus } = this.#options;
    const before = vcpu.block.long(ARM64_COUNT);
    const exit = vcpu.step();
    const executed = Number(vcpu.block.long(ARM64_COUNT) - before);
    // If it could not execute one, it is stepped again.
    if (executed > 0) control.stepped(vcpu.index);
    if (exit) return exit;
    const isOver = control.hasOther(vcpu.index);
    this.#turns.spend(isOver ? TURN : executed, isOver || vcpu.wait !== undefined || !vcpu.isOn);
    return vcpus.some(({ isOn }) => isOn) ? STEP_COST : OFF;
  }

  /**
   * Runs to the end of the turn, of the run, or of another vCPU's wait.
   * @param left instructions of the run.
   * @returns the number of executed instructions, or why the run ends.
   */
  #runTurn(vcpu: Arm64Vcpu, left: number): VcpuExit | number {
    const { counter, control } = this.#options;
    const turns = this.#turns;
    if (control.actionOf(vcpu.index).what === 'step') return this.#step(vcpu);
    const wake = this.#earliestWake();
    // A vCPU whose wait ends takes precedence.
    const untilWake = wake === undefined ? Number.POSITIVE_INFINITY : Number(wake - counter.now);
    const most = Math.min(turns.left, untilWake);
    const isCut = left <= most;
    const before = vcpu.block.long(ARM64_COUNT);
    const exit = vcpu.run(isCut ? left : most, isCut);
    if (exit) return exit;
    const executed = Number(vcpu.block.long(ARM64_COUNT) - before);
    // Without instructions left it continues to its next branch, as if no run had ended
    // there.
    const isPast = !isCut && executed > Math.max(0, most);
    turns.spend(executed, isPast || vcpu.wait !== undefined || !vcpu.isOn);
    return this.#options.vcpus.some(({ isOn }) => isOn) ? executed : OFF;
  }

  /** The counter when the first of the waiting vCPUs continues in any case. */
  #earliestWake(): bigint | undefined {
    let earliest: bigint | undefined;
    for (const vcpu of this.#options.vcpus) {
      const until = this.#mayRun(vcpu) ? vcpu.wait?.until : undefined;
      if (until !== undefined && (earliest === undefined || until < earliest)) earliest = until;
    }
    return earliest;
  }

  /**
   * The counter at the next timer, of a waiting vCPU or of a device; undefined when there
   * is none.
   */
  #nextWake(): bigint | undefined {
    const { host, counter } = this.#options;
    const wake = this.#earliestWake();
    const ms = host.untilTimerMs();
    if (!Number.isFinite(ms)) return wake;
    const device = counter.now + BigInt(Math.ceil(ms * TICKS_PER_MS));
    return wake === undefined || device < wake ? device : wake;
  }

  /**
   * All vCPUs wait: for interrupts immediately or in real time, for events without taking
   * time. Idle when nothing is pending.
   */
  #sleep(): VcpuExit | undefined {
    const { vcpus, counter, host, pace } = this.#options;
    const { now } = counter;
    const waits = pace && vcpus.every(({ wait }) => wait?.what !== 'event');
    if (waits) this.#asleep = { since: now, paceNs: pace.nowNs() };
    // The devices work first: an interrupt of theirs ends the wait now.
    this.#turns.current.idle();
    const ended = this.#turns.current.takeEnded();
    if (ended) return ended;
    if (vcpus.some((vcpu) => this.#wakes(vcpu, now))) {
      this.#asleep = undefined;
      return undefined;
    }
    const wake = this.#nextWake();
    if (waits) return this.#idleUntil(wake, now);
    const until = host.isBusy() ? this.#afterTurn(wake, now) : wake;
    if (until === undefined) return this.#idleUntil(wake, now);
    if (until > now) counter.skipTo(until);
    return undefined;
  }

  /**
   * The counter after one turn of the devices. It takes as long as a vCPU's: a request
   * that needs many ends soon, and a device that never ends does not stop the timers.
   */
  #afterTurn(wake: bigint | undefined, now: bigint): bigint {
    const end = now + BigInt(TURN);
    return wake !== undefined && wake < end ? wake : end;
  }

  /** There is no work before a value of the counter, except because of an interrupt. */
  #idleUntil(wake: bigint | undefined, now: bigint): VcpuExit {
    const { control, canInterrupt } = this.#options;
    if (wake === undefined)
      return { reason: 'idle', isForever: !control.isExpected && !canInterrupt() };
    return { reason: 'idle', untilMs: Math.max(0, Math.ceil(Number(wake - now) / TICKS_PER_MS)) };
  }

  /** Idle while all vCPUs still wait. Their time advances, to the next timer at most. */
  #staysAsleep(): VcpuExit | undefined {
    const { vcpus, counter, pace } = this.#options;
    if (!this.#asleep || !pace) return undefined;
    const passed = this.#asleep.since + BigInt(Math.floor(pace.nowNs() - this.#asleep.paceNs));
    const wake = this.#nextWake();
    const isTime = wake !== undefined && passed >= wake;
    const now = isTime ? wake : passed;
    if (now > counter.now) counter.skipTo(now);
    if (!isTime && !vcpus.some((vcpu) => this.#wakes(vcpu, now))) return this.#idleUntil(wake, now);
    this.#asleep = undefined;
    return undefined;
  }

  setIrq(): void {
    this.#turns.current.updateIrq();
  }

  /** It is not run while it is paused. */
  setPaused(paused: boolean): void {
    if (paused) this.#options.awake.set(false);
  }

  /**
   * The state of all vCPUs: together with RAM and the devices' states it is the
   * machine's; the rest of its memory is not needed.
   */
  save(): VcpuState {
    const { vcpus } = this.#options;
    const own = { kind: 'arm64', vcpus: vcpus.length };
    return Object.assign({}, own, this.#turns.save(), ...vcpus.map((vcpu) => vcpu.save()));
  }

  /**
   * Call this before restoring the devices, which use the counter. Decoded code and TLBs
   * are discarded.
   * @throws {TypeError} when the state is not of the same number of arm64 vCPUs.
   */
  restore(state: VcpuState): Promise<void> {
    return Promise.resolve(state).then((given) => this.#restore(given));
  }

  #restore(state: VcpuState): void {
    const { vcpus, counter, forgetCode } = this.#options;
    if (state.kind !== 'arm64' || state.vcpus !== vcpus.length)
      throw new TypeError(`this is not a state of ${vcpus.length} arm64 vCPUs`);
    for (const vcpu of vcpus) vcpu.restore(state);
    this.#turns.restore(state);
    this.#asleep = undefined;
    counter.resume(this.#turns.current.block);
    forgetCode();
  }

  /** Its run, if any, is on the caller's stack. */
  stop(): Promise<void> {
    for (const { block } of this.#options.vcpus) block.setStop(true);
    return Promise.resolve();
  }
}

// The vCPUs of an arm64 machine on the caller's thread, in turn: to the machine they are one vCPU, which runs,
// sleeps and ends as a whole. Whose turn it is follows from counts of instructions alone.

import { ARM64_COUNT } from '../../../assembly/layout/arm64-state.ts';
import type { Clock } from '../../../devices/bus/index.ts';
import { MachineError } from '../../../devices/plugin/index.ts';
import type { Vcpu, VcpuExit, VcpuHost, VcpuState } from '../vcpu.ts';
import { type Arm64Counter, COUNTER_HZ } from './arm64-counter.ts';
import type { Arm64Vcpu } from './arm64-vcpu.ts';

/** Instructions of one unit of a budget, of all vCPUs together. */
const BUDGET = 0x100000;
/**
 * Instructions of a turn: 33 us of guest time, so that one of eight vCPUs that all spin waits 230 us for its
 * next. A switch costs below 1 us.
 */
const TURN = 0x8000;
/** Below what is left when a turn has passed its end, and its next branch is to come. */
const OVER = -0x10000;
/** What a sleep of all vCPUs takes of a budget: a run ends, even if nothing wakes them. */
const SLEEP_COST = 0x400;
const TICKS_PER_MS = COUNTER_HZ / 1000;

const YIELD: VcpuExit = { reason: 'yield' };
const OFF: VcpuExit = { reason: 'off', code: 0 };

/** Nothing is to do before a value of the counter, if at all before an interrupt. */
function idleUntil(wake: bigint | undefined, now: bigint): VcpuExit {
  if (wake === undefined) return { reason: 'idle' };
  return { reason: 'idle', untilMs: Math.max(0, Math.ceil(Number(wake - now) / TICKS_PER_MS)) };
}

/** What takes turns. */
export interface Arm64RoundRobinOptions {
  /** At least one. */
  readonly vcpus: readonly [Arm64Vcpu, ...Arm64Vcpu[]];
  readonly counter: Arm64Counter;
  readonly host: VcpuHost;
  /** Time of the computer, by which the machine sleeps. Undefined: it sleeps no time at all. */
  readonly pace: Clock | undefined;
  /** Puts vCPU 0 at its entry and the others off. */
  reset(): void;
  /** Has them decode all instructions anew. */
  forgetCode(): void;
}

export class Arm64RoundRobin implements Vcpu {
  readonly index = 0;
  readonly #options: Arm64RoundRobinOptions;
  /**
   * The vCPU whose turn it is, and instructions that are left of that. Without any it goes on to its next
   * branch, as it would have if the run had not been cut there; the turn is OVER then.
   */
  #turn: Arm64Vcpu;
  #left: number;
  /** One that is alone gives its turn to nobody. */
  readonly #length: number;
  /** All vCPUs wait for an interrupt since then, by both clocks. */
  #asleep: { readonly since: bigint; readonly paceNs: number } | undefined;

  constructor(options: Arm64RoundRobinOptions) {
    this.#options = options;
    [this.#turn] = options.vcpus;
    this.#length = options.vcpus.length > 1 ? TURN : BUDGET;
    this.#left = this.#length;
  }

  get inGuest(): boolean {
    return this.#options.host.isInGuest(this.#turn.index);
  }

  /** Whoever asks is on this thread: the vCPUs are at an exit, or outside of the guest. */
  readonly still = true;

  reset(): void {
    this.#options.reset();
    [this.#turn] = this.#options.vcpus;
    this.#left = this.#length;
    this.#asleep = undefined;
  }

  run(budget: number): VcpuExit {
    let left = Math.ceil(budget * BUDGET);
    try {
      const asleep = this.#staysAsleep();
      if (asleep) return asleep;
      while (left > 0) {
        const vcpu = this.#next();
        if (vcpu) {
          const done = this.#runTurn(vcpu, left);
          if (typeof done !== 'number') return this.#returned(done);
          left -= done;
        } else {
          const exit = this.#sleep();
          if (exit) return this.#returned(exit);
          left -= SLEEP_COST;
        }
      }
      return YIELD;
    } catch (cause) {
      return {
        reason: 'failed',
        error: MachineError.of(`guest vCPU ${this.#turn.index}`, cause),
      };
    }
  }

  /** What all vCPUs have been told to stop for has been seen. */
  #returned(exit: VcpuExit): VcpuExit {
    for (const { block } of this.#options.vcpus) block.setStop(false);
    return exit;
  }

  /** Who runs: whose turn it is, else the next one that has something to execute. */
  #next(): Arm64Vcpu | undefined {
    const { vcpus, counter } = this.#options;
    const { now } = counter;
    if (this.#left !== OVER && this.#turn.wakes(now)) return this.#turn;
    const { index } = this.#turn;
    for (let i = 1; i <= vcpus.length; i++) {
      const vcpu = vcpus[(index + i) % vcpus.length];
      if (!vcpu?.wakes(now)) continue;
      this.#turn = vcpu;
      this.#left = this.#length;
      counter.switchTo(vcpu.block);
      return vcpu;
    }
    return undefined;
  }

  /**
   * To the end of the turn, of the run, or of another vCPU's wait.
   * @param left instructions of the run.
   * @returns how many have been executed, or why the run ends.
   */
  #runTurn(vcpu: Arm64Vcpu, left: number): VcpuExit | number {
    const { counter } = this.#options;
    // What another one waits for comes first. What has come before this turn has its place in the order: a
    // vCPU that waits again and again would end the turn of always the same one as it begins.
    const wake = this.#earliestWake(counter.now);
    const untilWake = wake === undefined ? Number.POSITIVE_INFINITY : Number(wake - counter.now);
    const most = Math.min(this.#left, untilWake);
    const isCut = left <= most;
    const before = vcpu.block.long(ARM64_COUNT);
    const exit = vcpu.run(isCut ? left : most, isCut);
    if (exit) return exit;
    const executed = Number(vcpu.block.long(ARM64_COUNT) - before);
    const isOver = vcpu.wait || !vcpu.isOn || (!isCut && executed > Math.max(0, most));
    this.#left = isOver ? OVER : this.#left - executed;
    return this.#options.vcpus.some(({ isOn }) => isOn) ? executed : OFF;
  }

  /**
   * The counter when the first of the vCPUs that wait goes on in any case.
   * @param after only what comes behind this value. Default: all.
   */
  #earliestWake(after = -1n): bigint | undefined {
    let earliest: bigint | undefined;
    for (const { wait } of this.#options.vcpus) {
      const until = wait?.until;
      if (until === undefined || until <= after) continue;
      if (earliest === undefined || until < earliest) earliest = until;
    }
    return earliest;
  }

  /** The counter at the next timer, of a vCPU that waits or of a device; undefined: there is none. */
  #nextWake(): bigint | undefined {
    const { host, counter } = this.#options;
    const wake = this.#earliestWake();
    const ms = host.untilTimerMs();
    if (!Number.isFinite(ms)) return wake;
    const device = counter.now + BigInt(Math.ceil(ms * TICKS_PER_MS));
    return wake === undefined || device < wake ? device : wake;
  }

  /**
   * All vCPUs wait: for interrupts at once or as long as it takes, for events no time at all. Idle when
   * nothing is to come.
   */
  #sleep(): VcpuExit | undefined {
    const { vcpus, counter, pace } = this.#options;
    const { now } = counter;
    const wake = this.#nextWake();
    const waits = pace && vcpus.every(({ wait }) => wait?.what !== 'event');
    if (waits) this.#asleep = { since: now, paceNs: pace.nowNs() };
    else if (wake !== undefined && wake > now) counter.skipTo(wake);
    this.#turn.idle();
    return (
      this.#turn.takeEnded() ?? (waits || wake === undefined ? idleUntil(wake, now) : undefined)
    );
  }

  /** Idle while all vCPUs still wait. Their time goes on, to the next timer at most. */
  #staysAsleep(): VcpuExit | undefined {
    const { vcpus, counter, pace } = this.#options;
    if (!this.#asleep || !pace) return undefined;
    const passed = this.#asleep.since + BigInt(Math.floor(pace.nowNs() - this.#asleep.paceNs));
    const wake = this.#nextWake();
    const isTime = wake !== undefined && passed >= wake;
    const now = isTime ? wake : passed;
    if (now > counter.now) counter.skipTo(now);
    if (!isTime && !vcpus.some((vcpu) => vcpu.wakes(now))) return idleUntil(wake, now);
    this.#asleep = undefined;
    return undefined;
  }

  setIrq(): void {
    this.#turn.followIrq();
  }

  /** Nobody runs it while it is paused. */
  setPaused(): void {
    return;
  }

  /** Of all vCPUs: together with RAM and the devices' states it is the machine, whatever else is in its memory. */
  save(): VcpuState {
    const { vcpus } = this.#options;
    const own = { kind: 'arm64', vcpus: vcpus.length, turn: this.#turn.index, left: this.#left };
    return Object.assign({}, own, ...vcpus.map((vcpu) => vcpu.save()));
  }

  /**
   * Before the devices, which go by the counter. What the vCPUs had decoded, and their TLBs, are gone.
   * @throws {TypeError} when the state is not of as many arm64 vCPUs.
   */
  restore(state: VcpuState): Promise<void> {
    return Promise.resolve(state).then((given) => this.#restore(given));
  }

  #restore(state: VcpuState): void {
    const { vcpus, counter, forgetCode } = this.#options;
    const turn = vcpus[Number(state.turn)];
    if (state.kind !== 'arm64' || state.vcpus !== vcpus.length || !turn)
      throw new TypeError(`this is no state of ${vcpus.length} arm64 vCPUs`);
    for (const vcpu of vcpus) vcpu.restore(state);
    this.#turn = turn;
    this.#left = Number(state.left);
    this.#asleep = undefined;
    counter.resume(turn.block);
    forgetCode();
  }

  /** Its run, if there is one, is on the stack of whoever asks. */
  stop(): Promise<void> {
    for (const { block } of this.#options.vcpus) block.setStop(true);
    return Promise.resolve();
  }
}

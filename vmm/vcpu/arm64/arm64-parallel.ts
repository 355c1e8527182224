// SPDX-License-Identifier: MIT
// The vCPUs of an arm64 machine, each on its own thread. The machine runs the first one,
// and with it all of them: they run, stop and end together. Their requests are served on
// the machine's thread.

import type { Arm64Exports } from '../../../assembly/load.ts';
import { MachineError } from '../../../devices/plugin/index.ts';
import { EXIT_KINDS } from '../exit-counter.ts';
import type { Vcpu, VcpuExit, VcpuHost, VcpuState } from '../vcpu.ts';
import type { Arm64Block } from './arm64-block.ts';
import type { Arm64Board, HypercallResult } from './arm64-board.ts';
import { Arm64Cpu, type Arm64Entry } from './arm64-cpu.ts';
import { Arm64Exits } from './arm64-exits.ts';
import type { Arm64HostTime } from './arm64-host-time.ts';
import {
  ANSWER_ENDED,
  ANSWER_OFF,
  ANSWER_RETURNED,
  ANSWER_SUSPENDED,
  ANSWER_UNDEFINED,
  type Arm64Thread,
  type Arm64ThreadCalls,
  type Arm64ThreadExit,
} from './arm64-transport.ts';
import type { PostedServer } from './posted-registers.ts';
import { endlessVectors } from './vector-loop.ts';

const WAIT = EXIT_KINDS.indexOf('wait');
/**
 * Time for which the vCPUs run for one unit of a budget before the machine does its other
 * work.
 */
const BUDGET_MS = 100;
/** A run in which all vCPUs sleep lasts up to this many times as long. */
const MOST_TURNS_ASLEEP = 10;

/** Kind of a saved state. */
const KIND = 'arm64-threads';

const YIELD: VcpuExit = { reason: 'yield' };
const OFF: VcpuExit = { reason: 'off', code: 0 };
const FOREVER: VcpuExit = { reason: 'idle', isForever: true };

const ANSWERS = {
  return: ANSWER_RETURNED,
  suspend: ANSWER_SUSPENDED,
  stopped: ANSWER_OFF,
  off: ANSWER_ENDED,
  reset: ANSWER_ENDED,
} as const satisfies Record<HypercallResult['what'], number>;

/** What the vCPUs of a machine are built from. */
export interface Arm64ParallelOptions {
  readonly blocks: readonly Arm64Block[];
  readonly exports: Arm64Exports;
  readonly host: VcpuHost;
  readonly board: Arm64Board;
  readonly time: Arm64HostTime;
  /** Registers that the vCPUs access without an exit. */
  readonly posted: PostedServer | undefined;
  /** MPIDR_EL1 of a vCPU without its fixed bits. */
  affinityOf(vcpu: number): number;
  /** Makes all vCPUs decode all instructions again; called while none of them runs. */
  forgetCode(): void;
}

/** One of the vCPUs, on the machine's thread. */
class ParallelVcpu {
  readonly cpu: Arm64Cpu;
  readonly exits: Arm64Exits;
  readonly calls: Arm64ThreadCalls;
  isOn = false;
  /** It returned asleep, without its own timer. */
  isAsleep = false;
  thread: Arm64Thread | undefined;

  constructor(
    index: number,
    block: Arm64Block,
    { exports, host, board, posted }: Arm64ParallelOptions,
    ended: (exit: VcpuExit) => void,
  ) {
    this.cpu = new Arm64Cpu({ index, block, exports, interrupts: board.interrupts });
    this.exits = new Arm64Exits({ cpu: this.cpu, host, board });
    const answer = (result: HypercallResult | undefined) => {
      if (!result) return ANSWER_UNDEFINED;
      if (result.what === 'off') ended({ reason: 'off', code: result.code ?? 0 });
      else if (result.what === 'reset') ended(YIELD);
      return ANSWERS[result.what];
    };
    // What was posted before a call comes before it.
    const serve = () => this.exits.guard(() => posted?.serve());
    this.calls = {
      mmio: (isWrite) => {
        serve();
        return this.exits.mmio(isWrite !== 0);
      },
      hypercall: () => {
        serve();
        return answer(this.exits.hypercall());
      },
      semihosting: () => {
        serve();
        return answer(this.exits.semihosting());
      },
      wait: () => {
        serve();
        this.exits.exit(WAIT, () => undefined);
      },
      ...(board.unknownRegister && {
        unknownRegister: (encoding, isWrite) => {
          serve();
          this.exits.unknownRegister(encoding, isWrite !== 0);
        },
      }),
    };
  }
}

/** A run of all vCPUs. */
interface Run {
  /** Number of threads that have not returned. */
  left: number;
  /** Why it ends; undefined while it continues. */
  exit: VcpuExit | undefined;
  /** There is no record page left. */
  isPoolFull: boolean;
  /** Called when all threads have returned. */
  done(): void;
}

export class Arm64Parallel {
  readonly #options: Arm64ParallelOptions;
  readonly #vcpus: readonly ParallelVcpu[];
  #run: Run | undefined;
  /** The counter while the machine does not run. */
  #stoppedAt: bigint | undefined = 0n;
  /** Work for when no vCPU runs. */
  #atRest: (() => void) | undefined;

  constructor(options: Arm64ParallelOptions) {
    this.#options = options;
    this.#vcpus = options.blocks.map(
      (block, index) => new ParallelVcpu(index, block, options, (exit) => this.#end(exit)),
    );
  }

  /** The calls that a vCPU's thread may make. */
  callsOf(vcpu: number): Arm64ThreadCalls {
    const { calls } = this.#at(vcpu);
    return calls;
  }

  #at(vcpu: number): ParallelVcpu {
    const found = this.#vcpus[vcpu];
    if (!found) throw new RangeError(`there is no vCPU ${vcpu}`);
    return found;
  }

  /** Connects the threads that run them, in order. @returns the vCPUs for the machine. */
  connect(threads: readonly Arm64Thread[]): readonly Vcpu[] {
    threads.forEach((thread, vcpu) => {
      this.#at(vcpu).thread = thread;
    });
    return this.#vcpus.map((vcpu) => this.#vcpuOf(vcpu));
  }

  /** The counter. */
  get now(): bigint {
    return this.#stoppedAt ?? this.#options.time.now;
  }

  /** Sets vCPU 0 to its entry point and switches the others off; none of them runs. */
  reset(entry: Arm64Entry): void {
    for (const vcpu of this.#vcpus) vcpu.isOn = false;
    this.#options.time.reset();
    this.#stoppedAt = 0n;
    this.startVcpu(0, entry);
  }

  /** Calls `action` when no vCPU runs: at once, or at the end of the current run. */
  whenAtRest(action: () => void): void {
    if (this.#run) this.#atRest = action;
    else action();
  }

  isOn(vcpu: number): boolean {
    return this.#vcpus[vcpu]?.isOn ?? false;
  }

  /** Starts a vCPU that is off. */
  startVcpu(index: number, entry: Arm64Entry): void {
    const vcpu = this.#at(index);
    vcpu.cpu.start(entry, BigInt(this.#options.affinityOf(index)));
    vcpu.exits.takeEnded();
    vcpu.isOn = true;
    if (this.#run && !this.#run.exit) this.#launch(this.#run, vcpu);
  }

  /**
   * The budget of a run is used up, or the machine ends: all vCPUs return. Of several
   * reasons the first that is more than a pause counts.
   */
  #end(exit: VcpuExit): void {
    const run = this.#run;
    if (!run) return;
    if (!run.exit || run.exit.reason === 'yield') run.exit = exit;
    for (const { cpu } of this.#vcpus) cpu.block.stopThread();
  }

  #launch(run: Run, vcpu: ParallelVcpu): void {
    const { thread } = vcpu;
    if (!thread) return;
    run.left++;
    vcpu.isAsleep = false;
    const back = (exit: VcpuExit | undefined) => {
      if (exit) this.#end(exit);
      if (--run.left === 0) run.done();
    };
    thread.run().then(
      (why) => back(this.#endAfter(run, vcpu, why)),
      (cause: unknown) => {
        const error = MachineError.of(`guest vCPU ${vcpu.cpu.index}`, cause);
        back({ reason: 'failed', error });
      },
    );
  }

  /**
   * Why the run ends when a vCPU's thread has returned for this reason; undefined when it
   * continues.
   */
  #endAfter(run: Run, vcpu: ParallelVcpu, why: Arm64ThreadExit): VcpuExit | undefined {
    const ended = vcpu.exits.takeEnded();
    if (ended) return ended;
    if (why === 'records-full') run.isPoolFull = true;
    vcpu.isAsleep = why === 'asleep';
    if (why !== 'off') return YIELD;
    vcpu.isOn = false;
    return this.#vcpus.some(({ isOn }) => isOn) ? undefined : OFF;
  }

  async #runAll(budget: number): Promise<VcpuExit> {
    const { forgetCode, posted } = this.#options;
    const { exits } = this.#at(0);
    for (const { cpu } of this.#vcpus) cpu.block.setStop(false);
    exits.guard(() => posted?.serve());
    this.#continue();
    let done: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    const run: Run = { left: 0, exit: undefined, isPoolFull: false, done };
    this.#run = run;
    for (const vcpu of this.#vcpus) if (vcpu.isOn) this.#launch(run, vcpu);
    const clear = this.#endIn(budget * BUDGET_MS);
    if (run.left > 0) await all;
    clear();
    this.#run = undefined;
    exits.guard(() => posted?.serve());
    this.#stopCounter();
    if (run.isPoolFull) forgetCode();
    const action = this.#atRest;
    this.#atRest = undefined;
    action?.();
    const exit = exits.takeEnded() ?? run.exit ?? OFF;
    if (exit.reason !== 'yield') return exit;
    const awake = this.#vcpus.filter((vcpu) => vcpu.isOn && !this.#sleepsForever(vcpu));
    if (awake.length === 0) return FOREVER;
    const why = endlessVectors(awake.map(({ cpu }) => cpu));
    return why === undefined ? exit : { reason: 'idle', isForever: true, why };
  }

  /**
   * Ends the run after some time; later while all vCPUs sleep, because to stop and start
   * their threads costs more than to let them sleep.
   * @returns what forgets that again.
   */
  #endIn(ms: number): () => void {
    const { board } = this.#options;
    let left = MOST_TURNS_ASLEEP;
    const timer = setInterval(() => {
      const areAsleep = this.#vcpus.every(({ isOn, cpu }) => !isOn || cpu.block.isAsleep);
      if (--left > 0 && areAsleep && board.canInterrupt?.() !== false) return;
      this.#end(YIELD);
    }, ms);
    return () => clearInterval(timer);
  }

  /** It returned asleep, and nothing but a device's timer can wake it. */
  #sleepsForever({ isAsleep, cpu }: ParallelVcpu): boolean {
    return isAsleep && !cpu.isInterrupted && this.#options.board.canInterrupt?.() === false;
  }

  /** Stops the counter. */
  #stopCounter(): void {
    this.#stoppedAt ??= this.#options.time.now;
  }

  #continue(): void {
    if (this.#stoppedAt !== undefined) this.#options.time.set(this.#stoppedAt);
    this.#stoppedAt = undefined;
  }

  /** A vCPU for the machine: the first one runs them all. */
  #vcpuOf({ cpu, thread }: ParallelVcpu): Vcpu {
    const isFirst = cpu.index === 0;
    return {
      index: cpu.index,
      get inGuest() {
        return cpu.block.isInside;
      },
      get still() {
        return thread?.still ?? true;
      },
      reset: () => undefined,
      run: (budget) => (isFirst ? this.#runAll(budget) : YIELD),
      setIrq: () => cpu.block.wake(),
      setPaused: (paused) => {
        if (isFirst && paused) this.#stopCounter();
        else if (isFirst && this.#run) this.#continue();
        thread?.setPaused(paused);
      },
      save: () => this.#save(),
      restore: (state) => Promise.resolve(state).then((given) => this.#restore(given)),
      stop: async () => {
        cpu.block.stopThread();
        await thread?.stop();
      },
    };
  }

  /** The state of all vCPUs, while none of them runs. */
  #save(): VcpuState {
    const own = { kind: KIND, vcpus: this.#vcpus.length, now: String(this.now) };
    const blocks = this.#vcpus.map(({ cpu, isOn }) => ({
      [`on${cpu.index}`]: isOn,
      [`block${cpu.index}`]: cpu.block.saveState(),
    }));
    return Object.assign({}, own, ...blocks);
  }

  /**
   * @throws {TypeError} when the state is not of the same number of arm64 vCPUs on
   *   threads.
   */
  #restore(state: VcpuState): void {
    const { exports, forgetCode } = this.#options;
    const vcpus = this.#vcpus.length;
    if (state.kind !== KIND || state.vcpus !== vcpus)
      throw new TypeError(`this is not a state of ${vcpus} arm64 vCPUs on threads`);
    this.reset({ pc: 0n, x0: 0n });
    for (const vcpu of this.#vcpus) {
      const { block, index } = vcpu.cpu;
      this.startVcpu(index, { pc: 0n, x0: 0n });
      block.restoreState(String(state[`block${index}`]));
      exports.flushAll(block.at);
      vcpu.isOn = state[`on${index}`] === true;
    }
    this.#stoppedAt = BigInt(String(state.now));
    forgetCode();
  }
}

// SPDX-License-Identifier: MIT
// A machine: one guest with its memory, devices and vCPUs. Its vCPUs run inline, in turn
// on the caller's thread, or on their own threads, with their exits handled here.

import type { MemoryRegion } from '../../assembly/load.ts';
import {
  boardMsiSink,
  type Clock,
  DeviceComplex,
  guestMemoryOf,
  SYSTEM_CLOCK,
} from '../../devices/bus/index.ts';
import { MachineError } from '../../devices/plugin/index.ts';
import {
  type DrainSleepWords,
  EXIT_KINDS,
  type ExitCounter,
  type ExitStatistics,
  exitCounterOf,
  type Guest,
  type Vcpu,
  type VcpuExit,
  type VcpuHost,
  VcpuSet,
} from '../vcpu/index.ts';
import { DirectMaps } from './direct-maps.ts';
import { Leave } from './leave.ts';
import type { MachineCoreOptions } from './machine-core-options.ts';
import { type CoreEnd, type CoreStatus, endOf, MachineState, type Pace } from './machine-state.ts';
import { outsideRam } from './outside-ram.ts';
import { Secondaries } from './secondaries.ts';
import { wakingSinks } from './waking-sinks.ts';

const WAIT = EXIT_KINDS.indexOf('wait');

export class MachineCore {
  readonly name: string;
  readonly memory: WebAssembly.Memory;
  readonly regions: readonly MemoryRegion[];
  readonly devices: DeviceComplex;
  readonly exits: ExitCounter;
  readonly #options: MachineCoreOptions;
  readonly #guest: Guest;
  /** The clock of its devices. */
  readonly clock: Clock;
  readonly #directMaps: DirectMaps | undefined;
  readonly #state = new MachineState();
  readonly #host: VcpuHost;
  /** By vCPU, inline: true while guest code runs, not stopped and not at an exit. */
  readonly #inGuest: boolean[];
  #vcpus = new VcpuSet();
  readonly #secondaries: Secondaries;
  /** Milliseconds that vCPU 0 had no work for when it returned; undefined: it had. */
  #idleMs: number | undefined;
  /** Called when a device raises an interrupt: an idle machine has work to do. */
  onInterrupt: () => void = () => undefined;
  /** Called when it is paused and no vCPU runs, and before it resumes. */
  onStanding: (stands: boolean) => void = () => undefined;
  /** The devices had work at the last safe point, and may have more. */
  #busy = false;
  /** Set while the guest is being instantiated. */
  #booting: AbortController | undefined;
  /** The current run on threads. */
  #current: Promise<CoreStatus> = Promise.resolve('new');

  /**
   * @throws {RangeError} when the board does not fit together.
   * @throws {BoardError} when one of its devices does not work.
   */
  constructor(options: MachineCoreOptions) {
    const { name, guest, memory, regions, devices, onTrace } = options;
    this.#options = options;
    this.#guest = guest;
    this.name = name;
    this.memory = memory;
    this.regions = regions;
    this.clock = options.clock ?? SYSTEM_CLOCK;
    this.#inGuest = Array.from({ length: guest.vcpus }, () => false);
    const deviceMemory = guestMemoryOf(memory, regions);
    this.exits = exitCounterOf(guest, deviceMemory, () => this.devices.bus.mounts, onTrace);
    const { directMaps: table } = guest;
    if (table && options.directMaps !== false) {
      this.#directMaps = new DirectMaps(memory, table, {
        count: guest.vcpus,
        // A thread that has ended is not in the guest, whatever its last state was.
        inGuest: (vcpu) => this.#vcpus.at(vcpu)?.inGuest ?? false,
      });
    }
    guest.describe(devices);
    const msis = boardMsiSink(deviceMemory, options.msis);
    this.devices = new DeviceComplex({
      devices: outsideRam(devices, regions),
      memory: deviceMemory,
      ...wakingSinks(msis, guest.interrupts, () => this.onInterrupt()),
      directMaps: this.#directMaps,
      clock: this.clock,
      counter: this.exits,
      trace: onTrace && ((device, event) => onTrace(device, event)),
    });
    this.#secondaries = this.#makeSecondaries();
    this.#host = this.#vcpuHost();
  }

  get status(): CoreStatus {
    return this.#state.status;
  }

  /** True when the guest had nothing to do at its last yield, nor has now. */
  get idle(): boolean {
    return this.#idleMs !== undefined && this.#vcpus.at(0)?.isWoken !== true;
  }

  /** Milliseconds until a device's next timer is due, rounded up; Infinity for none. */
  get untilTimerMs(): number {
    const { nextDeadline = Number.POSITIVE_INFINITY } = this.devices;
    return Math.max(0, Math.ceil((nextDeadline - this.clock.nowNs()) / 1e6));
  }

  /** Milliseconds without work: until the next timer of a device or vCPU is due. */
  get idleMs(): number {
    return Math.min(this.untilTimerMs, this.#idleMs ?? Number.POSITIVE_INFINITY);
  }

  /** How the machine ended; undefined before. */
  get end(): CoreEnd | undefined {
    return this.#state.ended;
  }

  /** Why the machine failed. */
  get error(): MachineError | undefined {
    return this.end?.status === 'failed' ? this.end.error : undefined;
  }

  get exitStatistics(): ExitStatistics {
    return this.exits.statistics(this.devices.bus.mounts);
  }

  /** Its vCPUs run on the caller's thread. */
  get inline(): boolean {
    return this.#guest.inline;
  }

  /** Number of busy threads while it runs: its vCPUs', and the VMM's if another one. */
  get threads(): number {
    return this.inline ? 1 : this.#guest.vcpus + 1;
  }

  #vcpuHost(): VcpuHost {
    const state = this.#state;
    const inGuest = this.#inGuest;
    return {
      name: this.name,
      bus: this.devices.bus,
      clock: this.clock,
      gate: {
        enter: (vcpu, kind) => {
          if (state.thrown !== undefined) throw state.thrown;
          inGuest[vcpu] = false;
          this.exits.count(vcpu, kind);
        },
        leave: (vcpu, kind) => {
          this.#safePoint(kind === WAIT);
          if (state.thrown !== undefined) throw state.thrown;
          inGuest[vcpu] = true;
        },
        threw: (exit, thrown) => this.#threw(exit, thrown),
      },
      setInGuest: (vcpu, running) => {
        inGuest[vcpu] = running;
      },
      isInGuest: (vcpu) => inGuest[vcpu] ?? false,
      startVcpu: (vcpu, entry) => this.#secondaries.start(vcpu, entry),
      wait: () => this.#secondaries.takeTurns(),
      attend: () => this.#attend(),
      untilTimerMs: () => this.untilTimerMs,
      isBusy: () => this.#busy,
      failed: (vcpu, cause) => this.fail(`guest vCPU ${vcpu}`, cause),
    };
  }

  #makeSecondaries(): Secondaries {
    return new Secondaries({
      inline: this.inline,
      vcpus: () => this.#vcpus,
      isLeaving: () => this.#state.thrown !== undefined,
      slice: (vcpu, budget) => this.#slice(vcpu, budget),
      failed: (vcpu, cause) => this.fail(`guest vCPU ${vcpu}`, cause),
    });
  }

  /** Ends the machine on an error fatal to a vCPU, thrown again at every further call. */
  #threw(exit: VcpuExit, thrown: unknown): unknown {
    const end = endOf(exit);
    // A guest that catches it may make no further exit: its thread is terminated.
    if (end && this.#state.end(end, thrown) && this.#state.isEntered && !this.inline)
      this.#interrupt();
    return this.#state.thrown ?? thrown;
  }

  /**
   * Instantiates the guest and makes it initialize itself. On threads, `stop` ends both.
   * @throws {GuestImageError} for an unknown import, or an instantiation without end.
   */
  async boot(): Promise<void> {
    if (this.#state.status !== 'new') return;
    const booting = new AbortController();
    this.#booting = booting;
    try {
      const vcpus = await this.#guest.start(this.#host, booting.signal);
      this.#vcpus = new VcpuSet(vcpus, (stand) => this.onStanding(stand));
    } catch (error) {
      if (booting.signal.aborted) return;
      throw error;
    } finally {
      this.#booting = undefined;
    }
    if (booting.signal.aborted) return this.#vcpus.end();
    this.#state.booted();
    if (this.#guest.initialSlice) await this.run(0);
  }

  #safePoint(full: boolean): void {
    // Before the host's work: a request during it stays for the next safe point.
    this.#guest.setExitRequest(false);
    this.#directMaps?.poll();
    this.#busy = this.devices.poll() > 0;
    this.#options.onSafePoint?.(full);
    this.#guest.safePoint(this.clock.nowNs());
  }

  /** Work of exits, while vCPUs run on threads. True when there may be more. */
  #attend(): boolean {
    if (!this.#state.isEntered) return false;
    const error = this.#fullSafePoint();
    if (error) this.fail('host', error);
    return !error && this.#busy;
  }

  /** A safe point outside any exit. Returns the host's error in it, if any. */
  #fullSafePoint(): MachineError | undefined {
    try {
      this.#safePoint(true);
      return undefined;
    } catch (cause) {
      return MachineError.of('host', cause);
    }
  }

  /** Runs a vCPU once, and tells its host. */
  #slice(vcpu: Vcpu, budget: number): VcpuExit | Promise<VcpuExit> {
    try {
      this.#options.onVcpu?.(vcpu.index, true);
    } catch (cause) {
      return { reason: 'failed', error: MachineError.of(`guest vCPU ${vcpu.index}`, cause) };
    }
    const done = () => this.#options.onVcpu?.(vcpu.index, false);
    const exit = vcpu.run(budget);
    if (exit instanceof Promise) return exit.finally(done);
    done();
    return exit;
  }

  /** vCPU 0, about to run; undefined when the machine is not ready for it. */
  #begin(): Vcpu | undefined {
    const primary = this.#vcpus.at(0);
    if (!primary || !this.#state.enter()) return undefined;
    const error = this.#fullSafePoint();
    if (!error) return primary;
    this.#state.leave({ status: 'failed', error });
    return undefined;
  }

  /** Called when vCPU 0 has returned. */
  #finish(exit: VcpuExit): CoreStatus {
    const isSound = exit.reason !== 'failed' && this.#state.thrown === undefined;
    const error = isSound ? this.#fullSafePoint() : undefined;
    const isQuiet = !this.#busy && this.untilTimerMs === Number.POSITIVE_INFINITY;
    this.#state.leave(error ? { status: 'failed', error } : endOf(exit, isQuiet));
    const isIdle = exit.reason === 'idle' && this.#vcpus.secondaries.length === 0 && !this.#busy;
    this.#idleMs = isIdle ? (exit.untilMs ?? Number.POSITIVE_INFINITY) : undefined;
    return this.status;
  }

  /**
   * Runs an inline guest until it yields (a reactor) or ends (a command), and each of its
   * secondary vCPUs once. Never throws because of a guest.
   * @param budget amount of work that a reactor may do, in its own unit.
   */
  step(budget = 1): CoreStatus {
    const primary = this.#begin();
    if (!primary) return this.status;
    const exit = this.#slice(primary, budget);
    if (exit instanceof Promise) throw new TypeError('vCPUs on threads are run, not stepped');
    this.#secondaries.takeTurns();
    return this.#finish(exit);
  }

  /** The same on any thread. */
  async run(budget = 1): Promise<CoreStatus> {
    if (this.inline) return this.step(budget);
    const primary = this.#begin();
    if (primary)
      this.#current = Promise.resolve(this.#slice(primary, budget)).then((exit) =>
        this.#finish(exit),
      );
    // The result of this run: the machine may be reset before the threads have ended.
    const status = primary ? await this.#current : this.status;
    if (status !== 'running') await this.#vcpus.end();
    return status;
  }

  /** How the guest wakes a drain with its own thread; undefined: not at all. */
  get drainSleep(): DrainSleepWords | undefined {
    return this.#guest.drainSleep;
  }

  /** While the drain has a thread, stores to mapped registers need no doorbell call. */
  setDoorbells(needed: boolean): void {
    this.#directMaps?.setDoorbells(needed);
  }

  /** A part has failed outside the guest: the machine stops at its next safe point. */
  fail(component: string, cause: unknown): void {
    const error = MachineError.of(component, cause);
    if (this.#state.end({ status: 'failed', error }, error)) this.#interrupt();
  }

  /** Stops the machine at its next safe point. No effect on one that has ended. */
  stop(reason: string): void {
    if (this.#state.end({ status: 'stopped', reason }, new Leave())) this.#interrupt();
  }

  /** Called by a device to end the machine with an exit code, at its next safe point. */
  powerOff(exitCode: number): void {
    if (this.#state.end({ status: 'off', exitCode }, new Leave())) this.#interrupt();
  }

  /** Makes all vCPUs on threads leave the guest; those that do not are terminated. */
  #interrupt(): void {
    this.#booting?.abort(new Leave());
    this.#guest.setExitRequest(true);
    this.#vcpus.interrupt((cause) => this.fail('vCPU thread', cause));
  }

  /** Whether it continues by itself. */
  get pace(): Pace {
    return this.#state.pace;
  }

  /**
   * Pauses the machine; resolves when all vCPUs have stopped at safe points: after an
   * exit, or outside the guest.
   * @throws {MachineError} when one does not stop in time; the machine continues.
   */
  async pause(): Promise<void> {
    this.#state.pause();
    try {
      await this.#vcpus.pause(() => this.#guest.setExitRequest(true));
    } catch (error) {
      this.#state.resume();
      throw error;
    }
  }

  /** Resumes a paused machine. */
  resume(): void {
    this.#state.resume();
    this.#vcpus.resume();
  }

  /** Lets a paused machine continue until `pause`. */
  allowStep(): void {
    this.#state.step();
    this.#vcpus.resume();
  }

  /**
   * Returns to the state before `boot`: devices reset, memory zero, a new instance. Exit
   * counters are kept. A machine that runs on threads is stopped first.
   */
  async reset(): Promise<void> {
    if (!this.inline) {
      this.stop('reset');
      await this.#vcpus.end();
      await this.#current;
    }
    this.#vcpus = new VcpuSet();
    this.onStanding(false);
    this.devices.reset();
    this.exits.machineReset();
    this.#guest.reset();
    this.#directMaps?.reset();
    this.#guest.describe(this.devices.placements);
    this.#idleMs = undefined;
    this.#state.reset();
  }
}

// SPDX-License-Identifier: MIT
// The API of a machine: it boots, runs by itself, pauses, stops, and emits events.

import type { MachineError } from '../../devices/plugin/index.ts';
import type { Queues } from '../boards/index.ts';
import { inspectViommu, type MachineFootprint, type ViommuInspection } from '../inspect/index.ts';
import type { CoreStatus } from '../machine/index.ts';
import { UseError } from './api-errors.ts';
import { ConsoleStreams, type MachineConsole } from './console-streams.ts';
import { eventStream, type MachineEventName, type MachineEventStream } from './event-stream.ts';
import * as calls from './machine-calls.ts';
import {
  boardFootprint,
  type MachineParts,
  machineEnd,
  machineStatistics,
  readBoardMemory,
  readBoardRegister,
} from './machine-parts.ts';
import type {
  BootOptions,
  MachineEnd,
  MachineEvents,
  MachineStatistics,
  MachineStatus,
} from './machine-types.ts';

/**
 * A machine of a host, created by `Host.createMachine`.
 *
 * @example
 * ```js
 * import { Host } from 'vsmmu';
 * import { toyGuest } from 'vsmmu/guest';
 *
 * const host = await Host.create();
 * const machine = await host.createMachine({ guest: toyGuest, args: ['path=direct', 'rounds=3'] });
 * machine.on('check', ({ name, ok }) => console.log(ok ? 'ok  ' : 'FAIL', name));
 * await machine.boot();
 * const { status, exitCode } = await machine.wait();
 * console.log(status, exitCode, machine.statistics.exits.total, 'exits');
 * await host.destroy();
 * ```
 */
export class Machine implements AsyncDisposable {
  readonly #parts: MachineParts;
  #booting: Promise<void> | undefined;
  #loop: Promise<void> | undefined;
  #turn: Promise<CoreStatus> | undefined;
  #streams: ConsoleStreams | undefined;
  #end: MachineEnd | undefined;
  #destroyed = false;
  #unlisten: () => void = () => undefined;

  /** @internal */
  constructor(parts: MachineParts) {
    calls.checkMade(parts?.board, 'a Machine', 'Host.createMachine');
    this.#parts = parts;
    parts.events.on('output', (bytes) => this.#streams?.push(bytes));
    this.#inner.onInterrupt = () => this.#parts.idleWait.wake();
  }

  get name(): string {
    return this.#inner.name;
  }

  get #inner() {
    return this.#parts.board.machine;
  }

  /** The kind of queues on the guest's direct path. */
  get queues(): Queues {
    return this.#parts.board.queues;
  }

  /** The guest's memory: the ABI area, then its RAM. */
  get memory(): WebAssembly.Memory {
    return this.#inner.memory;
  }

  /**
   * The guest's SMMUs with what the host has lent them: streams, queues with PROD and
   * CONS, VINTF, objects of its iommufd. Consistent while the machine is paused.
   */
  inspect(): readonly ViommuInspection[] {
    return this.#parts.board.smmus.map(({ smmu, vintf }) => inspectViommu(smmu, vintf));
  }

  /** Everything that another machine must not be able to change, as counts and hashes. */
  footprint(): MachineFootprint {
    return boardFootprint(this.#parts.board);
  }

  /**
   * A register of a device of the board as its guest would read it; no exit is counted.
   * @param device its name: "smmuv3".
   * @param offset byte offset in its region 0.
   * @param size bytes of the access.
   * @returns the value in two words; undefined when the board has no such device.
   * @throws {OptionsError} when the device has no register of that size there.
   */
  readRegister(
    device: string,
    offset: number,
    size: 4 | 8 = 4,
  ): { readonly lo: number; readonly hi: number } | undefined {
    return readBoardRegister(this.#parts.board, device, offset, size);
  }

  /**
   * A copy of guest RAM; undefined unless all of these bytes are RAM.
   * @throws {OptionsError} when a number is not an integer of at least 0.
   */
  readMemory(gpa: number, length: number): Uint8Array<ArrayBuffer> | undefined {
    return readBoardMemory(this.#parts.board, gpa, length);
  }

  get status(): MachineStatus {
    const { status, pace } = this.#inner;
    return pace === 'free' ? status : 'paused';
  }

  /** Why the machine failed. */
  get error(): MachineError | undefined {
    return this.#inner.error;
  }

  /** True when the guest had nothing to do at its last yield. */
  get idle(): boolean {
    return this.#inner.idle;
  }

  /**
   * Milliseconds until the next timer of a device or a vCPU is due; 0 when it is,
   * Infinity when none is set. An idle machine need not be stepped before.
   */
  get untilTimerMs(): number {
    return this.#inner.idleMs;
  }

  /** Counters so far, as plain data. A reset does not clear them. */
  get statistics(): MachineStatistics {
    return machineStatistics(this.#parts);
  }

  /**
   * Calls `listener` at each event with a name. Its errors do not reach the machine.
   * @returns a function that removes it.
   * @throws {OptionsError} for an unknown event, or a listener that is not a function.
   */
  on<K extends keyof MachineEvents>(
    name: K,
    listener: (value: MachineEvents[K]) => void,
  ): () => void {
    return this.#parts.events.on(name, listener);
  }

  /**
   * The events from now on, all or some, as `{ name, value }`. The last one is `end`.
   * @throws {OptionsError} when there is no such event.
   */
  events<K extends MachineEventName = MachineEventName>(...names: K[]): MachineEventStream<K> {
    return eventStream(names, (name, listener) => this.on(name, listener));
  }

  /** The console as web streams, with output after the first access to this property. */
  get console(): MachineConsole {
    this.#streams ??= new ConsoleStreams((bytes) => this.#input(bytes));
    return this.#streams;
  }

  /** Console input: a string, or bytes. */
  write(input: string | Uint8Array): void {
    this.#input(calls.inputBytes(input));
  }

  /**
   * Ends the console input. A machine of the board `virt` whose vCPUs all sleep, and that
   * only input could wake, is stopped. `write` starts the input again.
   */
  endInput(): void {
    this.#parts.board.endInput?.();
    this.#parts.idleWait.wake();
  }

  #input(bytes: Uint8Array): void {
    this.#parts.input.add(bytes);
    this.#parts.board.receive(bytes);
    this.#parts.idleWait.wake();
  }

  #emitStatus(): void {
    this.#parts.events.emit('status', this.status);
  }

  /**
   * Starts the guest: instantiates and initializes it, and lets it run. No effect on a
   * machine that runs; one that is stopped during the boot becomes `stopped`.
   * @throws {GuestImageError} when the guest imports something that no machine has, or
   *   its start function or `vsmmu_abi`, on its own thread, takes more than 10 s.
   * @throws {EnvironmentError} when a worker or the library for WASI's files cannot load.
   * @throws {UseError} when the machine has ended (`reset` it first) or is destroyed.
   */
  async boot(options: BootOptions = {}): Promise<void> {
    if (this.#destroyed) throw new UseError('destroyed', `${this.name} is destroyed`);
    calls.checkBootOptions(options);
    options.signal?.throwIfAborted();
    if (this.#booting !== undefined) return this.#booting;
    if (this.status === 'running' || this.status === 'paused') return;
    calls.checkNew(this);
    if (options.signal) this.#stopAt(options.signal);
    const named = (error: unknown) => {
      throw this.#parts.named(error);
    };
    this.#booting = this.#inner
      .boot()
      .catch(named)
      .finally(() => {
        this.#booting = undefined;
      });
    try {
      await this.#booting;
    } catch (error) {
      this.#unlisten();
      throw error;
    }
    if (options.paused && this.#inner.status === 'running') return this.#pauseOrContinue();
    this.#emitStatus();
    this.#startLoop();
  }

  #stopAt(signal: AbortSignal): void {
    const stop = () => {
      const { reason } = signal as { readonly reason: unknown };
      const { pace } = this.#inner;
      this.#inner.stop(reason instanceof Error ? reason.message : String(reason));
      if (pace === 'paused' && !this.#booting) this.#reportEnd();
    };
    signal.addEventListener('abort', stop, { once: true });
    this.#unlisten = () => signal.removeEventListener('abort', stop);
    if (signal.aborted) stop();
  }

  /** One turn of the guest; the current one, if any. */
  #takeTurn(budget?: number): Promise<CoreStatus> {
    this.#turn ??= this.#inner
      .run(budget)
      .then(async (status) => {
        if (status === 'running') await this.#considerDrain();
        return this.#inner.status;
      })
      .finally(() => {
        this.#turn = undefined;
      });
    return this.#turn;
  }

  async #considerDrain(): Promise<void> {
    try {
      await this.#parts.drains.atYield(this.#parts.board);
    } catch (cause) {
      this.#inner.fail('drain', cause);
    }
  }

  /** Starts the loop that runs the machine, unless it is paused or has ended. */
  #startLoop(): void {
    if (this.#inner.status !== 'running') this.#reportEnd();
    else if (this.#inner.pace === 'free')
      this.#loop ??= this.#turns().finally(() => {
        this.#loop = undefined;
        this.#startLoop();
      });
  }

  async #turns(): Promise<void> {
    while (this.status === 'running') {
      await this.#takeTurn();
      if (this.#inner.idle) await this.#parts.idleWait.idle(this.#inner.idleMs);
      else await this.#parts.idleWait.busy();
    }
  }

  /** Reports the end of the machine, once. */
  #reportEnd(): void {
    const { end: core } = this.#inner;
    if (this.#end || !core) return;
    this.#unlisten();
    this.#end = machineEnd(core);
    this.#parts.ended();
    this.#emitStatus();
    this.#streams?.end();
    this.#parts.events.emit('end', this.#end);
  }

  /**
   * Lets a paused machine run until its guest yields once; its status stays `paused`.
   * `resume` lets it continue freely, and `pause` stops it earlier.
   * @param budget amount of work that the guest may do, in its own unit. Default 1.
   * @throws {UseError} when it is not paused: `boot({ paused: true })`, or `pause`.
   * @throws {OptionsError} when the budget is not a number above 0.
   * @throws {MachineError} when a vCPU needs over 1 s to stop; the machine continues.
   */
  async step(budget?: number): Promise<MachineStatus> {
    calls.checkStep(this, budget);
    this.#inner.allowStep();
    await this.#takeTurn(budget);
    if (this.status === 'paused') await this.#pauseOrContinue();
    else this.#startLoop();
    return this.status;
  }

  /** Pauses it. A machine that cannot be paused continues. */
  async #pauseOrContinue(): Promise<void> {
    const before = this.status;
    try {
      await this.#inner.pause();
    } finally {
      if (this.#inner.status === 'running' && this.status !== before) this.#emitStatus();
      this.#startLoop();
    }
  }

  /**
   * Resolves when all vCPUs have stopped, after an exit or outside the guest.
   * @throws {MachineError} when one needs over 1 s to stop; the machine continues.
   * @throws {UseError} when it has not been booted.
   */
  async pause(): Promise<void> {
    calls.checkBooted(this, this.#booting);
    if (this.#inner.status === 'running') await this.#pauseOrContinue();
  }

  /**
   * Resumes a paused machine.
   * @throws {UseError} when it has not been booted.
   */
  resume(): void {
    calls.checkBooted(this, this.#booting);
    if (this.status !== 'paused') return;
    this.#inner.resume();
    this.#emitStatus();
    this.#startLoop();
  }

  /**
   * Ends the machine at its next safe point, or during the boot, and resolves when it has
   * ended. No effect on a machine that has not been booted, or has ended.
   * @throws {OptionsError} when the reason is not a string.
   */
  async stop(reason = 'stopped'): Promise<void> {
    calls.checkReason(reason);
    const { status } = this;
    if (status !== 'running' && status !== 'paused' && !this.#booting) return;
    this.#inner.stop(reason);
    this.#parts.idleWait.wake();
    // A failed boot is reported to the caller of `boot`.
    await this.#booting?.catch(() => undefined);
    await this.#turn;
    await this.#loop;
    this.#reportEnd();
  }

  /**
   * Resolves when the machine has ended.
   * @param options a signal ends the wait, but not the machine.
   * @throws {UseError} when it has not been booted.
   */
  wait(options: { readonly signal?: AbortSignal } = {}): Promise<MachineEnd> {
    return calls.untilEnd(this, this.#end, options);
  }

  /** Returns to the state before `boot`. Counters and listeners are kept. */
  async reset(): Promise<void> {
    await this.stop('reset');
    await this.#inner.reset();
    this.#parts.input.clear();
    this.#end = undefined;
    this.#streams = undefined;
    this.#emitStatus();
  }

  /** Stops the machine, ends its threads, and returns its resources to the host. */
  async destroy(): Promise<void> {
    if (this.#destroyed) return;
    this.#destroyed = true;
    await this.stop('destroyed');
    await this.#parts.drains.remove(this.#parts.board);
    await this.#inner.reset();
    this.#parts.board.destroy();
    this.#parts.forget();
  }

  /** Same as `destroy`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}

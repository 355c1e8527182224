// SPDX-License-Identifier: MIT
// A machine as its user sees it: boots, runs by itself, pauses, stops, tells what happens to it.

import type { MachineError } from '../../devices/plugin/index.ts';
import type { Queues } from '../boards/index.ts';
import { inspectViommu, type MachineFootprint, type ViommuInspection } from '../inspect/index.ts';
import type { CoreStatus } from '../machine/index.ts';
import { UseError } from './api-errors.ts';
import { ConsoleStreams, type MachineConsole } from './console-streams.ts';
import { eventStream, type MachineEventName, type MachineEventStream } from './event-stream.ts';
import { IdleWait } from './idle-wait.ts';
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
 * A machine of a host; `Host.createMachine` makes it.
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
  readonly #idleWait = new IdleWait();

  /** @internal */
  constructor(parts: MachineParts) {
    calls.checkMade(parts?.board, 'a Machine', 'Host.createMachine');
    this.#parts = parts;
    parts.events.on('output', (bytes) => this.#streams?.push(bytes));
    this.#inner.onInterrupt = () => this.#idleWait.wake();
  }

  get name(): string {
    return this.#inner.name;
  }

  get #inner() {
    return this.#parts.board.machine;
  }

  /** What the guest's direct path consists of. */
  get queues(): Queues {
    return this.#parts.board.queues;
  }

  /** The guest's memory: the ABI area, then its RAM. */
  get memory(): WebAssembly.Memory {
    return this.#inner.memory;
  }

  /**
   * The guest's SMMUs with what the host has lent them: streams, queues with PROD and CONS, VINTF,
   * objects of its iommufd. While the machine is paused it belongs together.
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
   * @throws {OptionsError} when the device has no register there, or none of that size.
   */
  readRegister(
    device: string,
    offset: number,
    size: 4 | 8 = 4,
  ): { readonly lo: number; readonly hi: number } | undefined {
    return readBoardRegister(this.#parts.board, device, offset, size);
  }

  /**
   * A copy of guest RAM; undefined when these bytes are not all RAM.
   * @throws {OptionsError} when a number is no integer from 0.
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

  /** The guest had nothing to do when it yielded last. */
  get idle(): boolean {
    return this.#inner.idle;
  }

  /**
   * Milliseconds until the next timer is due, of a device or of a vCPU that waits for it; 0 when it
   * is, Infinity when none is set: how long an idle machine that is stepped may be left alone.
   */
  get untilTimerMs(): number {
    return this.#inner.idleMs;
  }

  /** Counts so far, as plain data; they go on through a reset. */
  get statistics(): MachineStatistics {
    return machineStatistics(this.#parts);
  }

  /**
   * Calls `listener` at each event of a name. An error that it throws does not reach the machine.
   * @returns the function that takes it away again.
   * @throws {OptionsError} when there is no such event, or the listener is no function.
   */
  on<K extends keyof MachineEvents>(
    name: K,
    listener: (value: MachineEvents[K]) => void,
  ): () => void {
    return this.#parts.events.on(name, listener);
  }

  /**
   * The events from now on, of all names or of some, as `{ name, value }`; behind `end` it is over.
   * @throws {OptionsError} when there is no such event.
   */
  events<K extends MachineEventName = MachineEventName>(...names: K[]): MachineEventStream<K> {
    return eventStream(names, (name, listener) => this.on(name, listener));
  }

  /** The console as web streams. Output from before it is first asked for is not in it. */
  get console(): MachineConsole {
    this.#streams ??= new ConsoleStreams((bytes) => this.#input(bytes));
    return this.#streams;
  }

  /** Console input: text, or bytes. */
  write(input: string | Uint8Array): void {
    this.#input(calls.inputBytes(input));
  }

  /**
   * No more console input comes. A machine of the board `virt` whose vCPUs all sleep, and that only input
   * could wake, is stopped. `write` takes it back.
   */
  endInput(): void {
    this.#parts.board.endInput?.();
    this.#idleWait.wake();
  }

  #input(bytes: Uint8Array): void {
    this.#parts.input.add(bytes);
    this.#parts.board.receive(bytes);
    this.#idleWait.wake();
  }

  #emitStatus(): void {
    this.#parts.events.emit('status', this.status);
  }

  /**
   * Starts the guest: instantiates and initializes it, and lets it run. A machine that runs is left alone; one stopped meanwhile is `stopped`.
   * @throws {GuestImageError} when the guest asks for something that no machine has, or, on a thread of its own, its start function or
   * `vsmmu_abi` has not returned after 10 s.
   * @throws {EnvironmentError} when a worker's program, or the library behind WASI's files, cannot be loaded.
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
    if (options.paused && this.#inner.status === 'running') return this.#standStill();
    this.#emitStatus();
    this.#goOn();
  }

  #stopAt(signal: AbortSignal): void {
    const stop = () => {
      const { reason } = signal as { readonly reason: unknown };
      const { pace } = this.#inner;
      this.#inner.stop(reason instanceof Error ? reason.message : String(reason));
      if (pace === 'paused' && !this.#booting) this.#settle();
    };
    signal.addEventListener('abort', stop, { once: true });
    this.#unlisten = () => signal.removeEventListener('abort', stop);
    if (signal.aborted) stop();
  }

  /** One turn of the guest, the one under way when there is one. */
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

  /** Lets it run by itself, when it is not paused and has not ended. */
  #goOn(): void {
    if (this.#inner.status !== 'running') this.#settle();
    else if (this.#inner.pace === 'free')
      this.#loop ??= this.#turns().finally(() => {
        this.#loop = undefined;
        this.#goOn();
      });
  }

  async #turns(): Promise<void> {
    while (this.status === 'running') {
      await this.#takeTurn();
      if (this.#inner.idle) await this.#idleWait.idle(this.#inner.idleMs);
      else await this.#idleWait.busy();
    }
  }

  /** The machine has ended: says so, once. */
  #settle(): void {
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
   * Lets a paused machine run until its guest yields once; its status stays `paused`. `resume` lets
   * it run on from there, `pause` has it stand still before.
   * @param budget how much work the guest may do, in its own measure. Default 1.
   * @throws {UseError} when the machine is not paused: `boot({ paused: true })`, or `pause`.
   * @throws {OptionsError} when the budget is no number above 0.
   * @throws {MachineError} when a vCPU comes to no safe point within a second; it runs on then.
   */
  async step(budget?: number): Promise<MachineStatus> {
    calls.checkStep(this, budget);
    this.#inner.allowStep();
    await this.#takeTurn(budget);
    if (this.status === 'paused') await this.#standStill();
    else this.#goOn();
    return this.status;
  }

  /** Pauses it; one that cannot be paused runs on. */
  async #standStill(): Promise<void> {
    const before = this.status;
    try {
      await this.#inner.pause();
    } finally {
      if (this.#inner.status === 'running' && this.status !== before) this.#emitStatus();
      this.#goOn();
    }
  }

  /**
   * Resolves when none of the machine's vCPUs runs any more; they stand behind an exit, or outside of the guest.
   * @throws {MachineError} when one does not come to a safe point within a second; the machine then goes on.
   * @throws {UseError} when it has not been booted.
   */
  async pause(): Promise<void> {
    calls.checkBooted(this, this.#booting);
    if (this.#inner.status === 'running') await this.#standStill();
  }

  /**
   * Lets a paused machine go on.
   * @throws {UseError} when it has not been booted.
   */
  resume(): void {
    calls.checkBooted(this, this.#booting);
    if (this.status !== 'paused') return;
    this.#inner.resume();
    this.#emitStatus();
    this.#goOn();
  }

  /**
   * Ends the machine at its next safe point, or while it boots, and resolves when it has ended. One that has not been booted, or has ended, is
   * left alone.
   * @throws {OptionsError} when the reason is no text.
   */
  async stop(reason = 'stopped'): Promise<void> {
    calls.checkReason(reason);
    const { status } = this;
    if (status !== 'running' && status !== 'paused' && !this.#booting) return;
    this.#inner.stop(reason);
    this.#idleWait.wake();
    // Why it could not boot is told to whoever has booted it.
    await this.#booting?.catch(() => undefined);
    await this.#turn;
    await this.#loop;
    this.#settle();
  }

  /**
   * Resolves when the machine has ended.
   * @param options a signal ends the waiting, not the machine.
   * @throws {UseError} when it has not been booted.
   */
  wait(options: { readonly signal?: AbortSignal } = {}): Promise<MachineEnd> {
    return calls.untilEnd(this, this.#end, options);
  }

  /** Back to the state before `boot`, from any other: devices reset, memory zero. Counts and listeners stay. */
  async reset(): Promise<void> {
    await this.stop('reset');
    await this.#inner.reset();
    this.#parts.input.clear();
    this.#end = undefined;
    this.#streams = undefined;
    this.#emitStatus();
  }

  /** Stops the machine, ends its threads, and gives back to the host what it had. */
  async destroy(): Promise<void> {
    if (this.#destroyed) return;
    this.#destroyed = true;
    await this.stop('destroyed');
    await this.#parts.drains.remove(this.#parts.board);
    await this.#inner.reset();
    this.#parts.board.destroy();
    this.#parts.forget();
  }

  /** The same as `destroy`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}

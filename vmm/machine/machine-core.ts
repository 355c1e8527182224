// A machine: one guest with its memory, devices and vCPUs. Inline, the guest runs on the caller's thread; with a transport each vCPU has a
// thread of its own, and only its exits come here.

import {
  ABI_AREA_SIZE,
  ABI_AT_EXIT_REQUEST,
  ABI_MAX_VCPUS,
  RUN_IDLE,
  RUN_OFF,
  RUN_YIELD,
} from '../../assembly/layout/guest-abi.ts';
import { type AttachedDevices, attachDevices } from '../../devices/bus/attached-devices.ts';
import { BackgroundLoops } from '../../devices/bus/background-loops.ts';
import { Bus, type BusMount } from '../../devices/bus/bus.ts';
import { type Clock, SYSTEM_CLOCK } from '../../devices/bus/clock.ts';
import { guestMemoryOf } from '../../devices/bus/index.ts';
import { MachineError } from '../../devices/plugin/index.ts';
import { EXIT_KINDS, ExitCounter, type ExitStatistics, exitTrace } from '../vcpu/exit-counter.ts';
import type { RemoteVcpuOptions, VcpuTransport } from '../vcpu/vcpu.ts';
import { VcpuSet } from '../vcpu/vcpu-set.ts';
import { InterruptLines } from '../vcpu/wasm/abi-interrupts.ts';
import { GuestExit } from '../vcpu/wasm/guest-errors.ts';
import { abiOf, checkAbiVersion } from '../vcpu/wasm/guest-image.ts';
import { type ExitGate, guestImports } from '../vcpu/wasm/guest-imports.ts';
import { TimeMirror, writeInfoPage } from '../vcpu/wasm/info-page.ts';
import { runSecondary, SECONDARY_ENTRY } from '../vcpu/wasm/secondary.ts';
import { probeStack } from '../vcpu/wasm/stack-probe.ts';
import type { WasiHost } from '../vcpu/wasm/wasi-host.ts';
import { DirectMaps } from './direct-maps.ts';
import type { CoreStatus, MachineCoreOptions } from './machine-options.ts';

const WAIT = EXIT_KINDS.indexOf('wait');

export class MachineCore {
  readonly name: string;
  readonly memory: WebAssembly.Memory;
  readonly bus: Bus;
  readonly exits: ExitCounter;
  readonly #options: MachineCoreOptions;
  readonly #clock: Clock;
  readonly #interrupts: InterruptLines;
  readonly #background = new BackgroundLoops();
  readonly #directMaps: DirectMaps;
  readonly #devices: AttachedDevices;
  readonly #time: TimeMirror;
  readonly #exitRequest: Int32Array;
  #status: CoreStatus = 'new';
  #error: MachineError | undefined;
  #stopReason: string | undefined;
  #exitCode = 0;
  #idle = false;
  /** By vCPU, inline: guest code is running now, not stopped and not at an exit. */
  readonly #inGuest: boolean[];
  /** The guest is on the stack, perhaps at an exit. */
  #entered = false;
  #paused = false;
  /** What an import threw. A guest can catch it; it does not keep the machine running, and every further exit throws it again. */
  #thrown: unknown;
  #instance: WebAssembly.Instance | undefined;
  /** With a transport: vCPU 0 and, behind it, the secondary ones. */
  readonly #vcpus = new VcpuSet();
  /** The run under way on them. */
  #current: Promise<unknown> = Promise.resolve();
  #wasi: WasiHost | undefined;

  /**
   * @throws {RangeError} when the board does not fit together.
   * @throws {BoardError} when one of its devices does not work.
   */
  constructor(options: MachineCoreOptions) {
    const { memory, devices } = options;
    this.#options = options;
    this.name = options.name;
    this.memory = memory;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    const { vcpus = 1, secondary } = options;
    if (!(Number.isInteger(vcpus) && vcpus >= 1 && vcpus <= ABI_MAX_VCPUS))
      throw new RangeError(`a machine has 1 to ${ABI_MAX_VCPUS} vCPUs`);
    if (vcpus > 1 && !secondary)
      throw new RangeError('the guest has no program for secondary vCPUs');
    this.#inGuest = Array.from({ length: vcpus }, () => false);
    this.exits = new ExitCounter(
      memory,
      vcpus,
      options.onTrace && exitTrace(options.onTrace, () => this.bus.mounts),
    );
    const mounts = devices.flatMap(({ device, addresses }) =>
      addresses.map((address, region): BusMount => ({ device, region, address })),
    );
    this.bus = new Bus(mounts, this.exits);
    this.#interrupts = new InterruptLines(memory);
    this.#directMaps = new DirectMaps(memory, {
      count: vcpus,
      // A thread that has ended is in no guest, whatever it was at last.
      inGuest: (vcpu) =>
        (options.transport ? this.#vcpus.at(vcpu)?.inGuest : this.#inGuest[vcpu]) ?? false,
    });
    this.#time = new TimeMirror(memory);
    this.#exitRequest = new Int32Array(memory.buffer, ABI_AT_EXIT_REQUEST, 1);
    this.#writeInfoPage();
    const { onTrace } = options;
    this.#devices = attachDevices(devices, {
      memory: guestMemoryOf(memory, options.regions),
      interrupts: this.#interrupts,
      directMaps: options.directMaps === false ? undefined : this.#directMaps,
      background: this.#background,
      clock: this.#clock,
      trace: onTrace && ((device, event) => onTrace(device, event)),
    });
  }

  get status(): CoreStatus {
    return this.#status;
  }

  /** The guest had nothing to do when it yielded last. */
  get idle(): boolean {
    return this.#idle;
  }

  /** Why the machine failed. */
  get error(): MachineError | undefined {
    return this.#error;
  }

  /** What `stop` was called with. */
  get stopReason(): string | undefined {
    return this.#stopReason;
  }

  /** Code of the guest's proc_exit, 0 when there was none. */
  get exitCode(): number {
    return this.#exitCode;
  }

  get exitStatistics(): ExitStatistics {
    return this.exits.statistics(this.bus.mounts);
  }

  #writeInfoPage(): void {
    const { index = 0, ramGpaBase, devices, vcpus = 1 } = this.#options;
    writeInfoPage(this.memory, { ramGpaBase, vcpus, machine: index, devices });
  }

  /**
   * Instantiates the guest and runs its `_initialize`.
   * @throws {GuestImageError} when the guest asks for something that no machine has.
   */
  async boot(): Promise<void> {
    if (this.#status !== 'new') return;
    const { image, memory, args = [this.name], env = {} } = this.#options;
    const wasi = await this.#options.wasi(image.module, memory, {
      args,
      env,
      onOutput: (stream, bytes) => this.#options.onOutput?.(stream, bytes),
      readInput: (most) => this.#options.readInput?.(most) ?? new Uint8Array(),
      random: (target) => (this.#options.random ?? crypto.getRandomValues.bind(crypto))(target),
      nowNs: () => this.#clock.nowNs(),
    });
    this.#wasi = wasi;
    if (this.#options.transport) {
      await this.#startVcpus(this.#options.transport, wasi);
    } else {
      const instantiate =
        this.#options.instantiate ?? ((module, object) => WebAssembly.instantiate(module, object));
      const instance = await instantiate(
        image.module,
        this.#imports(0, image.module, wasi.functions, this.#options.drain),
      );
      checkAbiVersion(image, abiOf(instance));
      this.#instance = instance;
    }
    this.#status = 'running';
    if (image.shape !== 'reactor') return;
    if (this.#options.transport) await this.#begin('_initialize');
    else this.#run('_initialize');
  }

  #imports(
    vcpu: number,
    module: WebAssembly.Module,
    wasi: WasiHost['functions'],
    inside: MachineCoreOptions['drain'] = {},
  ): WebAssembly.Imports {
    const { memory, bus } = this;
    const startVcpu = (target: number, argument: number) => this.#startSecondary(target, argument);
    return guestImports({
      module,
      memory,
      vcpu,
      bus,
      clock: this.#clock,
      gate: this.#gate(),
      wasi,
      startVcpu,
      inside,
    });
  }

  async #startVcpus(transport: VcpuTransport, wasi: WasiHost): Promise<void> {
    const { image, secondary } = this.#options;
    const { memory } = this;
    const attend = () => this.#attend();
    const plans = this.#inGuest.map((_, vcpu): RemoteVcpuOptions => {
      const module = vcpu === 0 || !secondary ? image.module : secondary;
      const imports = this.#imports(vcpu, module, vcpu === 0 ? wasi.functions : {});
      const onEnd = (reason: Error) => this.fail(`guest vCPU ${vcpu}`, reason);
      return { vcpu, name: `${this.name} vCPU ${vcpu}`, module, memory, imports, attend, onEnd };
    });
    await this.#vcpus.start(transport, plans);
    try {
      checkAbiVersion(image, this.#vcpus.at(0)?.abi);
    } catch (error) {
      await this.#vcpus.end();
      throw error;
    }
  }

  /** The `vcpu_start` import. Inline the secondary vCPU runs to its end at once, on the primary's stack. */
  #startSecondary(vcpu: number, argument: number): number {
    const { secondary } = this.#options;
    if (vcpu < 1 || vcpu >= this.#inGuest.length || !secondary) return -1;
    const remote = this.#vcpus.at(vcpu);
    if (remote) {
      if (!remote.still) return -1;
      this.#options.onVcpu?.(vcpu, true);
      const run = remote
        .run(SECONDARY_ENTRY, vcpu, argument)
        .finally(() => this.#options.onVcpu?.(vcpu, false));
      run.catch((cause: unknown) => this.fail(`guest vCPU ${vcpu}`, cause));
      return 0;
    }
    this.#inGuest[vcpu] = true;
    try {
      this.#options.onVcpu?.(vcpu, true);
      runSecondary(
        secondary,
        this.#imports(vcpu, secondary, {}, this.#options.drain),
        vcpu,
        argument,
      );
    } finally {
      this.#inGuest[vcpu] = false;
      this.#options.onVcpu?.(vcpu, false);
    }
    return 0;
  }

  #gate(): ExitGate {
    return {
      enter: (vcpu, kind) => {
        if (this.#thrown !== undefined) throw this.#thrown;
        this.#inGuest[vcpu] = false;
        probeStack();
        this.exits.count(vcpu, kind);
      },
      leave: (vcpu, kind) => {
        this.#safePoint(kind === WAIT);
        if (this.#thrown !== undefined) throw this.#thrown;
        if (this.#stopReason !== undefined) throw new GuestExit(0);
        this.#inGuest[vcpu] = true;
      },
      threw: (thrown) => {
        this.#thrown ??= thrown;
        return this.#thrown;
      },
    };
  }

  #safePoint(full: boolean): void {
    // Before the host looks: a request that comes while it looks stays for the next safe point.
    Atomics.store(this.#exitRequest, 0, 0);
    this.#background.poll();
    this.#options.onSafePoint?.(full);
    this.#interrupts.rewriteLevels();
    this.#time.store(this.#clock.nowNs());
  }

  /** Runs one of the guest's exports and settles what comes of it. Undefined when the guest did not return. */
  #run(name: string, ...args: number[]): unknown {
    try {
      this.#safePoint(true);
      this.#options.onVcpu?.(0, true);
      const run = this.#instance?.exports[name] as (...args: number[]) => unknown;
      this.#entered = true;
      this.#inGuest[0] = true;
      const result = run(...args);
      this.#inGuest[0] = false;
      if (this.#thrown !== undefined) throw this.#thrown;
      this.#safePoint(true);
      if (this.#stopReason !== undefined) this.#status = 'stopped';
      return result;
    } catch (thrown) {
      this.#inGuest[0] = false;
      this.#settle(thrown);
      return undefined;
    } finally {
      this.#entered = false;
      this.#options.onVcpu?.(0, false);
    }
  }

  /** The same on vCPU 0's own thread; threads end with their machine. */
  async #runRemote(name: string, ...args: number[]): Promise<unknown> {
    try {
      this.#safePoint(true);
      this.#options.onVcpu?.(0, true);
      this.#entered = true;
      const result = await this.#vcpus.at(0)?.run(name, ...args);
      if (this.#thrown !== undefined) throw this.#thrown;
      this.#safePoint(true);
      if (this.#stopReason !== undefined) this.#status = 'stopped';
      return result;
    } catch (thrown) {
      this.#settle(this.#thrown ?? thrown);
      return undefined;
    } finally {
      this.#entered = false;
      this.#options.onVcpu?.(0, false);
      if (this.#status !== 'running') await this.#vcpus.end();
    }
  }

  /** While vCPUs run on their threads: what inline happens at exits only. */
  #attend(): void {
    if (!this.#entered) return;
    try {
      this.#safePoint(true);
    } catch (cause) {
      this.fail('host', cause);
    }
  }

  #settle(thrown: unknown): void {
    if (this.#stopReason !== undefined) {
      this.#status = 'stopped';
    } else if (thrown instanceof GuestExit) {
      this.#exitCode = thrown.code;
      this.#status = 'off';
    } else {
      this.#error =
        thrown instanceof MachineError ? thrown : new MachineError('guest vCPU 0', thrown);
      this.#status = 'failed';
    }
  }

  /**
   * Lets an inline guest run until it yields (a reactor) or ends (a command). Never throws for what a guest does.
   * @param budget how much work a reactor may do, in its own measure.
   */
  step(budget = 1): CoreStatus {
    if (this.#status !== 'running' || this.#paused) return this.#status;
    const { entry, args } = this.#entry(budget);
    return this.#ran(this.#run(entry, ...args));
  }

  /** The same on any transport. */
  async run(budget = 1): Promise<CoreStatus> {
    if (!this.#options.transport || this.#status !== 'running' || this.#paused)
      return this.step(budget);
    const { entry, args } = this.#entry(budget);
    const status = this.#ran(await this.#begin(entry, ...args));
    if (status !== 'running') await this.#vcpus.end();
    return status;
  }

  #begin(entry: string, ...args: number[]): Promise<unknown> {
    const run = this.#runRemote(entry, ...args);
    this.#current = run;
    return run;
  }

  #entry(budget: number): { entry: string; args: number[] } {
    return this.#options.image.shape === 'command'
      ? { entry: '_start', args: [] }
      : { entry: 'vsmmu_run', args: [budget] };
  }

  #ran(result: unknown): CoreStatus {
    const command = this.#options.image.shape === 'command';
    this.#idle = !command && result === RUN_IDLE;
    if (this.#status !== 'running') return this.#status;
    if (command || result === RUN_OFF) this.#status = 'off';
    else if (result !== RUN_YIELD && result !== RUN_IDLE)
      this.#settle(new Error(`vsmmu_run returned ${String(result)}`));
    return this.#status;
  }

  /** Threads that the machine keeps busy while it runs: its vCPUs', and the VMM's where that is another. */
  get threads(): number {
    return this.#options.transport ? this.#inGuest.length + 1 : 1;
  }

  /** False while the drain runs on a thread of its own: stores to directly mapped registers then need no doorbell call. */
  setDoorbells(needed: boolean): void {
    this.#directMaps.setDoorbells(needed);
  }

  /** One of the machine's parts has failed beside its guest: it stops at its next safe point. */
  fail(component: string, cause: unknown): void {
    if (this.#status !== 'running' && this.#status !== 'new') return;
    this.#thrown ??= cause instanceof MachineError ? cause : new MachineError(component, cause);
    if (this.#entered) this.#interrupt();
    else this.#settle(this.#thrown);
  }

  /** Stops the machine at its next safe point. */
  stop(reason: string): void {
    if (this.#status === 'off' || this.#status === 'failed') return;
    this.#stopReason ??= reason;
    if (this.#entered) this.#interrupt();
    else this.#status = 'stopped';
  }

  /** Has vCPUs that run on their own threads leave the guest. One that does not come to a safe point in time is terminated. */
  #interrupt(): void {
    Atomics.store(this.#exitRequest, 0, 1);
    this.#vcpus.interrupt((cause) => this.fail('vCPU thread', cause));
  }

  /** True between `pause` and `resume`. */
  get paused(): boolean {
    return this.#paused;
  }

  /**
   * Pauses the machine; resolves when none of its vCPUs runs any more. They stand at safe points: behind an exit, or outside of the guest.
   * @throws {MachineError} when one does not come to a safe point in time; the machine then goes on.
   */
  async pause(): Promise<void> {
    this.#paused = true;
    try {
      await this.#vcpus.pause(() => Atomics.store(this.#exitRequest, 0, 1));
    } catch (error) {
      this.#paused = false;
      throw error;
    }
  }

  /** Lets a paused machine go on. */
  resume(): void {
    this.#paused = false;
    this.#vcpus.resume();
  }

  /**
   * Back to the state before `boot`: devices reset, memory zero, a fresh instance at the next `boot`. The exit counts go on. A machine that
   * runs on threads is stopped first.
   */
  async reset(): Promise<void> {
    if (this.#vcpus.at(0)) {
      this.stop('reset');
      await this.#vcpus.end();
      await this.#current;
    }
    this.#reset();
  }

  /** Takes back what its devices were given, so that another machine can have them. For a machine that has stopped for good. */
  detachDevices(): void {
    this.#devices.detach();
  }

  #reset(): void {
    this.#devices.reset();
    this.#interrupts.reset();
    this.#directMaps.reset();
    // A fresh instance finds its data where the binary puts it, and everything else as a new memory would have it.
    new Uint8Array(this.memory.buffer).fill(0, ABI_AREA_SIZE);
    this.#writeInfoPage();
    this.#wasi?.dispose();
    this.#wasi = undefined;
    this.#instance = undefined;
    this.#stopReason = undefined;
    this.#error = undefined;
    this.#thrown = undefined;
    this.#exitCode = 0;
    this.#paused = false;
    this.#status = 'new';
  }
}

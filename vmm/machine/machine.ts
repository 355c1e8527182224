// A machine: one guest with its memory, devices and vCPU, on the caller's thread (the inline transport).

import { ABI_AREA_SIZE, ABI_AT_EXIT_REQUEST, RUN_IDLE, RUN_OFF, RUN_YIELD } from '../../assembly/layout/guest-abi.ts';
import type { MemoryRegion } from '../../assembly/load.ts';
import type { TraceEvent } from '../../devices/plugin/index.ts';
import { BackgroundLoops } from './background.ts';
import { Bus, type BusMount } from './bus.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import { attachDevice, type DeviceServices } from './device-host.ts';
import { DirectMaps } from './direct-maps.ts';
import { GuestExit, MachineError } from './errors.ts';
import { EXIT_KINDS, ExitCounter, type ExitStatistics } from './exits.ts';
import { checkAbiVersion, type GuestImage } from './guest-image.ts';
import { type ExitGate, guestImports } from './guest-imports.ts';
import { guestMemoryOf } from './guest-ram.ts';
import { TimeMirror, writeInfoPage } from './info-page.ts';
import { InterruptLines } from './interrupts.ts';
import type { Placement } from './placement.ts';
import { probeStack } from './stack-probe.ts';
import type { WasiFactory, WasiHost } from './wasi-host.ts';

export interface MachineOptions {
  /** Used in messages: "vm0". */
  readonly name: string;
  /** Index among the machines of its host, from 0. */
  readonly index?: number;
  readonly image: GuestImage;
  /** Made by `createGuestMemory` for this image. */
  readonly memory: WebAssembly.Memory;
  readonly regions: readonly MemoryRegion[];
  /** gpa of memory offset 0. */
  readonly ramGpaBase: number;
  readonly devices: readonly Placement[];
  readonly wasi: WasiFactory;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The drain's export of the machine's unit. */
  readonly doorbell?: ((id: number, offset: number) => void) | undefined;
  /** Console output of the guest's program, as it is written. */
  onOutput?(stream: 'stdout' | 'stderr', bytes: Uint8Array<ArrayBuffer>): void;
  /** Console input that is there already. */
  readInput?(most: number): Uint8Array;
  /**
   * What the host does for this machine at its safe points: at the end of every exit, and (`full`) when the guest yields or waits.
   */
  onSafePoint?(full: boolean): void;
  /** Called for each event of a device while it is set. */
  onTrace?(device: string, event: TraceEvent): void;
  readonly clock?: Clock;
  /** False keeps every register access trapped. Default true. */
  readonly directMaps?: boolean;
  /** How the guest is instantiated; a test can look at the import object here. */
  instantiate?(module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<WebAssembly.Instance>;
}

/**
 * `new` until `boot`, `running` while the guest wants to go on, `off` when it has ended by itself, `stopped` by its owner, `failed`
 * when one of its parts failed (`error` says which).
 */
export type MachineStatus = 'new' | 'running' | 'off' | 'stopped' | 'failed';

const VCPUS = 1;
const WAIT = EXIT_KINDS.indexOf('wait');

export class Machine {
  readonly name: string;
  readonly memory: WebAssembly.Memory;
  readonly bus: Bus;
  readonly exits: ExitCounter;
  readonly #options: MachineOptions;
  readonly #clock: Clock;
  readonly #interrupts: InterruptLines;
  readonly #background = new BackgroundLoops();
  readonly #directMaps: DirectMaps;
  readonly #time: TimeMirror;
  readonly #exitRequest: Int32Array;
  #status: MachineStatus = 'new';
  #error: MachineError | undefined;
  #stopReason: string | undefined;
  #exitCode = 0;
  #idle = false;
  /** Guest code is running now: not stopped and not at an exit. */
  #inGuest = false;
  /** The guest is on the stack, perhaps at an exit. */
  #entered = false;
  /** What an import threw. A guest can catch it; it does not keep the machine running, and every further exit throws it again. */
  #thrown: unknown;
  #instance: WebAssembly.Instance | undefined;
  #wasi: WasiHost | undefined;

  /** @throws {RangeError} when the board does not fit together. */
  constructor(options: MachineOptions) {
    const { memory, devices } = options;
    this.#options = options;
    this.name = options.name;
    this.memory = memory;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.exits = new ExitCounter(memory, VCPUS);
    const mounts = devices.flatMap(({ device, addresses }) => addresses.map((address, region): BusMount => ({ device, region, address })));
    this.bus = new Bus(mounts, this.exits);
    this.#interrupts = new InterruptLines(memory);
    this.#directMaps = new DirectMaps(memory, { count: VCPUS, inGuest: () => this.#inGuest });
    this.#time = new TimeMirror(memory);
    this.#exitRequest = new Int32Array(memory.buffer, ABI_AT_EXIT_REQUEST, 1);
    this.#writeInfoPage();
    const { onTrace } = options;
    const services: DeviceServices = {
      memory: guestMemoryOf(memory, options.regions),
      interrupts: this.#interrupts,
      directMaps: options.directMaps === false ? undefined : this.#directMaps,
      background: this.#background,
      clock: this.#clock,
      trace: onTrace && ((device, event) => onTrace(device, event)),
    };
    for (const placement of devices) attachDevice(placement, services);
    for (const { device } of devices) device.reset();
  }

  get status(): MachineStatus {
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
    const { index = 0, ramGpaBase, devices } = this.#options;
    writeInfoPage(this.memory, { ramGpaBase, vcpus: VCPUS, machine: index, devices });
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
      nowNs: () => this.#clock.nowNs(),
    });
    this.#wasi = wasi;
    const imports = guestImports({
      module: image.module,
      memory,
      vcpu: 0,
      bus: this.bus,
      clock: this.#clock,
      gate: this.#gate(),
      wasi: wasi.functions,
      doorbell: this.#options.doorbell,
    });
    const instantiate = this.#options.instantiate ?? ((module, object) => WebAssembly.instantiate(module, object));
    const instance = await instantiate(image.module, imports);
    checkAbiVersion(image, instance);
    wasi.attach(instance);
    this.#instance = instance;
    this.#status = 'running';
    if (image.shape === 'reactor') this.#run('_initialize');
  }

  #gate(): ExitGate {
    return {
      enter: (vcpu, kind) => {
        if (this.#thrown !== undefined) throw this.#thrown;
        this.#inGuest = false;
        probeStack();
        this.exits.count(vcpu, kind);
      },
      leave: (_vcpu, kind) => {
        this.#safePoint(kind === WAIT);
        if (this.#thrown !== undefined) throw this.#thrown;
        if (this.#stopReason !== undefined) throw new GuestExit(0);
        this.#inGuest = true;
      },
      threw: (thrown) => {
        this.#thrown ??= thrown;
        return this.#thrown;
      },
    };
  }

  #safePoint(full: boolean): void {
    this.#background.poll();
    this.#options.onSafePoint?.(full);
    // After the host's look at what it was requested for.
    this.#exitRequest[0] = 0;
    this.#interrupts.rewriteLevels();
    this.#time.store(this.#clock.nowNs());
  }

  /** Runs one of the guest's exports and settles what comes of it. Undefined when the guest did not return. */
  #run(name: string, ...args: number[]): unknown {
    try {
      this.#safePoint(true);
      const run = this.#instance?.exports[name] as (...args: number[]) => unknown;
      this.#entered = true;
      this.#inGuest = true;
      const result = run(...args);
      this.#inGuest = false;
      if (this.#thrown !== undefined) throw this.#thrown;
      this.#safePoint(true);
      if (this.#stopReason !== undefined) this.#status = 'stopped';
      return result;
    } catch (thrown) {
      this.#inGuest = false;
      this.#settle(thrown);
      return undefined;
    } finally {
      this.#entered = false;
    }
  }

  #settle(thrown: unknown): void {
    if (this.#stopReason !== undefined) {
      this.#status = 'stopped';
    } else if (thrown instanceof GuestExit) {
      this.#exitCode = thrown.code;
      this.#status = 'off';
    } else {
      this.#error = thrown instanceof MachineError ? thrown : new MachineError('guest vCPU 0', thrown);
      this.#status = 'failed';
    }
  }

  /**
   * Lets the guest run until it yields (a reactor) or ends (a command). Never throws for what a guest does.
   * @param budget how much work a reactor may do, in its own measure.
   */
  step(budget = 1): MachineStatus {
    if (this.#status !== 'running') return this.#status;
    if (this.#options.image.shape === 'command') {
      this.#run('_start');
      if (this.#status === 'running') this.#status = 'off';
      return this.#status;
    }
    const result = this.#run('vsmmu_run', budget);
    this.#idle = result === RUN_IDLE;
    if (this.#status === 'running') {
      if (result === RUN_OFF) this.#status = 'off';
      else if (result !== RUN_YIELD && result !== RUN_IDLE) this.#settle(new Error(`vsmmu_run returned ${String(result)}`));
    }
    return this.#status;
  }

  /** False while the drain runs on a thread of its own: stores to directly mapped registers then need no doorbell call. */
  setDoorbells(needed: boolean): void {
    this.#directMaps.setDoorbells(needed);
  }

  /** One of the machine's parts outside of its own reach has failed: it stops at its next safe point. */
  fail(component: string, cause: unknown): void {
    if (this.#status === 'off' || this.#status === 'failed' || this.#status === 'stopped') return;
    this.#thrown ??= new MachineError(component, cause);
    if (!this.#entered) this.#settle(this.#thrown);
  }

  /** Stops the machine at its next safe point. */
  stop(reason: string): void {
    if (this.#status === 'off' || this.#status === 'failed') return;
    this.#stopReason ??= reason;
    if (!this.#entered) this.#status = 'stopped';
  }

  /**
   * Back to the state before `boot`: devices reset, memory zero, a fresh instance at the next `boot`. The exit counts go on.
   */
  reset(): void {
    for (const { device } of this.#options.devices) device.reset();
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
    this.#status = 'new';
  }
}

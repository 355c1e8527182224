// SPDX-License-Identifier: MIT
// The API of a host: creates machines, and releases their resources.

import { IDR0_BTM } from '../../assembly/layout/smmu-registers.ts';
import type { BoardModuleUrls } from '../../assembly/load.ts';
import { type Clock, checkedClock } from '../../devices/bus/index.ts';
import { answeredObject } from '../../devices/plugin/answers.ts';
import { BoardError, bitsOf, EnvironmentError, VsmmuError } from '../../devices/plugin/index.ts';
import { checkInteger } from '../../devices/plugin/known-values.ts';
import type { QueueBlock } from '../../devices/unit/index.ts';
import {
  type Board,
  type BoardMachine,
  type BoardOptions,
  createAmdToyMachine,
  placeDevices,
  toyBoard,
} from '../boards/index.ts';
import {
  type HostInspection,
  inspectOwned,
  type LiveTlbEntry,
  type SmmuCounters,
  smmuCounters,
} from '../inspect/index.ts';
import type { Finding, FindingOwner, UnadvertisedUse } from '../inspect/sanitizer/index.ts';
import type { AmdHost } from '../nested/amd/index.ts';
import { type HostStatistics, setHostModel, setOtherHost, VmHost } from '../nested/index.ts';
import { ExitServer, releaseMemory, type WorkerUrls } from '../threads/index.ts';
import { Trace } from '../trace/index.ts';
import { checkAmdMachine } from './amd-model.ts';
import { asOption, OptionsError, UseError } from './api-errors.ts';
import { InputQueue } from './console-streams.ts';
import { Drains } from './drains.ts';
import { Emitter } from './emitter.ts';
import { createHostModel, type HostModel } from './host-model.ts';
import type { HostOptions, MachineOptions } from './host-options.ts';
import { IdleWait } from './idle-wait.ts';
import { Machine } from './machine.ts';
import { checkMade } from './machine-calls.ts';
import { MachineNames } from './machine-names.ts';
import { checkMachineOptions } from './machine-options.ts';
import { type MachineParts, PARTS } from './machine-parts.ts';
import { MACHINE_EVENTS, type MachineEvents } from './machine-types.ts';
import { probe } from './probe.ts';
import { seededRandom } from './seeded-random.ts';
import { namedImageError, programName, readSource } from './sources.ts';

const MIB = 2 ** 20;

/** Counters of a machine's first SMMU; undefined when it has none. */
function smmuOf({ smmus: [first] }: BoardMachine): SmmuCounters | undefined {
  return first && smmuCounters(first.smmu.hostMemory, first.smmu.smmuBlock);
}

/**
 * A host: the memory, the SMMU and the CMDQV that its machines share.
 *
 * @example
 * ```js
 * import { Host } from 'vsmmu';
 * import { toyGuest } from 'vsmmu/guest';
 *
 * const host = await Host.create();
 * const machine = await host.createMachine({
 *   guest: toyGuest,
 *   args: ['rounds=3'],
 *   onOutput: (bytes) => process.stdout.write(bytes),
 * });
 * await machine.boot();
 * await machine.wait();
 * await host.destroy();
 * ```
 */
export class Host implements AsyncDisposable {
  readonly #model: VmHost | AmdHost;
  readonly #workerUrl: WorkerUrls;
  readonly #wasmUrl: BoardModuleUrls;
  readonly #clock: Clock | undefined;
  readonly #drains: Drains;
  readonly #exits: ExitServer | undefined;
  readonly #machines = new Set<Machine>();
  readonly #names = new MachineNames();
  readonly #emitters: Map<FindingOwner, Emitter<MachineEvents>>;
  #made = 0;
  /** The trace, when the host was created with `trace`. */
  readonly trace: Trace | undefined;
  #destroyed = false;

  /**
   * @throws {OptionsError} when an option is wrong.
   * @throws {EnvironmentError} when WebAssembly is missing here, or the hot modules
   * cannot be loaded.
   */
  static async create(options: HostOptions = {}): Promise<Host> {
    const emitters = new Map<FindingOwner, Emitter<MachineEvents>>();
    const { webAssembly, isolation } = await probe();
    const made = await createHostModel(options, webAssembly, {
      onFinding: (finding, owner) => emitters.get(owner)?.emit('finding', finding),
      onSuspect: (finding, owner) => emitters.get(owner)?.emit('suspect', finding),
    });
    return new Host(made, options, isolation.available, emitters);
  }

  private constructor(
    made: HostModel,
    options: HostOptions,
    shared: boolean,
    emitters: Map<FindingOwner, Emitter<MachineEvents>>,
  ) {
    checkMade(made?.model, 'a Host', 'Host.create');
    const { model, places } = made;
    this.#emitters = emitters;
    this.#model = model;
    if (model instanceof VmHost) setHostModel(this, model);
    else setOtherHost(this);
    this.trace = options.trace ? new Trace(model.memory, options.traceLimit) : undefined;
    this.#workerUrl = places.workerUrl;
    this.#wasmUrl = places.wasmUrl;
    this.#clock = options.clock && checkedClock(options.clock);
    this.#exits = shared ? new ExitServer() : undefined;
    const { drain: url } = this.#workerUrl;
    const { faults } = options;
    this.#drains = new Drains(
      this.#exits ? { vmm: this.#exits.buffer, url, faults } : { url, faults },
    );
  }

  /** The model, if it has SMMUs. */
  get #vms(): VmHost | undefined {
    return this.#model instanceof VmHost ? this.#model : undefined;
  }

  /** True after `destroy`: the host lends nothing any more. */
  get destroyed(): boolean {
    return this.#destroyed;
  }

  /** The machines that are not destroyed. */
  get machines(): readonly Machine[] {
    return [...this.#machines];
  }

  /** Counters as plain data. */
  get statistics(): HostStatistics {
    return this.#model.statistics;
  }

  /**
   * The sanitizer's findings so far, the first 256. A suspect becomes a finding after a
   * second without the missing command, or when the machine has ended.
   */
  get findings(): readonly Finding[] {
    return this.#vms?.findings ?? [];
  }

  /**
   * Suspects that have been reported and are no findings yet, and whose stale entry is
   * still cached at this moment. An invalidation ends a suspect at once.
   */
  get suspects(): readonly Finding[] {
    return this.#vms?.sanitizer?.suspects ?? [];
  }

  /**
   * Features that guests have used (commands on a VCMDQ, CDs, translation tables)
   * although an SMMU with the ID registers that they see refuses or ignores them, each
   * kind once per machine. Empty without `iotlbCheck`.
   */
  get unadvertised(): readonly UnadvertisedUse[] {
    return this.#vms?.unadvertised ?? [];
  }

  /**
   * Makes the sanitizer decide about all suspects now: the missing commands will not come
   * any more. Then `findings` has its findings. No effect without `iotlbCheck`.
   */
  reportSuspects(): void {
    this.#vms?.reportSuspects();
  }

  /**
   * The entries of the IOTLB that a lookup would still use, of one SMMU or of the AMD
   * IOMMU.
   * @throws {OptionsError} when the host has no SMMU with that number.
   */
  iotlb(smmu = 0): readonly LiveTlbEntry[] {
    const most = (this.#vms?.smmus.length ?? 1) - 1;
    asOption('smmu', () => checkInteger(smmu, 0, most, 'smmu'));
    return this.#model.iotlb(smmu);
  }

  /**
   * Every object of the host with its references, queues with PROD and CONS, VMIDs,
   * StreamID pairs and counters, as plain data. They are consistent while no machine runs
   * (`pause`).
   */
  inspect(): HostInspection {
    const owned = this.machines.flatMap((machine) => PARTS.get(machine)?.board.owned ?? []);
    const inspection = this.#model.inspect();
    return owned.length > 0 ? { ...inspection, owned: owned.map(inspectOwned) } : inspection;
  }

  /**
   * Creates a machine on a board, by default the standard one; `boot` starts it.
   * @throws {OptionsError} when an option is wrong.
   * @throws {GuestImageError} when the guest cannot be read or is not a guest.
   * @throws {BoardError} when a device does not fit or does not work.
   * @throws {EnvironmentError} when it needs threads that this environment does not have,
   *   or a file that cannot be loaded.
   * @throws {HostError} when the host has run out of something that it lends.
   */
  async createMachine(options: MachineOptions): Promise<Machine> {
    if (this.#destroyed) throw new UseError('destroyed', 'the host is destroyed');
    const settings = checkMachineOptions(options);
    const {
      transport = 'inline',
      drain = 'doorbell',
      vcpus = 1,
      args = [],
      env = {},
      seed,
      memory,
      directMaps = true,
      overlay = false,
      queues = 'vcmdq',
      behind,
      btm,
      allowGc = false,
    } = settings;
    if (!this.#vms) checkAmdMachine(settings, options.board !== undefined);
    if (btm && !this.#hasBtm)
      throw new OptionsError(
        'bad-option',
        'btm',
        'btm needs a host that has it: Host.create({ btm: true })',
      );
    if (transport === 'mailbox' || drain === 'thread')
      await this.#needThreads(transport === 'mailbox' ? 'transport' : 'drain');
    const { board: kind = toyBoard } = options;
    const named = (error: unknown) => namedImageError(error, options);
    const guest = await readSource(options.guest);
    const secondary =
      options.secondary === undefined
        ? undefined
        : await readSource(options.secondary, 'secondary');
    const index = this.#made++;
    const events = new Emitter<MachineEvents>(MACHINE_EVENTS);
    const input = new InputQueue();
    const { onOutput } = options;
    const devices = placeDevices(options.devices ?? [], kind.free);
    const name = this.#names.take(settings.name, index);
    const onTrace = this.#tracer(name, options.onTrace);
    if (onOutput) events.on('output', onOutput);
    const board = await this.#board(kind, {
      name,
      index,
      guest,
      secondary,
      vcpus,
      args: [programName(options.guest), ...args],
      env,
      directMaps,
      overlay,
      queues,
      behind,
      btm,
      allowGc,
      devices,
      msis: options.msis,
      onOutput: (bytes) => events.emit('output', bytes),
      onRefusal: (refusal) => events.emit('refusal', refusal),
      readInput: (most) => input.take(most),
      checkpoint: {
        onPhase: (phase, ended, data) => events.emit('phase', { phase, ended, data }),
        onResult: (check, ok, detail) => events.emit('check', { name: check, ok, detail }),
      },
      exits: transport === 'mailbox' ? this.#exits : undefined,
      workerUrl: this.#workerUrl.vcpu,
      wasmUrl: this.#wasmUrl,
      ...(memory === undefined ? {} : { memorySize: memory * MIB }),
      ...(seed === undefined ? {} : { random: seededRandom(seed) }),
      ...(this.#clock === undefined ? {} : { clock: this.#clock }),
      ...(onTrace === undefined ? {} : { onTrace }),
      ...(options.faults === undefined ? {} : { faults: options.faults }),
    }).catch((error: unknown) => {
      this.#names.release(name);
      throw named(error);
    });
    // The hardware of a machine that owns it is not in the host's trace.
    if (board.vm) this.#nameTracks(name, board);
    const owner = board.vm ?? board.smmus[0]?.smmu;
    if (owner) this.#emitters.set(owner, events);
    const parts: MachineParts = {
      board,
      named,
      drains: this.#drains,
      events,
      input,
      idleWait: new IdleWait(),
      smmu: () => smmuOf(board) ?? this.#model.statistics.smmu,
      ended: () => {
        if (owner) this.#vms?.reportSuspects(owner);
      },
      forget: () => {
        this.#machines.delete(machine);
        this.#names.release(name);
        if (owner) this.#emitters.delete(owner);
        releaseMemory();
      },
    };
    const machine: Machine = new Machine(parts);
    PARTS.set(machine, parts);
    this.#machines.add(machine);
    try {
      await this.#drains.add(board, drain);
    } catch (error) {
      await machine.destroy();
      throw error;
    }
    return machine;
  }

  /** The receivers of a machine's exits and its devices' events. */
  #tracer(machine: string, told: MachineOptions['onTrace']): MachineOptions['onTrace'] {
    const { trace } = this;
    if (!trace) return told;
    return (source, event) => {
      trace.add(machine, source, event);
      told?.(source, event);
    };
  }

  /** True when an SMMU takes part in broadcast TLB maintenance. */
  get #hasBtm(): boolean {
    const smmus = this.#vms?.smmus ?? [];
    return smmus.some(({ idRegisters }) => bitsOf(idRegisters.idr0, IDR0_BTM) !== 0);
  }

  async #needThreads(option: string): Promise<void> {
    const { threads } = await probe();
    if (!threads.available)
      throw new EnvironmentError('no-threads', `${option} needs threads: ${threads.reason}`);
  }

  /** Names the tracks of a trace, by the numbers in its records. */
  #nameTracks(name: string, { smmus, drainable }: BoardMachine): void {
    for (const [index, { smmu, vintf }] of smmus.entries()) {
      const { commandQueue, enhancedQueues, numbers } = smmu;
      const of = index === 0 ? '' : ` of SMMU ${index}`;
      const nameQueue = (block: QueueBlock, queue: string) =>
        this.trace?.nameQueue(numbers[0] ?? 0, block.index, name, queue + of);
      for (const [lvcmdq, block] of (vintf?.queues ?? []).entries())
        nameQueue(block, `LVCMDQ ${lvcmdq}`);
      for (const [ecmdq, { block }] of enhancedQueues.entries()) nameQueue(block, `ECMDQ ${ecmdq}`);
      nameQueue(commandQueue, 'CMDQ');
    }
    if (drainable) this.trace?.nameThread(drainable.guest.unit.thread, name);
  }

  async #board(board: Board, options: Omit<BoardOptions, 'host'>): Promise<BoardMachine> {
    const host = this.#model;
    try {
      if (!(host instanceof VmHost)) return await createAmdToyMachine({ ...options, host });
      const made = await board.create({ ...options, host });
      answeredObject(made?.machine, ['boot', 'step', 'stop'], 'board.create: machine');
      return answeredObject(made, ['receive', 'destroy'], 'board.create');
    } catch (cause) {
      if (cause instanceof VsmmuError || !(cause instanceof RangeError)) throw cause;
      throw new BoardError('placement', cause.message, { cause });
    }
  }

  /** Stops and destroys its machines, and ends its threads. */
  async destroy(): Promise<void> {
    if (this.#destroyed) return;
    this.#destroyed = true;
    for (const machine of this.machines) await machine.destroy();
    await this.#drains.stop();
  }

  /** Same as `destroy`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}

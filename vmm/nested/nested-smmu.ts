// SPDX-License-Identifier: MIT
// The VMM's side of a vIOMMU: its own iommufd, used in QEMU's order, with the interface
// that the guest's SMMU needs.

import { CMDQV_MAX_VINTFS } from '../../assembly/layout/cmdqv-registers.ts';
import { SERVICE_COMMANDS } from '../../assembly/layout/drain-results.ts';
import {
  ECMDQS_PER_SMMU,
  QUEUE_ECMDQ,
  QUEUE_ERROR_HELD,
  QUEUE_GUEST,
  QUEUE_NEEDS_HOST,
  QUEUE_RUNNING,
} from '../../assembly/layout/queue-memory.ts';
import {
  CMDQ_ENTRY_SIZE,
  EVENTQ_ENTRY_SIZE,
  IDR0_ATS,
  IDR0_PRI,
} from '../../assembly/layout/smmu-registers.ts';
import { offsetOfGpa } from '../../devices/bus/index.ts';
import { bitsOf } from '../../devices/plugin/index.ts';
import type {
  CommandOutcome,
  GuestCommandQueue,
  PageRequest,
  RefusedCommand,
  SmmuIdRegisters,
  StreamWatch,
  ViommuBackend,
} from '../../devices/smmuv3/index.ts';
import { cfgiCd, cfgiCdAll, tlbiNsnhAll } from '../../devices/tables/index.ts';
import { ContextBlock, QueueBlock, smmuBase } from '../../devices/unit/index.ts';
import { INVALIDATE_DATA_ARM_SMMUV3, Iommufd } from '../../host/iommufd/index.ts';
import type { ArmViommu } from '../../host/kernel/arm/index.ts';
import type { Vm } from '../../host/kernel/vm.ts';
import type { ViommuStatistics } from '../inspect/index.ts';
import { DirectQueue } from './direct-queue.ts';
import { Emulation } from './emulation.ts';
import type { NestedSmmuOptions } from './nested-smmu-options.ts';
import type { NestedStreams } from './nested-streams.ts';
import { openViommu } from './open-viommu.ts';
import { decisionOf, type QueueErrorPolicy, queueErrorEvent } from './queue-error-policy.ts';
import { refusedCommand } from './refused-command.ts';
import { ShownIds } from './shown-ids.ts';
import { vevents } from './vevents.ts';

/**
 * Withheld errors to which one service of a queue applies the policy: each asks the
 * policy, and may make the host issue a command for the guest.
 */
const SERVICE_ERRORS = 4;

/** Place of a ring in the guest's memory. */
interface Ring {
  readonly base: bigint;
  readonly log2size: number;
}

const NO_RING: Ring = { base: 0n, log2size: 0 };
/** A gpa that no guest has. */
const NOWHERE = 1n << 40n;

export class NestedSmmu implements ViommuBackend {
  readonly vm: Vm;
  readonly owner: string;
  readonly hostMemory: WebAssembly.Memory;
  readonly fd: Iommufd;
  /** ID of the vIOMMU in `fd`. */
  readonly id: number;
  /** Number of the vIOMMU on its SMMU, from 0. */
  readonly index: number;
  readonly commandQueue: QueueBlock;
  readonly enhancedQueues: readonly GuestCommandQueue[];
  readonly context: ContextBlock;
  /** Place in the mmap space of its VINTF's page 0. */
  readonly mmap: { readonly offset: number; readonly length: number } | undefined;
  /** Numbers of the SMMU, of the vIOMMU, of the VINTF, and of its LVCMDQs. */
  readonly numbers: readonly number[];
  readonly policy: QueueErrorPolicy;
  readonly btm: boolean;
  readonly hostIdRegisters: SmmuIdRegisters;
  readonly shown: ShownIds;
  readonly #emulation: Emulation;
  readonly #driver: ArmViommu;
  readonly #streams: NestedStreams;
  #ring = NO_RING;
  #aborts = false;
  #deliver: ((record: Uint32Array) => void) | undefined;
  #deliverRequest: ((request: PageRequest) => void) | undefined;
  #events = 0;
  #interventions = 0;
  /** The overlay path, if the guest has it. */
  readonly overlay: DirectQueue | undefined;
  guestStes: StreamWatch | undefined;
  #seeRefused: ((command: RefusedCommand) => void) | undefined;

  /** @throws {IommufdError | HostError} and nothing is left behind. */
  constructor(options: NestedSmmuOptions) {
    this.vm = options.vm;
    this.owner = options.vm.name;
    this.hostMemory = options.vm.unit.hostMemory;
    this.policy = options.policy;
    this.btm = options.btm;
    this.#emulation = new Emulation({
      vm: options.vm,
      gate: options.gate,
      invalidate: (command) => this.#invalidate(command),
    });
    this.fd = new Iommufd({ gate: options.gate });
    const before = new Set(options.iommu.viommus);
    try {
      const { made, streams, hostIdRegisters } = openViommu(this.fd, options, {
        events: (bytes) => this.#takeEvents(bytes),
        request: (request) => this.#deliverRequest?.(request),
      });
      const { id, mmap } = made;
      this.id = id;
      this.mmap = mmap;
      this.#streams = streams;
      this.hostIdRegisters = hostIdRegisters;
    } catch (error) {
      this.fd.close();
      throw error;
    }
    const driver = options.iommu.viommus.find((viommu) => !before.has(viommu));
    if (!driver) throw new Error('the vIOMMU that was made is not there');
    this.#driver = driver;
    this.numbers = driver.numbers;
    const [smmuIndex = 0, index = 0] = this.numbers;
    const { hostMemory } = this.vm.unit;
    this.index = index;
    this.context = new ContextBlock(hostMemory, smmuIndex, CMDQV_MAX_VINTFS + index);
    this.commandQueue = new QueueBlock(hostMemory, smmuIndex, QUEUE_GUEST + index);
    this.enhancedQueues = Array.from({ length: ECMDQS_PER_SMMU }, (_, i) => {
      const block = new QueueBlock(
        hostMemory,
        smmuIndex,
        QUEUE_ECMDQ + ECMDQS_PER_SMMU * (1 + index) + i,
      );
      return this.#enhancedQueue(1 + i, block);
    });
    this.shown = new ShownIds(this.context, hostMemory, this.numbers);
    if (options.overlay)
      this.overlay = new DirectQueue(this, 0, this.commandQueue, (command) =>
        this.#invalidate(this.shown.asShown(command)),
      );
  }

  showIdRegisters(ids: SmmuIdRegisters): void {
    this.shown.show(ids);
  }

  /** True when the physical SMMU has ATS, and PRI. */
  get hasAts(): boolean {
    return bitsOf(this.#driver.idr0, IDR0_ATS) !== 0;
  }
  get hasPri(): boolean {
    return bitsOf(this.#driver.idr0, IDR0_PRI) !== 0;
  }

  get vmid(): number {
    return this.#driver.vmid;
  }

  get virtualStreams(): readonly number[] {
    return [...this.#streams.physical.keys()];
  }

  /** Physical StreamIDs by the guest's numbers. */
  get streams(): ReadonlyMap<number, number> {
    return this.#streams.physical;
  }

  get statistics(): ViommuStatistics {
    return {
      events: this.#events,
      stage2Faults: this.#driver.stage2Faults,
      interventions: this.#interventions,
    };
  }

  watchStreams(streams: StreamWatch): void {
    this.guestStes = streams;
  }

  setCommandRing(baseGpa: number, log2size: number): boolean {
    this.#ring = { base: BigInt(baseGpa), log2size };
    return offsetOfGpa(this.vm.regions, baseGpa, CMDQ_ENTRY_SIZE * 2 ** log2size) >= 0;
  }

  serveCommandQueue(): number {
    return this.#serve(this.commandQueue, () => this.#invalidateQueue());
  }

  #serve(queue: QueueBlock, run: () => void): number {
    run();
    const left = this.applyErrorPolicy('cmdq', queue, run);
    if (left === 'stop') this.vm.stop('a command on the command queue was refused');
    return queue.state === QUEUE_ERROR_HELD && left !== 'report' ? QUEUE_RUNNING : queue.state;
  }

  /**
   * Applies the error policy to a queue's withheld errors, and serves the queue after
   * each one that this resolves. A guest that sends only bad commands cannot occupy its
   * host: at most SERVICE_ERRORS errors are resolved, and one service's number of
   * commands is executed, plus one service.
   * @param run serves the queue.
   * @returns what is left to be done about the queue's error; undefined when it has none,
   *   or the limit was reached.
   */
  applyErrorPolicy(
    name: number | 'cmdq',
    queue: QueueBlock,
    run: () => void,
  ): 'report' | 'stop' | undefined {
    if (queue.state !== QUEUE_ERROR_HELD) return undefined;
    const taken = () => queue.counts.commands + queue.counts.errors;
    const start = taken();
    for (
      let decided = 0;
      queue.state === QUEUE_ERROR_HELD &&
      decided < SERVICE_ERRORS &&
      taken() - start < SERVICE_COMMANDS;
      decided++
    ) {
      const decision = this.#emulation.isBegun(queue)
        ? 'emulate'
        : decisionOf(this.policy, queueErrorEvent(this.vm, name, queue));
      if (decision === 'stop') return decision;
      if (decision !== 'skip' && decision !== 'emulate') return this.#reportRefused(name, queue);
      const outcome = decision === 'skip' ? 'done' : this.#emulation.carryOut(queue);
      if (outcome === 'refused') return this.#reportRefused(name, queue);
      if (outcome !== 'done') continue;
      this.vm.unit.drain.stepOver(queue.smmu, queue.index);
      run();
    }
    return undefined;
  }

  #reportRefused(name: number | 'cmdq', queue: QueueBlock): 'report' {
    const own = queue === this.commandQueue ? 'CMDQ' : 'ECMDQ';
    const shown = name === 'cmdq' ? own : `VCMDQ ${name}`;
    const command = this.#seeRefused && refusedCommand(shown, queue, this.#emulation);
    if (command) this.#seeRefused?.(command);
    return 'report';
  }

  watchRefusedCommands(see: (command: RefusedCommand) => void): void {
    this.#seeRefused = see;
  }

  /** A HW queue was freed, so a partial execution of its command is obsolete. */
  forgetErrors(queue: QueueBlock): void {
    this.#emulation.forget(queue);
  }

  #invalidateQueue(): void {
    if (this.overlay?.allocated) {
      this.vm.unit.drain.serve(this.commandQueue.smmu, this.commandQueue.index);
      return;
    }
    this.#handOver(0, this.commandQueue, this.#ring);
  }

  /**
   * Fault injection: makes fetches from rings of trapped queues fail until the returned
   * function is called.
   */
  abortFetches(): () => void {
    this.#aborts = true;
    return () => {
      this.#aborts = false;
    };
  }

  #handOver(queue: number, block: QueueBlock, ring: Ring): void {
    // The call would restart the queue, and the command at CONS would be executed once
    // more. `finishCommand` and `resumeCommandQueue` end this state.
    if (block.state === QUEUE_ERROR_HELD || block.state === QUEUE_NEEDS_HOST) return;
    const { cons: head, prod: tail } = block;
    const { base, log2size } = this.#aborts ? { ...ring, base: NOWHERE } : ring;
    this.fd.hwptInvalidateQueue(this.id, { queue, base, log2size, head, tail });
  }

  #enhancedQueue(number: number, block: QueueBlock): GuestCommandQueue {
    const { drain } = this.vm.unit;
    const direct = new DirectQueue(this, number, block, (command) => this.#invalidate(command));
    let ring = NO_RING;
    return {
      block,
      direct,
      setRing: (gpa, log2size) => {
        ring = { base: BigInt(gpa), log2size };
        return offsetOfGpa(this.vm.regions, gpa, CMDQ_ENTRY_SIZE * 2 ** log2size) >= 0;
      },
      serve: () =>
        this.#serve(block, () => {
          if (direct.allocated) drain.serve(block.smmu, block.index);
          else this.#handOver(number, block, ring);
        }),
      publish: () => {
        drain.publishError(block.smmu, block.index);
      },
      finish: () => {
        drain.stepOver(block.smmu, block.index);
      },
      resume: () => {
        drain.resume(block.smmu, block.index);
      },
    };
  }

  finishCommand(): void {
    if (this.overlay?.allocated) this.#interventions++;
    this.vm.unit.drain.stepOver(this.commandQueue.smmu, this.commandQueue.index);
  }

  resumeCommandQueue(): void {
    this.vm.unit.drain.resume(this.commandQueue.smmu, this.commandQueue.index);
  }

  attachStream(virtSid: number, ste: Uint32Array | undefined): boolean {
    return this.#streams.attach(virtSid, ste);
  }

  setSmmuEnabled(enabled: boolean): void {
    this.context.smmuEnabled = enabled;
  }

  setGlobalBypass(abort: boolean): void {
    this.#streams.attachAll(abort);
    this.#driver.terminateStalls();
  }

  #invalidate(entries: Uint8Array): number {
    return this.fd.hwptInvalidate(this.id, {
      dataType: INVALIDATE_DATA_ARM_SMMUV3,
      entryLength: CMDQ_ENTRY_SIZE,
      entries,
      count: entries.length / CMDQ_ENTRY_SIZE,
    });
  }

  invalidateContextDescriptors(virtSid: number, ssid: number | undefined, leaf = true): void {
    if (!this.#streams.physical.has(virtSid)) return;
    const command = ssid === undefined ? cfgiCdAll(virtSid) : cfgiCd(virtSid, ssid, leaf);
    this.#invalidate(new Uint8Array(command.buffer));
  }

  invalidateAll(): void {
    this.#invalidate(new Uint8Array(tlbiNsnhAll().buffer));
  }

  onCommand(carryOut: (words: readonly number[], from: number) => CommandOutcome): void {
    this.#emulation.ownCommands = carryOut;
  }

  onEvent(deliver: (record: Uint32Array) => void): void {
    this.#deliver = deliver;
  }

  onPageRequest(deliver: (request: PageRequest) => void): void {
    this.#deliverRequest = deliver;
  }

  answerPageRequest(
    virtSid: number,
    group: number,
    resolved: boolean,
    pasid: number | undefined,
  ): void {
    this.#streams.answer(virtSid, group, resolved, pasid);
  }

  #takeEvents(bytes: Uint8Array): void {
    for (const event of vevents(bytes, EVENTQ_ENTRY_SIZE)) {
      this.#events++;
      const { buffer, byteOffset } = event;
      this.#deliver?.(new Uint32Array(buffer.slice(byteOffset, byteOffset + EVENTQ_ENTRY_SIZE)));
    }
  }

  /** Releases everything of the VM. */
  destroy(): void {
    this.fd.close();
    this.#streams.clear();
  }

  /** Byte offset of the SMMU block in host memory. */
  get smmuBlock(): number {
    return smmuBase(this.numbers[0] ?? 0);
  }
}

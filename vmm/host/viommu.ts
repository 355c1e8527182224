// The host behind a guest's vSMMU: stage 2 with its VMID, the streams that the VM has been given, and its trapped command queue.

import { CMDQV_MAX_VINTFS, CMDQV_SIDS_PER_VINTF, SID_MATCH_ENABLE, SID_MATCH_VIRT_SID } from '../../assembly/layout/cmdqv-registers.ts';
import { EVT_S2, EVT_SID } from '../../assembly/layout/events.ts';
import { QUEUE_ERROR_HELD, QUEUE_GUEST, QUEUE_KIND_GUEST_CMDQ } from '../../assembly/layout/host-memory.ts';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers.ts';
import { STE_CONFIG, STE_CONFIG_BYPASS, STE_CONFIG_S1, STE_EATS, STE_V } from '../../assembly/layout/ste.ts';
import { fieldOf, setField, withBits } from '../../devices/plugin/index.ts';
import type { ViommuBackend } from '../../devices/smmuv3/index.ts';
import { abortSte, cfgiCd, cfgiCdAll, invalidSte, nestedSte, stage2Ste, tlbiS12Vmall } from '../../devices/tables/index.ts';
import { ContextBlock, QueueBlock, smmuBase } from '../../devices/unit/index.ts';
import { offsetOfGpa } from '../machine/index.ts';
import { HostError } from './errors.ts';
import { type QueueErrorPolicy, queueErrorEvent } from './queue-error-policy.ts';
import type { SmmuDriver } from './smmu-driver.ts';
import type { Stage2 } from './stage2.ts';
import type { Vm } from './vm.ts';

/** Fields of a guest's STE that the host takes over into the nested one: words 0 to 2. Words 3 and up are the host's. */
const VSTE_MASK = [0xffffffff, 0xf80fffff, 0x380000ff] as const;
/** Full ATS; split-stage ATS would show the guest's endpoint addresses of stage 2. */
const EATS_FULL = 1;

export interface ViommuOptions {
  readonly vm: Vm;
  readonly smmuIndex: number;
  readonly smmu: SmmuDriver;
  readonly stage2: Stage2;
  /** Number of the vIOMMU on its SMMU, from 0: which command context and queue block it has. */
  readonly index: number;
  readonly policy: QueueErrorPolicy;
}

/** Counts as plain data. */
export interface ViommuStatistics {
  readonly events: number;
  /** Faults of stage 2: the host's affair, not shown to the guest. */
  readonly stage2Faults: number;
}

export class Viommu implements ViommuBackend {
  readonly vm: Vm;
  readonly vmid: number;
  /** Number of the vIOMMU on its SMMU, from 0. */
  readonly index: number;
  readonly commandQueue: QueueBlock;
  readonly context: ContextBlock;
  readonly #options: ViommuOptions;
  /** Physical StreamID by the guest's. */
  readonly #streams = new Map<number, number>();
  #deliver: ((record: Uint32Array) => void) | undefined;
  #events = 0;
  #stage2Faults = 0;

  constructor(options: ViommuOptions) {
    const { vm, smmuIndex, stage2, index } = options;
    this.#options = options;
    this.vm = vm;
    this.index = index;
    this.vmid = stage2.vmid;
    this.context = new ContextBlock(vm.unit.hostMemory, smmuIndex, CMDQV_MAX_VINTFS + index);
    this.context.reset();
    this.context.vmid = this.vmid;
    this.context.window = vm.window;
    this.context.enabled = true;
    this.commandQueue = new QueueBlock(vm.unit.hostMemory, smmuIndex, QUEUE_GUEST + index);
    this.commandQueue.reset(QUEUE_KIND_GUEST_CMDQ, this.context.index);
  }

  get virtualStreams(): readonly number[] {
    return [...this.#streams.keys()];
  }

  /** Physical StreamIDs by the guest's numbers. */
  get streams(): ReadonlyMap<number, number> {
    return this.#streams;
  }

  get statistics(): ViommuStatistics {
    return { events: this.#events, stage2Faults: this.#stage2Faults };
  }

  /**
   * Gives the VM a stream (iommufd's vDEVICE). It bypasses stage 1 until the guest's SMMU attaches it.
   * @throws {HostError} when the VM has as many as its command context can name.
   */
  addStream(virtSid: number, physSid: number): void {
    const pair = this.#streams.size;
    if (pair >= CMDQV_SIDS_PER_VINTF) throw new HostError('no-stream', `a VM has at most ${CMDQV_SIDS_PER_VINTF} streams`);
    if (this.#streams.has(virtSid)) throw new HostError('in-use', `StreamID ${virtSid} of ${this.vm.name} is in use`);
    this.#streams.set(virtSid, physSid);
    this.context.setSidReplace(pair, physSid);
    this.context.setSidMatch(pair, withBits(withBits(0, SID_MATCH_VIRT_SID, virtSid), SID_MATCH_ENABLE, 1));
    this.#install(virtSid, stage2Ste(this.#options.stage2.ste));
  }

  #install(virtSid: number, ste: Uint32Array): void {
    const physSid = this.#streams.get(virtSid);
    if (physSid !== undefined) this.#options.smmu.installSte(physSid, ste);
  }

  setCommandRing(baseGpa: number, log2size: number): boolean {
    const offset = offsetOfGpa(this.vm.regions, baseGpa, CMDQ_ENTRY_SIZE * 2 ** log2size);
    if (offset < 0) return false;
    this.commandQueue.setRing(this.vm.window, offset, log2size);
    return true;
  }

  serveCommandQueue(): number {
    const { vm, policy } = this.#options;
    const smmu = this.commandQueue.smmu;
    const queue = this.commandQueue.index;
    let state = vm.unit.drain.serve(smmu, queue);
    // One round of the ring: a guest that only sends bad commands does not keep its host here.
    for (let left = 2 ** this.commandQueue.log2size; state === QUEUE_ERROR_HELD && left > 0; left--) {
      const decision = policy(queueErrorEvent(vm, 'cmdq', this.commandQueue));
      if (decision === 'stop') vm.stop('a command on the command queue was refused');
      if (decision !== 'skip') break;
      vm.unit.drain.stepOver(smmu, queue);
      state = vm.unit.drain.serve(smmu, queue);
    }
    return state;
  }

  finishCommand(): void {
    this.vm.unit.drain.stepOver(this.commandQueue.smmu, this.commandQueue.index);
  }

  resumeCommandQueue(): void {
    this.vm.unit.drain.resume(this.commandQueue.smmu, this.commandQueue.index);
  }

  attachStream(virtSid: number, ste: Uint32Array | undefined): boolean {
    const { stage2 } = this.#options;
    if (!ste) {
      this.#install(virtSid, abortSte());
      return true;
    }
    if (fieldOf(ste, STE_V) === 0) {
      this.#install(virtSid, invalidSte());
      return true;
    }
    const config = fieldOf(ste, STE_CONFIG);
    if (config === STE_CONFIG_BYPASS) {
      this.#install(virtSid, stage2Ste(stage2.ste));
      return true;
    }
    if (config !== STE_CONFIG_S1 || fieldOf(ste, STE_EATS) > EATS_FULL) {
      this.#install(virtSid, invalidSte());
      return false;
    }
    this.#install(virtSid, this.#nested(ste));
    return true;
  }

  /** The guest's stage 1 on the host's stage 2: S1ContextPtr is an IPA from here on. */
  #nested(vste: Uint32Array): Uint32Array {
    const ste = nestedSte({ contextPtr: 0 }, this.#options.stage2.ste);
    const config = fieldOf(ste, STE_CONFIG);
    VSTE_MASK.forEach((mask, word) => {
      ste[word] = ((ste[word] ?? 0) & ~mask) | ((vste[word] ?? 0) & mask);
    });
    setField(ste, STE_CONFIG, config);
    return ste;
  }

  setGlobalBypass(abort: boolean): void {
    for (const virtSid of this.#streams.keys()) this.#install(virtSid, abort ? abortSte() : stage2Ste(this.#options.stage2.ste));
  }

  invalidateContextDescriptors(virtSid: number, ssid: number | undefined): void {
    const physSid = this.#streams.get(virtSid);
    if (physSid === undefined) return;
    this.#options.smmu.commands.issue(ssid === undefined ? cfgiCdAll(physSid) : cfgiCd(physSid, ssid));
  }

  invalidateAll(): void {
    this.#options.smmu.commands.issue(tlbiS12Vmall(this.vmid));
  }

  onEvent(deliver: (record: Uint32Array) => void): void {
    this.#deliver = deliver;
  }

  /** An event of one of the VM's streams, in the host's numbering. */
  takeEvent(virtSid: number, record: Uint32Array): void {
    if (fieldOf(record, EVT_S2)) {
      this.#stage2Faults++;
      return;
    }
    this.#events++;
    const own = record.slice();
    setField(own, EVT_SID, virtSid);
    this.#deliver?.(own);
  }

  /** Takes everything back from the VM. */
  destroy(): void {
    for (const virtSid of this.#streams.keys()) this.#install(virtSid, abortSte());
    this.#streams.clear();
    this.invalidateAll();
    this.commandQueue.reset(QUEUE_KIND_GUEST_CMDQ, this.context.index);
    this.context.reset();
    this.#options.stage2.destroy();
  }

  /** Byte offset of the SMMU block in host memory. */
  get smmuBlock(): number {
    return smmuBase(this.#options.smmuIndex);
  }
}

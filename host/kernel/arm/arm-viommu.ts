// SPDX-License-Identifier: MIT
// A VM's share of an SMMUv3 (IOMMU_VIOMMU_TYPE_ARM_SMMUV3): its command context and
// trapped queue, its devices by the guest's StreamIDs, its events.

import {
  CMDQV_MAX_VINTFS,
  CMDQV_SIDS_PER_VINTF,
  SID_MATCH_ENABLE,
  SID_MATCH_VIRT_SID,
} from '../../../assembly/layout/cmdqv-registers.ts';
import { MAX_STREAMS } from '../../../assembly/layout/context-memory.ts';
import {
  ECMDQS_PER_SMMU,
  QUEUE_ECMDQ,
  QUEUE_ERROR_HELD,
  QUEUE_GUEST,
  QUEUE_KIND_ECMDQ,
  QUEUE_KIND_GUEST_CMDQ,
  QUEUE_KIND_OVERLAY,
  QUEUE_NEEDS_HOST,
  QUEUE_PARKED,
} from '../../../assembly/layout/queue-memory.ts';
import { CMDQ_ENTRY_SIZE } from '../../../assembly/layout/smmu-registers.ts';
import { offsetOfGpa } from '../../../devices/bus/index.ts';
import { withBits } from '../../../devices/plugin/index.ts';
import { stallTerm } from '../../../devices/tables/index.ts';
import { ContextBlock, QueueBlock, smmuBase } from '../../../devices/unit/index.ts';
import {
  type DirectPage,
  HW_QUEUE_TYPE_CMDQ_OVERLAY,
  type HwQueueDriver,
  type HwQueueRequest,
  INVALIDATE_DATA_ARM_SMMUV3,
  type InvalidateQueueRequest,
  type InvalidateQueueResult,
  type InvalidateRequest,
  type InvalidateResult,
  type IommuDevice,
  IommufdError,
  type NestedDomain,
  type NestedRequest,
  type QueueProgress,
  type VdeviceDriver,
  VEVENTQ_TYPE_ARM_SMMUV3,
  type ViommuDriver,
  type ViommuRequest,
} from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import { type Vm, windowOf } from '../vm.ts';
import { type ArmDevice, type ArmSmmu, armDevice } from './arm-device.ts';
import { ArmNested } from './arm-nested.ts';
import type { ArmStage2 } from './arm-stage2.ts';
import { checkRing, invalidateUserRing, type ResolvedRing } from './command-rings.ts';
import { guestRecord, ofStage2 } from './guest-record.ts';
import { commandOf, hasMore, hostInvalidation, type Invalidator } from './invalidations.ts';

/** Commands between two CMD_SYNCs of an invalidation (arm_vsmmu_cache_invalidate). */
const CHUNK = 63;

const PROGRESS: ReadonlyMap<number, QueueProgress> = new Map([
  [QUEUE_PARKED, 'waiting'],
  [QUEUE_NEEDS_HOST, 'unsupported'],
  [QUEUE_ERROR_HELD, 'error'],
]);

/** Width of a StreamID in a VINTF's registers. */
export const PAIR_BITS = SID_MATCH_VIRT_SID & 0xff;

/** StreamID pairs of a command context, in the format of a VINTF's registers. */
export interface SidPairs {
  set(pair: number, virtSid: number, physSid: number): void;
  clear(pair: number): void;
}

export class ArmViommu implements ViommuDriver, Invalidator {
  readonly iommu: ArmSmmu;
  readonly stage2: ArmStage2;
  readonly vm: Vm;
  /** Index of its command context and queue block, from 0. */
  readonly index: number;
  readonly directPage: DirectPage | undefined = undefined;
  /** By queue: the queues that the guest drives itself. */
  readonly #direct: (HwQueueDriver | undefined)[];
  protected readonly events: ViommuRequest['events'];
  readonly #context: ContextBlock;
  /** The trapped CMDQ, then the ECMDQs. */
  readonly #commandQueues: readonly QueueBlock[];
  /** The location of each queue's ring when it was last looked up. */
  readonly #rings: ResolvedRing[] = [];
  /** By pair. */
  readonly #devices: (ArmDevice | undefined)[] = Array.from(
    { length: MAX_STREAMS },
    () => undefined,
  );
  #stage2Faults = 0;

  constructor(iommu: ArmSmmu, stage2: ArmStage2, vm: Vm, index: number, request: ViommuRequest) {
    const { hostMemory } = vm.unit;
    this.iommu = iommu;
    this.stage2 = stage2;
    this.vm = vm;
    this.index = index;
    this.events = request.events;
    this.#context = new ContextBlock(hostMemory, iommu.smmuIndex, CMDQV_MAX_VINTFS + index);
    this.#context.reset();
    this.#context.vmid = this.vmid;
    this.#context.window = vm.window;
    this.#context.enabled = true;
    const ecmdq = QUEUE_ECMDQ + ECMDQS_PER_SMMU * (1 + index);
    const ecmdqs = Array.from(
      { length: ECMDQS_PER_SMMU },
      (_, i) => new QueueBlock(hostMemory, iommu.smmuIndex, ecmdq + i),
    );
    this.#commandQueues = [
      new QueueBlock(hostMemory, iommu.smmuIndex, QUEUE_GUEST + index),
      ...ecmdqs,
    ];
    this.#direct = this.#commandQueues.map(() => undefined);
    this.#resetQueues();
  }

  #resetQueues(): void {
    for (const queue of this.#commandQueues)
      queue.reset(QUEUE_KIND_GUEST_CMDQ, this.#context.index);
  }

  /** Indexes of SMMU and vIOMMU; with a VINTF, also its number and its LVCMDQ count. */
  get numbers(): readonly number[] {
    return [this.iommu.smmuIndex, this.index];
  }

  get vmid(): number {
    return this.stage2.vmid;
  }

  get idr0(): number {
    return this.iommu.smmu.idr0;
  }

  get linuxCompat(): boolean {
    return this.iommu.linuxCompat;
  }

  /** Number of stage 2 faults. They concern the host; the guest does not see them. */
  get stage2Faults(): number {
    return this.#stage2Faults;
  }

  allocNested(request: NestedRequest): NestedDomain {
    return new ArmNested(this, request);
  }

  /** Width of a virtual ID, and most devices, which is this host's own limit. */
  protected get limits(): { readonly sidBits: number; readonly devices: number } {
    return { sidBits: 64, devices: MAX_STREAMS };
  }

  /** The tables in which commands of the guest look up its StreamIDs. */
  protected get sidPairs(): readonly SidPairs[] {
    const context = this.#context;
    return [
      {
        set: (pair, virtSid, physSid) => {
          if (pair >= CMDQV_SIDS_PER_VINTF || virtSid >= 2 ** PAIR_BITS) {
            // No command names a StreamID of more than 32 bits.
            if (virtSid < 2 ** 32) context.setStream(pair, virtSid, physSid);
            return;
          }
          context.setSidReplace(pair, physSid);
          context.setSidMatch(
            pair,
            withBits(withBits(0, SID_MATCH_VIRT_SID, virtSid), SID_MATCH_ENABLE, 1),
          );
        },
        clear: (pair) => {
          context.setStream(pair, 0, undefined);
          if (pair >= CMDQV_SIDS_PER_VINTF) return;
          context.setSidMatch(pair, 0);
          context.setSidReplace(pair, 0);
        },
      },
    ];
  }

  allocVdevice(device: IommuDevice, virtId: bigint): VdeviceDriver {
    const arm = armDevice(device);
    const [physSid] = arm.streams;
    const { sidBits, devices } = this.limits;
    require(virtId < 2n ** BigInt(sidBits), 'EINVAL', `no guest has a StreamID ${virtId}`);
    require(arm.streams.length === 1 &&
      physSid !== undefined, 'EOPNOTSUPP', `${arm.name} has ${arm.streams.length} streams`);
    const pair = this.#devices.indexOf(undefined);
    require(pair >= 0 && pair < devices, 'ENOSPC', `a vIOMMU has at most ${devices} devices`);
    const virtSid = Number(virtId);
    this.#devices[pair] = arm;
    arm.vdevice = { viommu: this, virtSid };
    for (const pairs of this.sidPairs) pairs.set(pair, virtSid, physSid);
    return {
      destroy: () => {
        const { core } = this.vm.unit;
        core.stallForget(smmuBase(this.iommu.smmuIndex), physSid);
        core.atcForget(smmuBase(this.iommu.smmuIndex), physSid);
        this.stage2.removeAtsStream(physSid);
        for (const pairs of this.sidPairs) pairs.clear(pair);
        this.#devices[pair] = undefined;
        arm.vdevice = undefined;
      },
    };
  }

  readonly hwQueues: NonNullable<ViommuDriver['hwQueues']> = {
    checkType: (type) =>
      require(type ===
        HW_QUEUE_TYPE_CMDQ_OVERLAY, 'EOPNOTSUPP', `there are no HW queues of type ${type}`),
    allocate: (request) => this.allocateOverlay(request),
  };

  #commandQueue(index: number): QueueBlock {
    const queue = this.#commandQueues[index];
    require(queue !==
      undefined, 'EINVAL', `a vSMMU has ${this.#commandQueues.length} command queues`);
    return queue;
  }

  /**
   * Turns a trapped queue into one whose doorbell the guest rings itself: the drain finds
   * it by its number in the vIOMMU's own command context.
   */
  protected allocateOverlay({ index, basePa, length }: HwQueueRequest): HwQueueDriver {
    const queue = this.#commandQueue(index);
    require(this.#direct[index] ===
      undefined, 'EEXIST', `the guest already has command queue ${index}`);
    const offset = offsetOfGpa(this.vm.regions, windowOf(basePa).address, length);
    require(offset >= 0, 'EFAULT', 'the ring is not contiguous in memory');
    const log2size = Math.log2(length / CMDQ_ENTRY_SIZE);
    require(Number.isInteger(log2size) &&
      basePa % length === 0, 'EINVAL', 'the ring is not aligned to its size');
    this.iommu.gate('allocation', 'overlay');
    queue.setRing(this.vm.window, offset, log2size);
    queue.kind = index === 0 ? QUEUE_KIND_OVERLAY : QUEUE_KIND_ECMDQ;
    queue.lvcmdq = 0;
    this.#context.lvcmdqCount = Math.max(this.#context.lvcmdqCount, index + 1);
    this.#context.bindQueue(index, queue.index);
    const direct = { dependsOn: undefined, destroy: () => this.#freeOverlay(index, queue) };
    this.#direct[index] = direct;
    return direct;
  }

  #freeOverlay(index: number, queue: QueueBlock): void {
    this.#direct[index] = undefined;
    this.#context.bindQueue(index, undefined);
    this.#context.lvcmdqCount = this.#direct.findLastIndex((other) => other !== undefined) + 1;
    queue.allocated = false;
    // Waits for the queue's owner; afterwards no thread finds the queue by its slot.
    this.vm.unit.drain.resume(queue.smmu, queue.index);
    queue.overlay = 0;
    queue.kind = QUEUE_KIND_GUEST_CMDQ;
  }

  physicalSid(virtSid: number): number | undefined {
    return this.#devices.find((device) => device?.vdevice?.virtSid === virtSid)?.streams[0];
  }

  /**
   * Commands before the first invalid one have been executed and synchronised when this
   * returns; `handled` counts them. Linux (`linuxCompat`) drops the commands of a chunk
   * in which a conversion fails, and counts them all the same.
   */
  invalidate(request: InvalidateRequest): InvalidateResult {
    const { dataType, count } = request;
    try {
      require(dataType ===
        INVALIDATE_DATA_ARM_SMMUV3, 'EINVAL', `there are no invalidations of type ${dataType}`);
      require(count > 0, 'EINVAL', 'no entries');
      this.iommu.gate('allocation', 'invalidation commands');
    } catch (error) {
      if (error instanceof IommufdError) return { handled: 0, error };
      throw error;
    }
    if (hasMore(request))
      return {
        handled: 0,
        error: new IommufdError('E2BIG', 'an entry has unknown bytes that are not 0'),
      };
    let issued = 0;
    let chunk: Uint32Array[] = [];
    for (let i = 0; i < count; i++) {
      const converted = hostInvalidation(commandOf(request, i), this);
      if (!converted)
        return this.#finish(
          chunk,
          issued,
          new IommufdError('EIO', `command ${i} is not one that a guest may send`),
        );
      chunk.push(converted);
      if (chunk.length < CHUNK && i < count - 1) continue;
      const error = this.#issue(chunk);
      if (error) return { handled: issued, error };
      issued = i + 1;
      chunk = [];
    }
    return { handled: issued };
  }

  #finish(chunk: readonly Uint32Array[], issued: number, error: IommufdError): InvalidateResult {
    if (this.iommu.linuxCompat || chunk.length === 0)
      return { handled: issued + chunk.length, error };
    const failed = this.#issue(chunk);
    return failed ? { handled: issued, error: failed } : { handled: issued + chunk.length, error };
  }

  #issue(commands: readonly Uint32Array[]): IommufdError | undefined {
    const { commands: queue } = this.iommu.smmu;
    const before = queue.errors;
    queue.issue(...commands);
    // Linux's driver silently skips refused commands (a Secure command, for example).
    return queue.errors === before || this.iommu.linuxCompat
      ? undefined
      : new IommufdError('EIO', 'the SMMU has refused a command');
  }

  /**
   * Points a queue's block at its ring. It is looked up only after a change of ring or
   * mappings.
   */
  #placeRing(queue: QueueBlock, number: number, base: bigint, log2size: number): void {
    const { changes } = this.stage2;
    const known = this.#rings[number];
    const same = known?.base === base && known.log2size === log2size && known.changes === changes;
    // A reset queue has no ring.
    if (same && queue.ring === known.offset) return;
    this.iommu.gate('memory access', 'ring of commands');
    const length = CMDQ_ENTRY_SIZE * 2 ** log2size;
    const pa = this.stage2.resolve(base, length);
    const found =
      pa === undefined ? -1 : offsetOfGpa(this.vm.regions, windowOf(pa).address, length);
    // Without memory there, each fetch is an external abort.
    const offset = Math.max(found, 0);
    queue.setRing(found < 0 ? 0 : this.vm.window, offset, log2size);
    this.#rings[number] = { base, log2size, changes, offset };
  }

  /**
   * The drain executes the guest's ring in place, on behalf of the guest: its commands
   * are not copied to the host's command queue. After a CMD_SYNC that has to wait, the
   * drain continues by itself. A queue that stopped at a command is restarted at `head`:
   * either the VMM has emulated the command and passes the next index, or the command is
   * to be fetched again.
   */
  invalidateQueue({
    queue: number = 0,
    base,
    log2size,
    head,
    tail,
  }: InvalidateQueueRequest): InvalidateQueueResult {
    const queue = this.#commandQueue(number);
    checkRing(base, log2size);
    if (base instanceof Uint8Array)
      return invalidateUserRing(
        { entries: base, log2size, head, tail },
        this,
        CHUNK,
        (commands) => this.#issue(commands) === undefined,
      );
    if (queue.state === QUEUE_NEEDS_HOST || queue.state === QUEUE_ERROR_HELD)
      this.vm.unit.drain.resume(queue.smmu, queue.index);
    this.#placeRing(queue, number, base, log2size);
    if (queue.cons !== head) queue.cons = head;
    if (queue.prod !== tail) queue.prod = tail;
    queue.allocated = true;
    const state = this.vm.unit.drain.serve(queue.smmu, queue.index);
    return { head: queue.cons, progress: PROGRESS.get(state) ?? 'running' };
  }

  /** The guest's SMMU is disabled: aborts its stalled transactions (IHI 0070 6.3.9.6). */
  terminateStalls(): void {
    const { smmu } = this.iommu;
    const streams = this.#devices.flatMap((device) => device?.streams ?? []);
    if (smmu.stalls && streams.length > 0)
      smmu.issue(
        streams.map((sid) => stallTerm(sid)),
        this.vm.unit.thread,
      );
  }

  /** Reports an event of a device in the host's numbering. False: no queue took it. */
  report(device: ArmDevice, record: Uint32Array): boolean {
    if (ofStage2(record)) this.#stage2Faults++;
    const own = guestRecord(record, device.vdevice?.virtSid ?? 0, !this.iommu.linuxCompat);
    if (!own) return true;
    return this.events(VEVENTQ_TYPE_ARM_SMMUV3, new Uint8Array(own.buffer));
  }

  destroy(): void {
    this.#resetQueues();
    this.#context.reset();
    this.iommu.removed(this);
  }
}

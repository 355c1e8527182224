// SPDX-License-Identifier: MIT
// The CMDQV in its physical role (docs/cmdqv.md).

import {
  CMDQ_ALLOC_ALLOCATED,
  CMDQ_ALLOC_LVCMDQ,
  CMDQ_ALLOC_VINTF,
  CMDQV_CMDQ_ALLOC,
  CMDQV_CONFIG,
  CMDQV_DIRECT_PAGE1,
  CMDQV_SIDS_PER_VINTF,
  CMDQV_VINTF,
  CMDQV_VINTF_STRIDE,
  VCMDQ_BASE,
  VCMDQ_STRIDE,
  VINTF_CONFIG_EN,
  VINTF_CONFIG_HYP_OWN,
  VINTF_CONFIG_VMID,
  VINTF_SID_MATCH,
  VINTF_SID_REPLACE,
} from '../../assembly/layout/cmdqv-registers.ts';
import { WATCH_NO_COMMAND } from '../../assembly/layout/drain-results.ts';
import { ABI_KIND_CMDQV } from '../../assembly/layout/guest-abi.ts';
import { QUEUE_ERROR_HELD, QUEUE_KIND_VCMDQ_HYP } from '../../assembly/layout/queue-memory.ts';
import {
  SMMU_AT_CMDQV_EN,
  SMMU_AT_NUM_LVCMDQ,
  SMMU_AT_NUM_VCMDQ,
} from '../../assembly/layout/smmu-memory.ts';
import {
  bitsOf,
  type Device,
  type DeviceHost,
  type DeviceRegion,
  type DeviceState,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
import {
  callback,
  checkedLater,
  checkOptions,
  choiceOf,
  integerFrom,
  type OptionKinds,
} from '../plugin/option-kinds.ts';
import { ContextBlock, smmuBlockOf, type Unit } from '../unit/index.ts';
import { cmdqvRegionSize, type VcmdqAddress, vcmdqAddress } from './address.ts';
import { paramOf } from './cmdqv-register-specs.ts';
import { DirectPages } from './direct-pages.ts';
import { checkedResolver, checkedUnitOf, resolverOf } from './given-resolvers.ts';
import { GlobalPage } from './global-page.ts';
import { PhysicalVcmdq, type ResolvePa, type UnitOf, VCMDQ_STATE_WORDS } from './physical-vcmdq.ts';

/** What a `PhysicalCmdqv` is built from. */
export interface PhysicalCmdqvOptions {
  /** Unit that serves the queues whose registers are written here. */
  readonly unit: Unit;
  /** SMMU that the CMDQV belongs to: index of its block in host memory. */
  readonly smmuIndex: number;
  /** VINTFs, a power of two from 1 to 64. */
  readonly vintfs: number;
  /** VCMDQs of the whole CMDQV, a power of two from `vintfs` to 128. */
  readonly vcmdqs: number;
  /**
   * Finds the memory at the physical address of a ring, (window << 32) | address.
   * Default: host RAM (window 0) and the memories of the units that `unitOf` returns.
   */
  readonly resolvePa?: ResolvePa;
  /**
   * Unit of this thread that reaches the guest memory of a window, for lent VINTFs;
   * undefined when there is none. Default: `unit` for its own window.
   */
  readonly unitOf?: UnitOf;
  /**
   * The queues whose errors the device publishes by itself. With `hypervisor`, errors of
   * a VINTF without HYP_OWN are withheld until a policy decides and calls the drain's
   * `publishError`. Default `all`, as in hardware.
   */
  readonly reportErrors?: 'hypervisor' | 'all';
}

const OPTIONS: OptionKinds<PhysicalCmdqvOptions> = {
  unit: checkedLater,
  smmuIndex: checkedLater,
  vintfs: integerFrom(1, 64),
  vcmdqs: integerFrom(1, 128),
  resolvePa: callback,
  unitOf: callback,
  reportErrors: choiceOf('hypervisor', 'all'),
};

/** NVIDIA's CMDQV, driven by a host's kernel or by a guest that it is assigned to. */
export class PhysicalCmdqv implements Device {
  readonly name = 'cmdqv';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: ABI_KIND_CMDQV, interrupts: 1, busMaster: false };
  readonly regions: readonly DeviceRegion[];
  readonly #options: PhysicalCmdqvOptions;
  readonly #words: Int32Array;
  readonly #smmu: number;
  readonly #unitOf: UnitOf;
  readonly #global: GlobalPage;
  readonly #queues: readonly PhysicalVcmdq[];
  readonly #contexts: readonly ContextBlock[];
  readonly #pages: DirectPages;
  #line: InterruptLine | undefined;
  /** GERROR of each VCMDQ when its errors were last turned into interrupts. */
  private seen: number[] = [];

  /** @throws {TypeError|RangeError} for an option that is unknown or out of range. */
  constructor(options: PhysicalCmdqvOptions) {
    checkOptions(options, OPTIONS, 'PhysicalCmdqv', ['unit', 'smmuIndex', 'vintfs', 'vcmdqs']);
    const { unit, smmuIndex, vintfs, vcmdqs } = options;
    this.#options = options;
    this.#smmu = smmuBlockOf(unit, smmuIndex, 'PhysicalCmdqv');
    this.#words = new Int32Array(unit.hostMemory.buffer);
    this.#global = new GlobalPage(
      { vintfs, vcmdqs, hypOwnWritable: true },
      {
        vcmdqHasError: (vcmdq) => this.#queues[vcmdq]?.hasError ?? false,
        lvcmdqHasError: (vintf, lvcmdq) => this.#queueOfSlot(vintf, lvcmdq)?.hasError ?? false,
      },
    );
    this.#unitOf = options.unitOf
      ? checkedUnitOf(options.unitOf)
      : (window) => (window === unit.window ? unit : undefined);
    const resolvePa = options.resolvePa
      ? checkedResolver(options.resolvePa)
      : resolverOf(unit, this.#unitOf);
    this.#queues = Array.from(
      { length: vcmdqs },
      (_, i) => new PhysicalVcmdq(unit, smmuIndex, i, resolvePa, this.#unitOf),
    );
    this.#contexts = Array.from(
      { length: vintfs },
      (_, i) => new ContextBlock(unit.hostMemory, smmuIndex, i),
    );
    // A guest that drives the device owns every VINTF.
    if (unit.isPhysical) for (const context of this.#contexts) context.window = unit.window;
    this.#pages = new DirectPages(unit);
    this.regions = [{ name: 'cmdqv', size: cmdqvRegionSize(vintfs), accessSizes: [4, 8] }];
  }

  attach(host: DeviceHost): void {
    this.#line = host.interruptLine(0);
    this.#pages.attach(host);
    host.background({ name: 'cmdqv', poll: () => this.poll() });
  }

  reset(): void {
    this.#global.registers.reset();
    this.#resetBlocks();
    this.#publish();
  }

  #resetBlocks(): void {
    for (const context of this.#contexts) this.#pages.unmap(context);
    for (const queue of this.#queues) queue.reset();
    for (const context of this.#contexts) {
      // The host assigns the window of a VINTF's owner: it is not state of the CMDQV.
      const { window } = context;
      context.reset();
      Object.assign(context, { window, lvcmdqCount: this.#global.lvcmdqs });
    }
    this.seen = this.#queues.map(() => 0);
  }

  /** Publishes the register values to the drain. */
  #publish(): void {
    Atomics.store(this.#words, (this.#smmu + SMMU_AT_NUM_VCMDQ) >> 2, this.#queues.length);
    Atomics.store(this.#words, (this.#smmu + SMMU_AT_NUM_LVCMDQ) >> 2, this.#global.lvcmdqs);
    this.#publishConfig();
    for (const context of this.#contexts) {
      this.#publishVintf(context);
      for (let s = 0; s < CMDQV_SIDS_PER_VINTF; s++) this.#publishSid(context, s);
    }
    for (let vcmdq = 0; vcmdq < this.#queues.length; vcmdq++) this.#publishBase(vcmdq);
  }

  #publishConfig(): void {
    Atomics.store(this.#words, (this.#smmu + SMMU_AT_CMDQV_EN) >> 2, this.#global.enabled ? 1 : 0);
  }

  #publishVintf(context: ContextBlock): void {
    const config = this.#global.vintfConfig(context.index);
    context.vmid = bitsOf(config, VINTF_CONFIG_VMID);
    context.hypOwn = bitsOf(config, VINTF_CONFIG_HYP_OWN) === 1;
    context.enabled = bitsOf(config, VINTF_CONFIG_EN) === 1;
  }

  #publishSid(context: ContextBlock, slot: number): void {
    const base = CMDQV_VINTF + context.index * CMDQV_VINTF_STRIDE + 4 * slot;
    context.setSidMatch(slot, this.#global.registers.get(base + VINTF_SID_MATCH));
    context.setSidReplace(slot, this.#global.registers.get(base + VINTF_SID_REPLACE));
  }

  #publishBase(vcmdq: number): void {
    const { lo, hi } = this.#global.page1(vcmdq, VCMDQ_BASE);
    this.#queues[vcmdq]?.setBase(lo, hi);
  }

  /**
   * The background loop: serves queues that exhausted their budget, and raises interrupts
   * for new errors. Returns the number of commands executed. It acquires only queues with
   * work: a preempted owner makes a polling guest leave (guest-driver/driver/poll.ts).
   */
  poll(): number {
    const { unit } = this.#options;
    let done = 0;
    unit.drain.serveParked(this.#smmu);
    for (const { enabled, index, window } of this.#contexts) {
      if (!enabled) continue;
      const work = (this.#unitOf(window) ?? unit).drain.watch(this.#smmu, index, 1) >>> 0;
      if (work !== WATCH_NO_COMMAND) done += work;
    }
    this.checkErrors();
    return done;
  }

  /**
   * Raises an edge for every error published since the last check, whether or not its map
   * bits were set before. A host calls it after `publishError`.
   */
  checkErrors(): void {
    for (const queue of this.#queues) this.#checkQueue(queue);
  }

  #checkQueue(queue: PhysicalVcmdq | undefined): void {
    if (!queue?.context) return;
    const { block, context } = queue;
    if (
      block.state === QUEUE_ERROR_HELD &&
      (block.kind === QUEUE_KIND_VCMDQ_HYP || this.#options.reportErrors !== 'hypervisor')
    ) {
      queue.unit.drain.publishError(block.smmu, block.index);
    }
    const raised = block.gerror !== this.seen[block.index];
    this.seen[block.index] = block.gerror;
    if (raised && !this.#global.interruptMasked(context.index)) this.#line?.pulse();
  }

  read(access: MmioAccess): void {
    const lo = this.#readWord(access.offset);
    access.hi = access.size === 8 ? this.#readWord(access.offset + 4) : 0;
    access.lo = lo;
  }

  #readWord(offset: number): number {
    const at = vcmdqAddress(offset);
    if (!at) return this.#global.read(offset);
    const queue = this.#queueAt(at);
    if (!queue) return 0;
    return at.page === 0
      ? queue.readPage0(at.register)
      : this.#global.page1(queue.block.index, at.register).lo;
  }

  write(access: MmioAccess): void {
    const at = vcmdqAddress(access.offset);
    if (at?.page === 1) {
      this.#writePage1(access, at);
    } else {
      const wasEnabled = this.#global.enabled;
      if (!at) this.#global.registers.write(access);
      if (wasEnabled && !this.#global.enabled) this.#stop();
      this.#wordWritten(access.offset, at, access.lo);
      if (access.size === 8)
        this.#wordWritten(access.offset + 4, at && { ...at, register: at.register + 4 }, access.hi);
    }
    // A host accesses a queue's own registers for every batch.
    if (at?.page === 0) this.#checkQueue(this.#queueAt(at));
    else this.checkErrors();
  }

  /**
   * A write to a 64-bit register takes effect as a whole. BASE is read-only while the
   * queue is enabled, like SMMU_CMDQ_BASE (IHI 0070 section 6.3).
   */
  #writePage1(access: MmioAccess, at: VcmdqAddress): void {
    const queue = this.#queueAt(at);
    if (!queue || queue.block.enabled) return;
    const vcmdq = queue.block.index;
    this.#global.registers.write({
      ...access,
      offset: CMDQV_DIRECT_PAGE1 + vcmdq * VCMDQ_STRIDE + at.register,
    });
    this.#publishBase(vcmdq);
    queue.serve();
  }

  #stop(): void {
    this.#publishConfig();
    for (const queue of this.#queues) queue.stop();
    this.#global.clearBases();
  }

  #wordWritten(offset: number, at: VcmdqAddress | undefined, value: number): void {
    if (at) {
      this.#queueAt(at)?.writePage0(at.register, value);
    } else if (offset === CMDQV_CONFIG) {
      this.#publishConfig();
      for (const queue of this.#queues) queue.serve();
    } else if (offset >= CMDQV_VINTF) {
      this.#vintfWritten(offset - CMDQV_VINTF);
    } else if (offset >= CMDQV_CMDQ_ALLOC) {
      this.#allocWritten((offset - CMDQV_CMDQ_ALLOC) / 4);
    }
  }

  #vintfWritten(offset: number): void {
    const context = this.#contexts[Math.floor(offset / CMDQV_VINTF_STRIDE)];
    const register = offset % CMDQV_VINTF_STRIDE;
    if (!context) return;
    if (register >= VINTF_SID_MATCH && register < VINTF_SID_REPLACE + 4 * CMDQV_SIDS_PER_VINTF) {
      this.#publishSid(context, ((register - VINTF_SID_MATCH) / 4) % CMDQV_SIDS_PER_VINTF);
      return;
    }
    this.#publishVintf(context);
    for (const queue of this.#queues) {
      if (queue.context !== context) continue;
      queue.setOwner(context.hypOwn);
      queue.serve();
    }
    this.#pages.mapIfEnabled(context);
  }

  /** CMDQ_ALLOC binds a VCMDQ to a slot of a VINTF, unless the slot has another one. */
  #allocWritten(vcmdq: number): void {
    const queue = this.#queues[vcmdq];
    if (!queue) return;
    const alloc = this.#global.registers.get(CMDQV_CMDQ_ALLOC + 4 * vcmdq);
    const context = bitsOf(alloc, CMDQ_ALLOC_ALLOCATED)
      ? this.#contexts[bitsOf(alloc, CMDQ_ALLOC_VINTF)]
      : undefined;
    const lvcmdq = bitsOf(alloc, CMDQ_ALLOC_LVCMDQ);
    if (context && queue.context === context && queue.block.lvcmdq === lvcmdq) return;
    if (queue.context) this.#pages.unmap(queue.context);
    queue.unbind();
    if (!context || lvcmdq >= this.#global.lvcmdqs || context.queueOf(lvcmdq) !== undefined) return;
    queue.bind(context, lvcmdq);
    this.#pages.mapIfEnabled(context);
  }

  #queueOfSlot(vintf: number, lvcmdq: number): PhysicalVcmdq | undefined {
    const vcmdq = this.#contexts[vintf]?.queueOf(lvcmdq);
    return vcmdq === undefined ? undefined : this.#queues[vcmdq];
  }

  /** The VCMDQ at an address. A logical slot without one reads as zero. */
  #queueAt({ vintf, slot }: VcmdqAddress): PhysicalVcmdq | undefined {
    return vintf === undefined ? this.#queues[slot] : this.#queueOfSlot(vintf, slot);
  }

  #param(): number {
    return paramOf(this.#global.numbers);
  }

  save(): DeviceState {
    return {
      registers: this.#global.registers.save(),
      state: {
        param: this.#param(),
        seen: [...this.seen],
        queues: this.#queues.flatMap((queue) => queue.save()),
      },
    };
  }

  restore(state: DeviceState): void {
    const fields = stateFields(state, 'registers', 'state');
    const model = {
      param: 0,
      seen: this.#queues.map(() => 0),
      queues: this.#queues.flatMap((queue) => queue.save()),
    };
    const { param, seen, queues } = plainStateLike(model, fields.state);
    if (param !== this.#param())
      throw new TypeError('the state is of a CMDQV with other numbers of VINTFs and VCMDQs');
    this.#global.registers.restore(fields.registers);
    this.#resetBlocks();
    this.#publish();
    this.#queues.forEach((queue, vcmdq) => {
      const words = queues.slice(vcmdq * VCMDQ_STATE_WORDS, (vcmdq + 1) * VCMDQ_STATE_WORDS);
      if (words[0] === 1) this.#allocWritten(vcmdq);
      queue.restore(words);
    });
    this.seen = seen;
    // A queue that is parked at a CMD_SYNC fetches it again.
    for (const queue of this.#queues) queue.serve();
  }

  registerName(region: number, offset: number): string {
    return this.#global.nameAt(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}

// SPDX-License-Identifier: MIT
// The SMMUv3 of a host, driven by the host's kernel through its registers. The hot
// modules translate and execute commands; this device publishes the registers that they
// need in the SMMU's block of host memory, and turns their results there into register
// state and interrupts.

import { SMMU_AT_ATC_TIMEOUT } from '../../assembly/layout/ats-memory.ts';
import { CTX_HOST } from '../../assembly/layout/context-memory.ts';
import { F_CFG_CONFLICT, F_TLB_CONFLICT, F_UUT } from '../../assembly/layout/events.ts';
import { ABI_KIND_SMMUV3 } from '../../assembly/layout/guest-abi.ts';
import { QUEUE_ECMDQ, QUEUE_KIND_MAIN, QUEUE_MAIN } from '../../assembly/layout/queue-memory.ts';
import {
  SMMU_AT_CR0,
  SMMU_AT_CR2,
  SMMU_AT_GBPA,
  SMMU_AT_IDR0,
  SMMU_AT_IDR1,
  SMMU_AT_IDR3,
  SMMU_AT_IDR5,
  SMMU_AT_PLANTED_EVENT,
  SMMU_AT_PLANTED_LEFT,
  SMMU_AT_PLANTED_SID,
  SMMU_AT_STRTAB_BASE,
  SMMU_AT_STRTAB_CFG,
  SMMU_CR0_PLANTED,
} from '../../assembly/layout/smmu-memory.ts';
import {
  CMDQ_ENTRY_SIZE,
  CR0_CMDQEN,
  CR0_SMMUEN,
  SMMU_CR0,
  SMMU_CR2,
  SMMU_EVENTQ_PROD,
  SMMU_GBPA,
  SMMU_STRTAB_BASE_CFG,
  STRTAB_BASE_CFG_LOG2SIZE,
} from '../../assembly/layout/smmu-registers.ts';
import {
  bitsOf,
  type Device,
  type DeviceHost,
  type DeviceIdentity,
  type DeviceRegion,
  type DeviceState,
  type GuestMemory,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  stateFields,
  unnamedRegister,
  withBits,
} from '../plugin/index.ts';
import {
  callback,
  checkedLater,
  checkOptions,
  choiceOf,
  integerFrom,
  type OptionKinds,
  uint32,
} from '../plugin/option-kinds.ts';
import { ContextBlock, QueueBlock, smmuBlockOf, type Unit, writeActions } from '../unit/index.ts';
import { dropCaches } from './caches.ts';
import { idRegistersKind } from './id-register-values.ts';
import {
  checkIdRegisters,
  enhancedQueueCount,
  PHYSICAL_ID_REGISTERS,
  type SmmuIdRegisters,
} from './id-registers.ts';
import { PhysicalRefusals } from './physical-refusals.ts';
import { type CommandEngine, CommandQueue } from './queues/command-queue.ts';
import { EnhancedQueues } from './queues/enhanced-queues.ts';
import { HOT_EVENTS, HOT_PAGE_REQUESTS, HotQueue } from './queues/hot-queue.ts';
import { mainQueue } from './queues/main-queue.ts';
import type { SmmuRefusal } from './refusal-watch.ts';
import { smmuRegion } from './region.ts';
import { SmmuRegisters } from './register-rules.ts';
import { interruptCount } from './smmu-interrupts.ts';
import { terminateStalls } from './stalls.ts';
import type { TableShape } from './table-shapes.ts';

/** What a `PhysicalSmmu` is built from. */
export interface PhysicalSmmuOptions {
  /** The host's own unit: its drain serves the command queue. */
  readonly unit: Unit;
  /** Index of this device's SMMU block in host memory. */
  readonly smmuIndex: number;
  /** Its ID registers. Default PHYSICAL_ID_REGISTERS. */
  readonly idRegisters?: SmmuIdRegisters;
  /**
   * Milliseconds within which an endpoint has to respond to an ATC_INV, 0 to 2^31 - 1.
   * Default 500: less than Linux waits for a CMD_SYNC.
   */
  readonly atcTimeout?: number | undefined;
  /**
   * Called with the reason why a stream or command was refused, each reason once until a
   * reset, at most 256. Default: no reasons are determined.
   */
  readonly onRefusal?: ((refusal: SmmuRefusal) => void) | undefined;
}

const PLANTABLE = { F_UUT, F_TLB_CONFLICT, F_CFG_CONFLICT } as const;

/** A fault that depends on a device, a bus or a cache, planted without such a cause. */
export interface PlantedFault {
  readonly event: keyof typeof PLANTABLE;
  readonly streamId: number;
  /** Number of transactions that it affects, default 1. */
  readonly transactions?: number;
}

const OPTIONS: OptionKinds<PhysicalSmmuOptions> = {
  unit: checkedLater,
  smmuIndex: checkedLater,
  idRegisters: idRegistersKind,
  atcTimeout: integerFrom(0, 2 ** 31 - 1),
  onRefusal: callback,
};
const FAULT: OptionKinds<PlantedFault> = {
  event: choiceOf(...Object.keys(PLANTABLE)),
  streamId: uint32,
  transactions: uint32,
};

/** An SMMUv3 in its physical role: the registers of an SMMU block of host memory. */
export class PhysicalSmmu implements Device {
  readonly name: string;
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity: DeviceIdentity;
  readonly regions: readonly DeviceRegion[];
  readonly #hostMemory: WebAssembly.Memory;
  readonly #smmuIndex: number;
  /** Byte offset of the SMMU block. */
  readonly #smmu: number;
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;
  readonly #ids: SmmuIdRegisters;
  readonly #atcTimeout: number;
  readonly #commands: CommandQueue;
  #memory: GuestMemory | undefined;
  // The saved state of the device.
  private readonly registers: SmmuRegisters;
  private readonly enhanced: EnhancedQueues;
  private readonly events: HotQueue;
  private readonly pageRequests: HotQueue;
  #planted = false;
  readonly #refusals: PhysicalRefusals | undefined;

  /**
   * @throws {RangeError} when the ID registers advertise features that the model lacks,
   *   or there is no such SMMU.
   * @throws {TypeError} when an option is unknown or missing, or the unit is not a unit.
   */
  constructor(options: PhysicalSmmuOptions) {
    checkOptions(options, OPTIONS, 'PhysicalSmmu', ['unit', 'smmuIndex']);
    const { unit, smmuIndex, idRegisters = PHYSICAL_ID_REGISTERS, atcTimeout = 500 } = options;
    checkIdRegisters(idRegisters, 'physical');
    this.name = `physical-smmuv3-${smmuIndex}`;
    this.#smmu = smmuBlockOf(unit, smmuIndex, 'PhysicalSmmu');
    this.#hostMemory = unit.hostMemory;
    this.#smmuIndex = smmuIndex;
    this.#words = new Int32Array(unit.hostMemory.buffer);
    this.#longs = new BigInt64Array(unit.hostMemory.buffer);
    this.#ids = idRegisters;
    this.identity = {
      kind: ABI_KIND_SMMUV3,
      interrupts: interruptCount(idRegisters.idr0),
      busMaster: false,
    };
    this.#atcTimeout = atcTimeout;
    const enhanced = enhancedQueueCount(idRegisters);
    this.regions = [smmuRegion(enhanced)];
    this.registers = new SmmuRegisters(idRegisters, {
      refresh: () => this.#refresh(),
      enablesChanged: (before) => this.#enablesChanged(before),
      commandsProduced: () => this.#commands.produce(),
      commandErrorAcknowledged: () => this.#commands.acknowledge(),
      producerWritten: () => {
        for (const queue of this.#queues) queue.placeProducer();
        this.#refusals?.place(this.registers.get(SMMU_EVENTQ_PROD));
      },
      configured: () => this.#publish(),
      bypassChanged: () => undefined,
    });
    this.events = new HotQueue(this.registers, unit.hostMemory, smmuIndex, HOT_EVENTS);
    this.pageRequests = new HotQueue(this.registers, unit.hostMemory, smmuIndex, HOT_PAGE_REQUESTS);
    const { onRefusal } = options;
    if (onRefusal) {
      const memory: GuestMemory = {
        load64: (pa) => this.#memory?.load64(pa),
        store64: () => false,
        store32: () => false,
      };
      this.#refusals = new PhysicalRefusals(idRegisters, this.registers, memory, onRefusal);
    }
    const context = new ContextBlock(unit.hostMemory, smmuIndex, CTX_HOST);
    context.hypOwn = true;
    this.#commands = new CommandQueue(
      mainQueue(this.registers),
      this.#engine(unit, QUEUE_MAIN, 'CMDQ'),
    );
    const engines = Array.from({ length: enhanced }, (_, i) =>
      this.#engine(unit, QUEUE_ECMDQ + i, 'ECMDQ'),
    );
    this.enhanced = new EnhancedQueues(this.registers, engines);
    writeActions(unit.hostMemory, smmuIndex, idRegisters.idr0);
    this.#publish();
  }

  get #queues(): readonly HotQueue[] {
    return [this.events, this.pageRequests];
  }

  /** The engine of a queue of the host, served by the host's drain. */
  #engine(unit: Unit, index: number, name: string): CommandEngine {
    let ring = 0;
    const block = new QueueBlock(unit.hostMemory, this.#smmuIndex, index);
    block.reset(QUEUE_KIND_MAIN, CTX_HOST);
    return {
      block,
      placeRing: (shape) => {
        ring = shape.base;
        this.#placeRing(unit, block, shape);
      },
      serve: () => {
        const state = unit.drain.serve(this.#smmu, index);
        this.#refusals?.command(name, block, ring);
        return state;
      },
      resume: () => {
        unit.drain.resume(this.#smmu, index);
      },
      memory: { load64: (pa) => this.#memory?.load64(pa) },
      // The drain executes every command of these queues.
      execute: () => 'refused',
      finish: () => {
        unit.drain.stepOver(this.#smmu, index);
      },
    };
  }

  attach(host: DeviceHost): void {
    this.#memory = host.memory;
    this.registers.attach(host);
    host.background({ name: this.name, poll: () => this.#poll() });
  }

  /**
   * Makes the next transactions of a stream end with an event, to test how a driver
   * handles it; undefined removes the fault, as does a reset. F_UUT affects transactions
   * even while CR0.SMMUEN is 0, F_TLB_CONFLICT only those that are translated.
   */
  plantFault(fault: PlantedFault | undefined): void {
    if (fault !== undefined) checkOptions(fault, FAULT, 'plantFault', ['event', 'streamId']);
    this.#planted = fault !== undefined;
    this.#store(SMMU_AT_PLANTED_LEFT, 0);
    if (fault) {
      this.#store(SMMU_AT_PLANTED_EVENT, PLANTABLE[fault.event]);
      this.#store(SMMU_AT_PLANTED_SID, fault.streamId);
      this.#store(SMMU_AT_PLANTED_LEFT, fault.transactions ?? 1);
    }
    this.#publish();
  }

  reset(): void {
    this.registers.reset();
    this.enhanced.reset();
    this.#refusals?.reset();
    this.plantFault(undefined);
    for (const queue of this.#queues) queue.reset();
    this.#load();
  }

  // Sets up host memory from the registers.
  #load(): void {
    this.#commands.load();
    this.enhanced.load();
    dropCaches(this.#hostMemory, this.#smmuIndex);
    terminateStalls(this.#hostMemory, this.#smmuIndex);
    this.#publish();
  }

  read(access: MmioAccess): void {
    if (this.enhanced.covers(access.offset)) this.enhanced.read(access);
    else this.registers.read(access);
  }

  write(access: MmioAccess): void {
    if (this.enhanced.covers(access.offset)) this.enhanced.write(access);
    else this.registers.write(access);
  }

  #store(field: number, value: number): void {
    Atomics.store(this.#words, (this.#smmu + field) >> 2, value | 0);
  }

  #store64(field: number, value: number): void {
    Atomics.store(this.#longs, (this.#smmu + field) >> 3, BigInt(value));
  }

  // Publishes the registers used by translation; CR0 after all that it enables.
  #publish(): void {
    const table = this.registers.streamTable();
    this.#store(SMMU_AT_ATC_TIMEOUT, this.#atcTimeout);
    this.#store(SMMU_AT_IDR0, this.#ids.idr0);
    this.#store(SMMU_AT_IDR1, this.#ids.idr1);
    this.#store(SMMU_AT_IDR3, this.#ids.idr3);
    this.#store(SMMU_AT_IDR5, this.#ids.idr5);
    this.#store(SMMU_AT_CR2, this.registers.get(SMMU_CR2));
    this.#store(SMMU_AT_GBPA, this.registers.get(SMMU_GBPA));
    this.#store64(SMMU_AT_STRTAB_BASE, table.base);
    this.#store(
      SMMU_AT_STRTAB_CFG,
      withBits(this.registers.get(SMMU_STRTAB_BASE_CFG), STRTAB_BASE_CFG_LOG2SIZE, table.log2size),
    );
    for (const queue of this.#queues) queue.publish();
    this.#store(
      SMMU_AT_CR0,
      withBits(this.registers.get(SMMU_CR0), SMMU_CR0_PLANTED, this.#planted ? 1 : 0),
    );
  }

  #refresh(): void {
    this.#commands.refresh();
    this.enhanced.refresh();
    for (const queue of this.#queues) queue.refresh();
  }

  #enablesChanged(before: number): void {
    const changed = before ^ this.registers.get(SMMU_CR0);
    if (bitsOf(changed, CR0_SMMUEN) && !this.registers.enabled(CR0_SMMUEN)) this.#disable();
    if (!bitsOf(changed, CR0_CMDQEN)) return;
    if (this.registers.enabled(CR0_CMDQEN)) {
      this.#commands.load();
      this.#commands.run();
    } else {
      this.#commands.stop();
    }
  }

  // SMMUEN first: transactions that stall until then are found (IHI 0070 6.3.9.6).
  #disable(): void {
    this.#publish();
    terminateStalls(this.#hostMemory, this.#smmuIndex);
  }

  // The ring is contiguous in one memory, or nowhere.
  #placeRing(unit: Unit, block: QueueBlock, { base, log2size }: TableShape): void {
    const at = unit.resolvePa(base, CMDQ_ENTRY_SIZE * 2 ** log2size);
    block.setRing(at?.window ?? 0, at?.offset ?? 0, log2size);
  }

  #poll(): number {
    let work = this.enhanced.poll();
    if (this.#commands.pending && this.#commands.run()) work++;
    for (const queue of this.#queues) work += queue.poll();
    if (this.#refusals) {
      this.events.refresh();
      this.#refusals.events(this.registers.get(SMMU_EVENTQ_PROD));
    }
    return work;
  }

  save(): DeviceState {
    this.#refresh();
    return {
      registers: this.registers.save(),
      enhanced: this.enhanced.save(),
      events: this.events.save(),
      pageRequests: this.pageRequests.save(),
    };
  }

  restore(state: DeviceState): void {
    const { registers, enhanced, events, pageRequests } = stateFields(
      state,
      'registers',
      'enhanced',
      'events',
      'pageRequests',
    );
    const savedEvents = HotQueue.check(events);
    const savedRequests = HotQueue.check(pageRequests);
    this.enhanced.check(enhanced);
    this.registers.restore(registers);
    this.enhanced.restore(enhanced);
    this.events.restore(savedEvents);
    this.pageRequests.restore(savedRequests);
    this.#refusals?.place(this.registers.get(SMMU_EVENTQ_PROD));
    this.#load();
  }

  registerName(region: number, offset: number): string {
    return (
      this.registers.nameAt(offset) ??
      this.enhanced.nameAt(offset) ??
      unnamedRegister(this.regions[region], offset)
    );
  }
}

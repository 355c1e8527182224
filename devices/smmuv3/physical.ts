// The SMMUv3 of a host, operated through its registers by the host's kernel. Translation and command execution are the hot modules';
// this device publishes the registers that they need in the SMMU's block of host memory, and turns what they leave there into register
// state and interrupts.

import { F_CFG_CONFLICT, F_TLB_CONFLICT, F_UUT } from '../../assembly/layout/events.ts';
import { ABI_KIND_SMMUV3 } from '../../assembly/layout/guest-abi.ts';
import {
  CTX_HOST,
  EVTQ_ABORT_ACTIVE,
  EVTQ_ABORTED,
  HOST_AT_RAM_BASE,
  HOST_AT_RAM_SIZE,
  QUEUE_ECMDQ,
  QUEUE_KIND_MAIN,
  QUEUE_MAIN,
  SMMU_AT_CR0,
  SMMU_AT_CR2,
  SMMU_AT_EVTQ_ABORT,
  SMMU_AT_EVTQ_BASE,
  SMMU_AT_EVTQ_CONS,
  SMMU_AT_EVTQ_LOG2SIZE,
  SMMU_AT_EVTQ_OWNER,
  SMMU_AT_EVTQ_PROD,
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
} from '../../assembly/layout/host-memory.ts';
import {
  CMDQ_ENTRY_SIZE,
  CR0_CMDQEN,
  CR0_SMMUEN,
  GERROR_EVTQ_ABT_ERR,
  SMMU_CR0,
  SMMU_CR2,
  SMMU_EVTQ_CONS,
  SMMU_EVTQ_PROD,
  SMMU_GBPA,
  SMMU_STRTAB_BASE_CFG,
  STRTAB_BASE_CFG_LOG2SIZE,
} from '../../assembly/layout/smmu-registers.ts';
import {
  bitsOf,
  type Device,
  type DeviceHost,
  type DeviceRegion,
  type DeviceState,
  type GuestMemory,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  stateFields,
  unnamedRegister,
  withBits,
} from '../plugin/index.ts';
import { ContextBlock, QueueBlock, smmuBase, type Unit, writeActions } from '../unit/index.ts';
import { dropCaches } from './caches.ts';
import { checkIdRegisters, enhancedQueueCount, PHYSICAL_ID_REGISTERS, type SmmuIdRegisters } from './id-registers.ts';
import { type CommandEngine, CommandQueue } from './queues/command-queue.ts';
import { EnhancedQueues } from './queues/enhanced-queues.ts';
import { mainQueue } from './queues/main-queue.ts';
import { smmuRegion } from './region.ts';
import { queueIndex, SmmuRegisters, type TableShape } from './register-rules.ts';
import { terminateStalls } from './stalls.ts';

/** What a `PhysicalSmmu` is made of. */
export interface PhysicalSmmuOptions {
  /** The host's own unit: its drain runs the command queue. */
  readonly unit: Unit;
  /** Which SMMU block of host memory this device is. */
  readonly smmuIndex: number;
  /** Default PHYSICAL_ID_REGISTERS. */
  readonly idRegisters?: SmmuIdRegisters;
}

const PLANTABLE = { F_UUT, F_TLB_CONFLICT, F_CFG_CONFLICT } as const;

/** A fault that no driver can provoke, because it depends on what a bus or a cache does wrong. */
export interface PlantedFault {
  readonly event: keyof typeof PLANTABLE;
  readonly streamId: number;
  /** Transactions that it hits, default 1. */
  readonly transactions?: number;
}

export class PhysicalSmmu implements Device {
  readonly name: string;
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: ABI_KIND_SMMUV3, interrupts: 2, busMaster: false };
  readonly regions: readonly DeviceRegion[];
  readonly #hostMemory: WebAssembly.Memory;
  readonly #smmuIndex: number;
  /** Byte offset of the SMMU block. */
  readonly #smmu: number;
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;
  readonly #ids: SmmuIdRegisters;
  readonly #commands: CommandQueue;
  #memory: GuestMemory | undefined;
  // The state of the device. EVTQ_PROD lives in the block while the event queue is enabled, and is brought here before anyone looks.
  private readonly registers: SmmuRegisters;
  private readonly enhanced: EnhancedQueues;
  /** EVTQ_PROD (index and wrap bit) when records were last noticed. */
  private noticed = 0;
  #planted = false;

  /** @throws {RangeError} when the ID registers advertise what the model does not do. */
  constructor({ unit, smmuIndex, idRegisters = PHYSICAL_ID_REGISTERS }: PhysicalSmmuOptions) {
    checkIdRegisters(idRegisters, 'physical');
    this.name = `physical-smmuv3-${smmuIndex}`;
    this.#hostMemory = unit.hostMemory;
    this.#smmuIndex = smmuIndex;
    this.#smmu = smmuBase(smmuIndex);
    this.#words = new Int32Array(unit.hostMemory.buffer);
    this.#longs = new BigInt64Array(unit.hostMemory.buffer);
    this.#ids = idRegisters;
    const enhanced = enhancedQueueCount(idRegisters);
    this.regions = [smmuRegion(enhanced)];
    this.registers = new SmmuRegisters(idRegisters, {
      refresh: () => this.#refresh(),
      enablesChanged: (before) => this.#enablesChanged(before),
      commandsProduced: () => this.#commands.produce(),
      commandErrorAcknowledged: () => this.#commands.acknowledge(),
      eventProducerWritten: () => this.#placeEventProducer(),
      configured: () => this.#publish(),
      bypassChanged: () => undefined,
    });
    const context = new ContextBlock(unit.hostMemory, smmuIndex, CTX_HOST);
    context.hypOwn = true;
    this.#commands = new CommandQueue(mainQueue(this.registers), this.#engine(unit, QUEUE_MAIN));
    const engines = Array.from({ length: enhanced }, (_, i) => this.#engine(unit, QUEUE_ECMDQ + i));
    this.enhanced = new EnhancedQueues(this.registers, engines);
    writeActions(unit.hostMemory, smmuIndex, idRegisters.idr0);
    this.#publish();
  }

  /** A queue of the host's own, run by its drain. */
  #engine(unit: Unit, index: number): CommandEngine {
    const block = new QueueBlock(unit.hostMemory, this.#smmuIndex, index);
    block.reset(QUEUE_KIND_MAIN, CTX_HOST);
    return {
      block,
      placeRing: (ring) => this.#placeRing(block, ring),
      serve: () => unit.drain.serve(this.#smmu, index),
      resume: () => {
        unit.drain.resume(this.#smmu, index);
      },
      memory: { load64: (pa) => this.#memory?.load64(pa) },
      // Every command of these queues is the drain's own.
      execute: () => false,
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
   * Makes the next transactions of a stream end with an event, so that a driver's way with it can be tested; undefined takes the fault away,
   * as a reset does. F_UUT hits transactions while CR0.SMMUEN is 0 as well, F_TLB_CONFLICT only such as are translated.
   */
  plantFault(fault: PlantedFault | undefined): void {
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
    this.plantFault(undefined);
    this.noticed = 0;
    this.#load(0);
  }

  // Host memory as the registers say; `aborted` is its EVTQ_ABORT word.
  #load(aborted: number): void {
    this.#store(SMMU_AT_EVTQ_OWNER, 0);
    this.#store(SMMU_AT_EVTQ_ABORT, aborted);
    this.#placeEventProducer();
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

  #load32(field: number): number {
    return Atomics.load(this.#words, (this.#smmu + field) >> 2) >>> 0;
  }

  #store(field: number, value: number): void {
    Atomics.store(this.#words, (this.#smmu + field) >> 2, value | 0);
  }

  #store64(field: number, value: number): void {
    Atomics.store(this.#longs, (this.#smmu + field) >> 3, BigInt(value));
  }

  // What translation looks at. CR0 comes last: what it enables is in place.
  #publish(): void {
    const table = this.registers.streamTable();
    const events = this.registers.eventQueue();
    this.#store(SMMU_AT_IDR0, this.#ids.idr0);
    this.#store(SMMU_AT_IDR1, this.#ids.idr1);
    this.#store(SMMU_AT_IDR3, this.#ids.idr3);
    this.#store(SMMU_AT_IDR5, this.#ids.idr5);
    this.#store(SMMU_AT_CR2, this.registers.get(SMMU_CR2));
    this.#store(SMMU_AT_GBPA, this.registers.get(SMMU_GBPA));
    this.#store64(SMMU_AT_STRTAB_BASE, table.base);
    this.#store(SMMU_AT_STRTAB_CFG, withBits(this.registers.get(SMMU_STRTAB_BASE_CFG), STRTAB_BASE_CFG_LOG2SIZE, table.log2size));
    this.#store64(SMMU_AT_EVTQ_BASE, events.base);
    this.#store(SMMU_AT_EVTQ_LOG2SIZE, events.log2size);
    this.#store(SMMU_AT_EVTQ_CONS, this.registers.index(SMMU_EVTQ_CONS));
    if (this.#load32(SMMU_AT_EVTQ_ABORT) === EVTQ_ABORT_ACTIVE && !this.registers.errorActive(GERROR_EVTQ_ABT_ERR)) {
      this.#store(SMMU_AT_EVTQ_ABORT, 0);
    }
    this.#store(SMMU_AT_CR0, withBits(this.registers.get(SMMU_CR0), SMMU_CR0_PLANTED, this.#planted ? 1 : 0));
  }

  // The core moves PROD while the event queue is enabled; software does while it is not.
  #placeEventProducer(): void {
    this.#store(SMMU_AT_EVTQ_PROD, this.registers.get(SMMU_EVTQ_PROD));
  }

  #refresh(): void {
    this.#commands.refresh();
    this.enhanced.refresh();
    this.registers.set(SMMU_EVTQ_PROD, this.#load32(SMMU_AT_EVTQ_PROD));
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

  // SMMUEN first: a transaction that stalls meanwhile is found by the look that follows (IHI 0070 section 6.3.9.6).
  #disable(): void {
    this.#publish();
    terminateStalls(this.#hostMemory, this.#smmuIndex);
  }

  // The ring lies in host RAM, window 0 of the physical address map, or nowhere.
  #placeRing(block: QueueBlock, { base, log2size }: TableShape): void {
    const ramBase = (this.#words[HOST_AT_RAM_BASE >> 2] ?? 0) >>> 0;
    const ramSize = (this.#words[HOST_AT_RAM_SIZE >> 2] ?? 0) >>> 0;
    const inside = base + CMDQ_ENTRY_SIZE * 2 ** log2size <= ramSize;
    block.setRing(0, inside ? ramBase + base : 0, log2size);
  }

  #poll(): number {
    let work = this.enhanced.poll();
    if (this.#commands.pending && this.#commands.run()) work++;
    if (this.#load32(SMMU_AT_EVTQ_ABORT) === EVTQ_ABORTED) {
      this.#store(SMMU_AT_EVTQ_ABORT, EVTQ_ABORT_ACTIVE);
      this.registers.raiseError(GERROR_EVTQ_ABT_ERR);
      work++;
    }
    const { log2size } = this.registers.eventQueue();
    const prod = queueIndex(this.#load32(SMMU_AT_EVTQ_PROD), log2size);
    if (prod !== this.noticed) {
      const unread = queueIndex(prod - this.registers.get(SMMU_EVTQ_CONS), log2size);
      // The interrupt is for a queue that was empty: software has taken all that was noticed before.
      if (unread !== 0 && unread <= queueIndex(prod - this.noticed, log2size)) this.registers.raiseEvents();
      this.noticed = prod;
      work++;
    }
    return work;
  }

  save(): DeviceState {
    this.#refresh();
    return {
      registers: this.registers.save(),
      enhanced: this.enhanced.save(),
      events: { noticed: this.noticed, aborted: this.#load32(SMMU_AT_EVTQ_ABORT) },
    };
  }

  restore(state: DeviceState): void {
    const { registers, enhanced, events } = stateFields(state, 'registers', 'enhanced', 'events');
    const { noticed, aborted } = plainStateLike({ noticed: 0, aborted: 0 }, events);
    this.enhanced.check(enhanced);
    this.registers.restore(registers);
    this.enhanced.restore(enhanced);
    this.noticed = noticed;
    this.#load(aborted);
  }

  registerName(region: number, offset: number): string {
    return this.registers.nameAt(offset) ?? this.enhanced.nameAt(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}

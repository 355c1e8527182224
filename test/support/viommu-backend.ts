// SPDX-License-Identifier: MIT
// A small host of a guest's SMMU: one physical SMMU, driven through its registers, one
// machine with two streams, no policy.

import { ACCESS_NO_SSID, ACCESS_WRITE } from '../../assembly/layout/access.ts';
import {
  ECMDQS_PER_SMMU,
  QUEUE_ECMDQ,
  QUEUE_GUEST,
  QUEUE_KIND_GUEST_CMDQ,
} from '../../assembly/layout/queue-memory.ts';
import {
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_CR2,
  SMMU_EVENTQ_BASE,
  SMMU_EVENTQ_CONS,
  SMMU_EVENTQ_PROD,
  SMMU_IRQ_CTRL,
  SMMU_STRTAB_BASE,
  SMMU_STRTAB_BASE_CFG,
} from '../../assembly/layout/smmu-registers.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import type { HotModules } from '../../assembly/load.ts';
import type { SmmuCoreExports } from '../../assembly/unit-exports.ts';
import {
  type GuestCommandQueue,
  PHYSICAL_ID_REGISTERS,
  PhysicalSmmu,
  type SmmuIdRegisters,
  type ViommuBackend,
} from '../../devices/smmuv3/index.ts';
import {
  abortSte,
  cfgiAll,
  cfgiCd,
  cfgiCdAll,
  cfgiSte,
  invalidSte,
  PageTable,
  S2_READ_WRITE,
  type SteStage2,
  stage2Ste,
  sync,
  tlbiNsnhAll,
  tlbiS12Vmall,
  writeCommand,
  writeSte,
} from '../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../devices/testing/index.ts';
import {
  ContextBlock,
  createHostMemory,
  lackedBy,
  QueueBlock,
  smmuBase,
  Unit,
} from '../../devices/unit/index.ts';
import { HostRam } from './host-ram.ts';

const WINDOW = 1;
const CONTEXT = 64;
const LOG2_COMMANDS = 4;
const LOG2_EVENTS = 3;

/** VMID of the machine. */
export const VMID = 7;
/** Physical StreamID of a virtual one. */
export const physicalSid = (virtSid: number) => 0x100 + virtSid;

export class TestViommuBackend implements ViommuBackend {
  readonly hostIdRegisters: SmmuIdRegisters = PHYSICAL_ID_REGISTERS;
  readonly #context: ContextBlock;
  readonly virtualStreams = [8, 9];
  readonly commandQueue: QueueBlock;
  readonly enhancedQueues: readonly GuestCommandQueue[];
  readonly hostMemory = createHostMemory({ ramSize: 0x100000 });
  readonly ram = new HostRam(this.hostMemory);
  readonly physical: PhysicalSmmu;
  /** Registers of the physical SMMU, and its host's observations. */
  readonly bus: DeviceBus;
  readonly host = new FakeHost();
  /** Streams as they were attached: "8 abort", "8 bypass", "8 invalid", "8 nested". */
  readonly log: string[] = [];
  readonly #unit: Unit;
  readonly #guestRam: { readonly gpa: number; readonly size: number };
  readonly #ring: number;
  readonly #events: number;
  readonly #streamTable: number;
  readonly #stage2: SteStage2;
  #deliver: (record: Uint32Array) => void = () => undefined;

  constructor(modules: HotModules, guest: FakeHost) {
    const { hostMemory } = this;
    const hostUnit = new Unit({ modules, hostMemory, thread: 0 });
    this.#guestRam = { gpa: guest.ramGpa, size: guest.ramSize };
    const regions = [{ gpa: guest.ramGpa, offset: guest.ramOffset, size: guest.ramSize }];
    this.#unit = new Unit({
      modules,
      hostMemory,
      thread: 1,
      guest: { memory: guest.guestMemory, regions, window: WINDOW },
    });

    const context = new ContextBlock(hostMemory, 0, CONTEXT);
    this.#context = context;
    context.vmid = VMID;
    context.window = WINDOW;
    this.virtualStreams.forEach((sid, slot) => {
      context.setSidReplace(slot, physicalSid(sid));
      context.setSidMatch(slot, (sid << 1) | 1);
    });
    this.commandQueue = new QueueBlock(hostMemory, 0, QUEUE_GUEST);
    this.commandQueue.reset(QUEUE_KIND_GUEST_CMDQ, CONTEXT);
    this.enhancedQueues = Array.from({ length: ECMDQS_PER_SMMU }, (_, i) =>
      this.#enhancedQueue(QUEUE_ECMDQ + ECMDQS_PER_SMMU + i),
    );

    this.#ring = this.ram.allocate(16 << LOG2_COMMANDS, 0x1000);
    this.#events = this.ram.allocate(32 << LOG2_EVENTS, 0x1000);
    this.#streamTable = this.ram.allocate(0x8000, 0x8000);
    const table = new PageTable(this.ram, { stage: 2, inputBits: 40 });
    table.map(guest.ramGpa, WINDOW * 2 ** 32 + guest.ramGpa, guest.ramSize, S2_READ_WRITE);
    this.#stage2 = { vmid: VMID, ttb: table.root, inputBits: 40 };

    this.physical = new PhysicalSmmu({ unit: hostUnit, smmuIndex: 0 });
    this.bus = new DeviceBus(this.physical);
    this.physical.attach(this.host);
    this.physical.reset();
    this.#boot();
  }

  #boot(): void {
    this.bus.write32(SMMU_CR2, 2);
    this.bus.write64(SMMU_STRTAB_BASE, BigInt(this.#streamTable));
    this.bus.write32(SMMU_STRTAB_BASE_CFG, 9);
    this.bus.write64(SMMU_CMDQ_BASE, BigInt(this.#ring + LOG2_COMMANDS));
    this.bus.write32(SMMU_CR0, 0x8);
    this.command(cfgiAll());
    this.command(tlbiNsnhAll());
    this.bus.write64(SMMU_EVENTQ_BASE, BigInt(this.#events + LOG2_EVENTS));
    this.bus.write32(SMMU_IRQ_CTRL, 5);
    this.bus.write32(SMMU_CR0, 0xd);
  }

  /** Executes one command and a CMD_SYNC on the physical command queue. */
  command(words: Uint32Array): void {
    for (const each of [words, sync()]) {
      const prod = this.bus.read32(SMMU_CMDQ_PROD);
      writeCommand(this.ram, this.#ring, prod % (1 << LOG2_COMMANDS), each);
      this.bus.write32(SMMU_CMDQ_PROD, prod + 1);
    }
    if (this.bus.read32(SMMU_CMDQ_CONS) !== this.bus.read32(SMMU_CMDQ_PROD))
      throw new Error('the physical command queue does not run');
  }

  get core(): SmmuCoreExports {
    return this.#unit.core;
  }

  /** An access of a stream through a machine's DMA port: TRANSLATE_*. */
  translate(
    virtSid: number,
    iova: number,
    options: { write?: boolean; ssid?: number } = {},
  ): number {
    const { core } = this.#unit;
    const ssid = options.ssid ?? ACCESS_NO_SSID;
    core.accessBegin();
    const attributes = options.write === false ? 0 : ACCESS_WRITE;
    const status = this.#unit.translate(
      smmuBase(0),
      physicalSid(virtSid),
      ssid,
      (iova % 2 ** 32) | 0,
      Math.floor(iova / 2 ** 32),
      attributes,
    );
    core.accessEnd();
    return status;
  }

  /** The same: the PA, or undefined when it is refused. */
  dma(
    virtSid: number,
    iova: number,
    options: { write?: boolean; ssid?: number } = {},
  ): number | undefined {
    const status = this.translate(virtSid, iova, options);
    return status === TRANSLATE_OK ? Number(this.#unit.threadBlock.pa) : undefined;
  }

  /**
   * A host's work at a safe point: delivers the records of the physical event queue to
   * the guest's SMMU.
   */
  forwardEvents(): void {
    const mask = (2 << LOG2_EVENTS) - 1;
    let cons = this.bus.read32(SMMU_EVENTQ_CONS);
    for (; cons !== (this.bus.read32(SMMU_EVENTQ_PROD) & mask); cons = (cons + 1) & mask) {
      const at = this.#events + (cons % (1 << LOG2_EVENTS)) * 32;
      const record = Uint32Array.from({ length: 8 }, (_, i) => this.ram.load32(at + 4 * i));
      record[1] = (record[1] ?? 0) - physicalSid(0);
      this.#deliver(record);
    }
    this.bus.write32(SMMU_EVENTQ_CONS, cons);
  }

  #enhancedQueue(index: number): GuestCommandQueue {
    const block = new QueueBlock(this.hostMemory, 0, index);
    block.reset(QUEUE_KIND_GUEST_CMDQ, CONTEXT);
    const { drain } = this.#unit;
    return {
      block,
      setRing: (baseGpa, log2size) => this.#placeRing(block, baseGpa, log2size),
      serve: () => drain.serve(smmuBase(0), index),
      finish: () => {
        drain.stepOver(smmuBase(0), index);
      },
      resume: () => {
        drain.resume(smmuBase(0), index);
      },
      publish: () => {
        drain.publishError(smmuBase(0), index);
      },
    };
  }

  setCommandRing(baseGpa: number, log2size: number): boolean {
    return this.#placeRing(this.commandQueue, baseGpa, log2size);
  }

  #placeRing(block: QueueBlock, baseGpa: number, log2size: number): boolean {
    const { gpa, size } = this.#guestRam;
    const offset = this.#unit.port.resolveGpa(
      (baseGpa % 2 ** 32) | 0,
      Math.floor(baseGpa / 2 ** 32),
      16 << log2size,
    );
    const inside = baseGpa >= gpa && baseGpa + (16 << log2size) <= gpa + size;
    if (inside) block.setRing(WINDOW, offset, log2size);
    return inside;
  }

  serveCommandQueue(): number {
    return this.#unit.drain.serve(smmuBase(0), QUEUE_GUEST);
  }
  finishCommand(): void {
    this.#unit.drain.stepOver(smmuBase(0), QUEUE_GUEST);
  }
  resumeCommandQueue(): void {
    this.#unit.drain.resume(smmuBase(0), QUEUE_GUEST);
  }

  attachStream(virtSid: number, ste: Uint32Array | undefined): boolean {
    const config = ((ste?.[0] ?? 0) >>> 1) & 7;
    if (ste && config > 5) return false;
    const [kind, words] = !ste
      ? (['abort', abortSte()] as const)
      : !((ste[0] ?? 0) & 1)
        ? (['invalid', invalidSte()] as const)
        : config === 4
          ? (['bypass', stage2Ste(this.#stage2)] as const)
          : (['nested', this.#nested(ste)] as const);
    this.log.push(`${virtSid} ${kind}`);
    this.#install(virtSid, words);
    return true;
  }

  #nested(ste: Uint32Array): Uint32Array {
    const words = stage2Ste(this.#stage2);
    // Config 7 instead of 6, with the guest's fields added.
    return words.map((word, i) => (i < 4 ? word | (ste[i] ?? 0) : word));
  }

  #install(virtSid: number, words: Uint32Array): void {
    writeSte(this.ram, this.#streamTable, physicalSid(virtSid), words);
    // Like the host's driver, but without a TLBI: that is up to the guest.
    this.command(cfgiSte(physicalSid(virtSid)));
  }

  showIdRegisters(ids: SmmuIdRegisters): void {
    this.#context.lacks = lackedBy(ids);
  }

  setSmmuEnabled(enabled: boolean): void {
    this.#context.smmuEnabled = enabled;
  }

  setGlobalBypass(abort: boolean): void {
    this.log.push(`all ${abort ? 'abort' : 'bypass'}`);
    for (const sid of this.virtualStreams)
      this.#install(sid, abort ? abortSte() : stage2Ste(this.#stage2));
  }

  invalidateContextDescriptors(virtSid: number, ssid: number | undefined, leaf = true): void {
    this.log.push(`${virtSid} cd ${ssid ?? 'all'}${ssid === undefined || leaf ? '' : ' level 1'}`);
    const sid = physicalSid(virtSid);
    this.command(ssid === undefined ? cfgiCdAll(sid) : cfgiCd(sid, ssid, leaf));
  }

  invalidateAll(): void {
    this.command(tlbiS12Vmall(VMID));
  }

  onEvent(deliver: (record: Uint32Array) => void): void {
    this.#deliver = deliver;
  }
}

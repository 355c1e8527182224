// SPDX-License-Identifier: MIT
// The host kernel's driver of the physical SMMU: bring-up through its registers in
// Linux's order, stream table, commands.

import {
  CMDQ_ENTRY_SIZE,
  CR0_ATSCHK,
  CR0_CMDQEN,
  CR0_EVENTQEN,
  CR0_PRIQEN,
  CR0_SMMUEN,
  CR2_PTM,
  CR2_RECINVSID,
  GERROR_CMDQ_ERR,
  IDR0_ATS,
  IDR0_BTM,
  IDR0_HYP,
  IDR0_PRI,
  IDR0_STALL_MODEL,
  IDR1_CMDQS,
  IDR1_EVENTQS,
  IDR1_PRIQS,
  IDR1_SIDSIZE,
  IDR5_OAS,
  IRQ_CTRL_EVENTQ_IRQEN,
  IRQ_CTRL_GERROR_IRQEN,
  IRQ_CTRL_PRIQ_IRQEN,
  SMMU_AIDR,
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_CR0ACK,
  SMMU_CR1,
  SMMU_CR2,
  SMMU_GERROR,
  SMMU_GERRORN,
  SMMU_IDR0,
  SMMU_IDR1,
  SMMU_IDR2,
  SMMU_IDR3,
  SMMU_IDR4,
  SMMU_IDR5,
  SMMU_IIDR,
  SMMU_IRQ_CTRL,
  SMMU_IRQ_CTRLACK,
  SMMU_STRTAB_BASE,
  SMMU_STRTAB_BASE_CFG,
  STALL_MODEL_FORCED,
  STALL_MODEL_TERMINATE,
  STRTAB_BASE_CFG_LOG2SIZE,
} from '../../assembly/layout/smmu-registers.ts';
import { STE_SIZE } from '../../assembly/layout/ste.ts';
import { bitsOf, maskInWord, withBits } from '../../devices/plugin/index.ts';
import {
  abortSte,
  addressSizeOf,
  cfgiAll,
  cfgiSte,
  loadStructure,
  tlbiEl2All,
  tlbiNsnhAll,
  writeSte,
} from '../../devices/tables/index.ts';
import type { DeviceRegisters } from '../hardware/device-registers.ts';
import type { HostRam } from '../hardware/host-ram.ts';
import { HostCommandQueue } from './host-command-queue.ts';
import { HOST_EVENTS, HOST_PAGE_REQUESTS, HostRecordQueue } from './host-record-queue.ts';
import type { HostVintf } from './host-vintf.ts';
import { allocateRing } from './ring-memory.ts';
import { steUpdate } from './ste-update.ts';
import { AMPLE_SID_BITS } from './stream-blocks.ts';

/** Tables and queues write-back, inner shareable, as Linux programs them. */
const CR1_WRITE_BACK = 0x0d75;
/**
 * RA of a base register: read-allocate, as Linux sets it. Bit 62, bit 30 of the upper
 * word.
 */
const READ_ALLOCATE = 1 << 30;
const IDENTIFICATION = [
  SMMU_IDR0,
  SMMU_IDR1,
  SMMU_IDR2,
  SMMU_IDR3,
  SMMU_IDR4,
  SMMU_IDR5,
  SMMU_IIDR,
  SMMU_AIDR,
] as const;

export class SmmuDriver {
  /**
   * The SMMU's CMDQ. Commands on behalf of a guest go there (arm_vsmmu_cache_invalidate);
   * the rest goes through `issue`.
   */
  readonly commands: HostCommandQueue;
  readonly events: HostRecordQueue;
  /** Undefined when the SMMU has no PRI. */
  readonly pageRequests: HostRecordQueue | undefined;
  /** IDR0 to IDR5, IIDR, AIDR. */
  readonly identification: readonly number[];
  /** Width of a StreamID in bits: log2 of the stream table's size. */
  readonly sidBits: number;
  /** Whether transactions can stall. */
  readonly stalls: boolean;
  readonly #registers: DeviceRegisters;
  readonly #ram: HostRam;
  readonly #streamTable: number;
  /** In use once the CMDQV has booted. */
  #vintf: HostVintf | undefined;

  constructor(registers: DeviceRegisters, ram: HostRam, betweenPolls: () => void) {
    this.#registers = registers;
    this.#ram = ram;
    const model = bitsOf(registers.read32(SMMU_IDR0), IDR0_STALL_MODEL);
    // All of a guest's CDs would have to request stalls, and nothing here answers those
    // of stage 2.
    if (model === STALL_MODEL_FORCED)
      throw new RangeError(
        'a host does not support an SMMU that forces stalls (IDR0.STALL_MODEL 2)',
      );
    this.stalls = model !== STALL_MODEL_TERMINATE;
    const idr1 = registers.read32(SMMU_IDR1);
    // A linear table, with an entry for every StreamID that is ever allocated.
    this.sidBits = Math.min(bitsOf(idr1, IDR1_SIDSIZE), AMPLE_SID_BITS);
    const bytes = STE_SIZE * 2 ** this.sidBits;
    this.#streamTable = ram.allocate(bytes, bytes);
    this.identification = IDENTIFICATION.map((register) => registers.read32(register));
    const log2size = bitsOf(idr1, IDR1_CMDQS);
    this.commands = new HostCommandQueue({
      registers: {
        device: registers,
        prod: SMMU_CMDQ_PROD,
        cons: SMMU_CMDQ_CONS,
        gerror: SMMU_GERROR,
        gerrorn: SMMU_GERRORN,
        error: maskInWord(GERROR_CMDQ_ERR),
      },
      memory: ram,
      ring: allocateRing(ram, CMDQ_ENTRY_SIZE, log2size),
      log2size,
      betweenPolls,
    });
    this.events = new HostRecordQueue(registers, ram, HOST_EVENTS, bitsOf(idr1, IDR1_EVENTQS));
    const hasPri = bitsOf(this.idr0, IDR0_PRI) !== 0;
    this.pageRequests = hasPri
      ? new HostRecordQueue(registers, ram, HOST_PAGE_REQUESTS, bitsOf(idr1, IDR1_PRIQS))
      : undefined;
  }

  get idr0(): number {
    return this.identification[0] ?? 0;
  }
  get idr1(): number {
    return this.identification[1] ?? 0;
  }
  get idr3(): number {
    return this.identification[3] ?? 0;
  }
  get idr5(): number {
    return this.identification[5] ?? 0;
  }

  /** Width of a PA in bits: IDR5.OAS. */
  get addressBits(): number {
    return addressSizeOf(bitsOf(this.idr5, IDR5_OAS)) ?? 0;
  }

  #setCr0(value: number): void {
    this.#registers.write32(SMMU_CR0, value);
    this.#registers.poll(SMMU_CR0ACK, 'CR0', (ack) => ack === value);
  }

  #setIrqCtrl(value: number): void {
    this.#registers.write32(SMMU_IRQ_CTRL, value);
    this.#registers.poll(SMMU_IRQ_CTRLACK, 'IRQ_CTRL', (ack) => ack === value);
  }

  /**
   * Boots in the order of arm_smmu_device_reset: everything that a bit of CR0 enables is
   * in place before the bit is set.
   */
  boot(): void {
    // Streams without a machine abort silently until they are attached. All words of such
    // an STE but the first are zero, as in fresh RAM.
    const abort = BigInt(abortSte()[0] ?? 0);
    for (let sid = 0; sid < 2 ** this.sidBits; sid++)
      this.#ram.store64(this.#streamTable + sid * STE_SIZE, abort);
    this.#setCr0(0);
    this.#registers.write32(SMMU_CR1, CR1_WRITE_BACK);
    // Private TLB maintenance, unless the SMMU can share it with processors. With BTM,
    // the VMIDs of stage 2 come from the host's one allocator.
    const ptm = bitsOf(this.idr0, IDR0_BTM) ? 0 : maskInWord(CR2_PTM);
    this.#registers.write32(SMMU_CR2, maskInWord(CR2_RECINVSID) | ptm);
    this.#registers.write64(SMMU_STRTAB_BASE, this.#streamTable, READ_ALLOCATE);
    this.#registers.write32(
      SMMU_STRTAB_BASE_CFG,
      withBits(0, STRTAB_BASE_CFG_LOG2SIZE, this.sidBits),
    );

    const { ring, log2size } = this.commands;
    this.#registers.write64(SMMU_CMDQ_BASE, ring + log2size, READ_ALLOCATE);
    this.#registers.write32(SMMU_CMDQ_PROD, 0);
    this.#registers.write32(SMMU_CMDQ_CONS, 0);
    let cr0 = maskInWord(CR0_CMDQEN);
    this.#setCr0(cr0);
    this.issue([cfgiAll()]);
    if (bitsOf(this.idr0, IDR0_HYP)) this.issue([tlbiEl2All()]);
    this.issue([tlbiNsnhAll()]);

    this.events.initialise();
    cr0 |= maskInWord(CR0_EVENTQEN);
    this.#setCr0(cr0);
    if (this.pageRequests) {
      this.pageRequests.initialise();
      cr0 |= maskInWord(CR0_PRIQEN);
      this.#setCr0(cr0);
    }
    if (bitsOf(this.#registers.read32(SMMU_IDR0), IDR0_ATS)) {
      cr0 |= maskInWord(CR0_ATSCHK);
      this.#setCr0(cr0);
    }
    this.#setIrqCtrl(0);
    const pageRequests = this.pageRequests ? maskInWord(IRQ_CTRL_PRIQ_IRQEN) : 0;
    this.#setIrqCtrl(
      maskInWord(IRQ_CTRL_EVENTQ_IRQEN) | maskInWord(IRQ_CTRL_GERROR_IRQEN) | pageRequests,
    );
    this.#setCr0(cr0 | maskInWord(CR0_SMMUEN));
  }

  /**
   * From now on commands go to VCMDQs of the host's own VINTF, where it supports them.
   */
  useVintf(vintf: HostVintf): void {
    this.#vintf = vintf;
  }

  /**
   * Issues commands on the processor's queue and waits until they are complete.
   * @param processor on which the kernel does this: each VM has its own
   *   (`ArmDevice.processor`).
   * @throws {HostError} when the SMMU does not complete them.
   */
  issue(commands: readonly Uint32Array[], processor = 0): void {
    if (!this.#vintf?.issue(processor, commands)) this.commands.issue(...commands);
  }

  /**
   * Replaces the STE of a stream, without an invalid one in between where possible
   * (`steUpdate`). It issues at least one CFGI_STE: a guest's own CFGI_STE, for whatever
   * its CDs are now, arrives here as an attachment.
   */
  installSte(sid: number, ste: Uint32Array, processor = 0): void {
    const before = loadStructure(this.#ram, this.#streamTable + sid * STE_SIZE, STE_SIZE);
    const steps = steUpdate(before, ste);
    for (const step of steps.length > 0 ? steps : [ste]) {
      writeSte(this.#ram, this.#streamTable, sid, step);
      this.issue([cfgiSte(sid)], processor);
    }
  }

  /** Handles the GERROR interrupt. */
  handleGlobalErrors(): void {
    this.commands.handleError();
    this.#registers.write32(SMMU_GERRORN, this.#registers.read32(SMMU_GERROR));
  }
}

// SPDX-License-Identifier: MIT
// Linux's arm-smmu-v3 on an SMMU and its tables, step by step, with the names of its
// functions. Written from the driver's behaviour; register offsets and fields are
// literal, so that this is a second reading of the architecture.

import {
  abortSte,
  atcInv,
  cfgiAll,
  cfgiCd,
  cfgiSte,
  contextDescriptor,
  type Granule,
  PageTable,
  prefetchConfig,
  priResp,
  S1_READ_WRITE,
  stage1Ste,
  storeStructure,
  tlbiNhAsid,
  tlbiNhVa,
  tlbiNsnhAll,
} from '../../../devices/tables/index.ts';
import { CdTable } from './cd-table.ts';
import { CommandQueue } from './command-queue.ts';
import { type DriverPlatform, DriverTimeout, poll } from './driver-platform.ts';
import { RecordQueue } from './record-queue.ts';
import { Tegra241Cmdqv } from './tegra241-cmdqv.ts';

/**
 * log2 of the entries that the page allocator provides at most: 8 KiB for a command
 * queue. A kernel with 4 KiB pages has more, which take longer to fill.
 */
const QUEUE_CAP = 9;
/** CR0. */
const [SMMUEN, PRIQEN, EVENTQEN, CMDQEN, ATSCHK] = [1, 2, 4, 8, 0x10];
/**
 * CFG0 of the SMMU's MSIs; CFG1 and CFG2 are 8 and 12 bytes further (arm_smmu_msi_cfg).
 */
const MSI_REGISTERS = { eventq: 0xb0, gerror: 0x68, priq: 0xd0 } as const;
/** ARM_SMMU_MEMATTR_DEVICE_nGnRE. */
const DEVICE_NGNRE = 1;
/** PRI_RESP_DENY. */
const DENY = 0;
/** Bits of GERROR that the driver handles. */
const GERROR_ERRORS = 0x1fd;
/** 2-level stream table: STEs of a level-2 table, and its descriptor's SPAN. */
const SPLIT = 8;

/** Features that the driver has read from the ID registers. */
export interface Features {
  readonly rangeInvalidation: boolean;
  readonly msi: boolean;
  readonly ats: boolean;
  readonly pri: boolean;
  readonly twoLevelCds: boolean;
  readonly hypervisor: boolean;
  readonly stage2: boolean;
  readonly twoLevelStreams: boolean;
  readonly stalls: boolean;
  readonly sidBits: number;
  readonly ssidBits: number;
  readonly commandsLog2: number;
  readonly eventsLog2: number;
  readonly requestsLog2: number;
  readonly granule: Granule;
  readonly outputBits: number;
}

/** How a kernel boots. */
export interface BootOptions {
  /** is_kdump_kernel. */
  readonly kdump?: boolean;
}

/**
 * arm_smmu_device_hw_probe: the required features, and those that it refuses with -ENXIO.
 */
export function probeFeatures({ smmu }: DriverPlatform): Features {
  const [idr0, idr1, idr3, idr5] = [0x00, 0x04, 0x0c, 0x14].map((at) => smmu.read32(at)) as [
    number,
    number,
    number,
    number,
  ];
  const iidr = smmu.read32(0x18);
  const refuse = (why: string) => {
    throw new Error(`probe failed with error -ENXIO: ${why}`);
  };
  if ((idr0 & 3) === 0) refuse('no translation support');
  if ((idr0 & 0x8) === 0) refuse('AArch64 table format not supported');
  if (![0, 2].includes((idr0 >>> 21) & 3)) refuse('unknown/unsupported TT endianness');
  if ((idr1 & 0x70000000) !== 0) refuse('embedded implementation');
  const commandsLog2 = Math.min(QUEUE_CAP, (idr1 >>> 21) & 31);
  if (commandsLog2 <= 6) refuse(`command queue size <= 64 entries not supported`);
  const granules = [0x1000, 0x4000, 0x10000] as const;
  const granule = granules.find((_, i) => (idr5 & (0x10 << i)) !== 0);
  const outputBits = [32, 36, 40, 42, 44, 48, 52][idr5 & 7];
  if (granule === undefined || outputBits === undefined) refuse('no page size');
  // Product numbers enable errata.
  if (iidr !== 0) refuse('errata of a product');
  return {
    rangeInvalidation: (idr3 & 0x400) !== 0,
    msi: (idr0 & 0x2000) !== 0,
    ats: (idr0 & 0x400) !== 0,
    pri: (idr0 & 0x10000) !== 0,
    twoLevelCds: (idr0 & 0x80000) !== 0,
    hypervisor: (idr0 & 0x200) !== 0,
    stage2: (idr0 & 1) !== 0,
    twoLevelStreams: ((idr0 >>> 27) & 3) === 1 && (idr1 & 0x3f) > SPLIT,
    stalls: ((idr0 >>> 24) & 3) === 0,
    sidBits: idr1 & 0x3f,
    ssidBits: (idr1 >>> 6) & 31,
    commandsLog2,
    eventsLog2: Math.min(QUEUE_CAP, (idr1 >>> 16) & 31),
    requestsLog2: Math.min(QUEUE_CAP, (idr1 >>> 11) & 31),
    granule: granule ?? 0x1000,
    outputBits: Math.min(48, outputBits ?? 48),
  };
}

/** A DMA domain of stage 1. */
export interface Domain {
  readonly asid: number;
  readonly table: PageTable;
}

/** Options of an attachment in addition to its domain. */
export interface AttachOptions {
  /** The master can stall (IOPF). */
  readonly stall?: boolean;
  /** arm_smmu_ats_supported of the master. */
  readonly ats?: boolean;
  /** Number of bits in its PASIDs. */
  readonly ssidBits?: number;
}

export class ArmSmmuV3 {
  readonly features: Features;
  readonly commands: CommandQueue;
  readonly cmdqv: Tegra241Cmdqv;
  /** Records that the event thread has read, as four doublewords. */
  readonly events: bigint[][] = [];
  /** Contents of gerror interrupts: active errors and, for CMDQ_ERR, the code. */
  readonly errors: { readonly active: number; readonly code: number }[] = [];
  /** Page requests that the PRI queue's thread has denied, as two doublewords. */
  readonly pageRequests: bigint[][] = [];
  /** "CMD_SYNC timeout" while the SMMU was reset. */
  timeouts = 0;
  readonly #platform: DriverPlatform;
  readonly #kdump: boolean;
  readonly #streams: { readonly base: number; readonly config: number };
  readonly #eventQueue: RecordQueue;
  readonly #requestQueue: RecordQueue | undefined;
  readonly #cdTables = new Map<number, CdTable>();
  #asid = 0;

  /** arm_smmu_device_probe: everything up to the first write of a register. */
  constructor(platform: DriverPlatform, { kdump = false }: BootOptions = {}) {
    this.#platform = platform;
    this.#kdump = kdump;
    this.features = probeFeatures(platform);
    const { commandsLog2, eventsLog2, requestsLog2, msi, pri } = this.features;
    // arm_smmu_init_queues.
    this.commands = new CommandQueue(platform, {
      registers: platform.smmu,
      prod: 0x98,
      cons: 0x9c,
      log2size: commandsLog2,
      completion: msi ? 'msi' : 'sev',
    });
    this.#eventQueue = new RecordQueue(platform, {
      registers: 0xa0,
      log2size: eventsLog2,
      dwords: 4,
    });
    this.#requestQueue = pri
      ? new RecordQueue(platform, { registers: 0xc0, log2size: requestsLog2, dwords: 2 })
      : undefined;
    this.#streams = this.#initStreamTable();
    // arm_smmu_impl_probe; its structures are allocated last.
    this.cmdqv = new Tegra241Cmdqv(platform, commandsLog2);
  }

  /** arm_smmu_init_strtab: an empty level 1, or a linear table whose STEs all abort. */
  #initStreamTable() {
    const { memory } = this.#platform;
    const { twoLevelStreams, sidBits } = this.features;
    if (twoLevelStreams) {
      const bits = Math.min(sidBits, 16);
      const bytes = 8 * 2 ** (bits - SPLIT);
      return { base: memory.allocate(bytes, bytes), config: 0x10000 | (SPLIT << 6) | bits };
    }
    const bits = Math.min(sidBits, 16);
    const base = memory.allocate(64 * 2 ** bits, 64 * 2 ** bits);
    for (let sid = 0; sid < 2 ** bits; sid++) storeStructure(memory, base + 64 * sid, abortSte());
    return { base, config: bits };
  }

  // arm_smmu_write_reg_sync.
  #writeSynchronised(register: number, ack: number, value: number): void {
    const { smmu } = this.#platform;
    smmu.write32(register, value);
    poll(`register 0x${register.toString(16)}`, () => smmu.read32(ack) === value);
  }

  #cr0(value: number): void {
    this.#writeSynchronised(0x20, 0x24, value);
  }

  // arm_smmu_update_gbpa.
  #abortGlobally(): void {
    const { smmu } = this.#platform;
    const idle = () => (smmu.read32(0x44) & 0x80000000) === 0;
    poll('GBPA', idle);
    smmu.write32(0x44, (smmu.read32(0x44) | (1 << 20) | 0x80000000) >>> 0);
    poll('GBPA', idle);
  }

  /** arm_smmu_device_reset, followed by the hook of the implementation. */
  reset(): void {
    const { smmu } = this.#platform;
    if (smmu.read32(0x20) & SMMUEN) this.#abortGlobally();
    // arm_smmu_device_disable.
    this.#cr0(0);
    smmu.write32(0x28, 0xd75);
    smmu.write32(0x2c, 0x6);
    smmu.write64(0x80, 0x4000_0000_0000_0000n | BigInt(this.#streams.base));
    smmu.write32(0x88, this.#streams.config);
    smmu.write64(
      0x90,
      0x4000_0000_0000_0000n | BigInt(this.commands.base + this.commands.log2size),
    );
    smmu.write32(0x98, 0);
    smmu.write32(0x9c, 0);
    this.commands.restart();
    let enables = CMDQEN;
    this.#cr0(enables);
    this.#issueInReset(cfgiAll());
    if (this.features.hypervisor) this.#issueInReset(new Uint32Array([0x20, 0, 0, 0]));
    this.#issueInReset(tlbiNsnhAll());
    this.#eventQueue.reset();
    enables |= EVENTQEN;
    this.#cr0(enables);
    if (this.#requestQueue) {
      this.#requestQueue.reset();
      enables |= PRIQEN;
      this.#cr0(enables);
    }
    if (this.features.ats) {
      enables |= ATSCHK;
      this.#cr0(enables);
    }
    this.#setupInterrupts();
    if (this.#kdump) enables &= ~(EVENTQEN | PRIQEN);
    this.#cr0(enables | SMMUEN);
    // tegra241_cmdqv_hw_reset.
    this.cmdqv.reset(() => this.#issueInReset());
  }

  // arm_smmu_setup_irqs, arm_smmu_setup_unique_irqs, arm_smmu_setup_msis,
  // arm_smmu_write_msi_msg.
  #setupInterrupts(): void {
    const { smmu, msi } = this.#platform;
    const lines = (['gerror', 'eventq', 'priq'] as const).filter(
      (line) => line !== 'priq' || this.features.pri,
    );
    this.#writeSynchronised(0x50, 0x54, 0);
    for (const line of lines) smmu.write64(MSI_REGISTERS[line], 0n);
    for (const line of this.features.msi ? lines : []) {
      const message = msi?.(line);
      if (!message) continue;
      const { address, data } = message;
      smmu.write64(MSI_REGISTERS[line], BigInt(address));
      smmu.write32(MSI_REGISTERS[line] + 8, data);
      smmu.write32(MSI_REGISTERS[line] + 12, DEVICE_NGNRE);
    }
    this.#writeSynchronised(0x50, 0x54, this.features.pri ? 7 : 5);
  }

  // arm_smmu_device_reset and tegra241_vcmdq_hw_flush_timeout ignore results: a timeout
  // is logged.
  #issueInReset(...commands: Uint32Array[]): void {
    try {
      this.issueOn(this.commands, ...commands);
    } catch (error) {
      if (!(error instanceof DriverTimeout)) throw error;
      this.timeouts++;
    }
  }

  /** arm_smmu_device_shutdown: after a kexec with shutdown, the SMMU is off. */
  shutdown(): void {
    this.#cr0(0);
  }

  /** arm_smmu_device_remove: the implementation is removed last, with the SMMU off. */
  remove(): void {
    this.shutdown();
    this.cmdqv.remove(() => this.#flush());
  }

  /** tegra241_vcmdq_hw_flush_timeout. With the SMMU off it times out, and continues. */
  #flush(): void {
    try {
      this.issueOn(this.commands, new Uint32Array([0x46, 0, 0, 0]));
    } catch (error) {
      if (!(error instanceof DriverTimeout) || this.#platform.smmu.read32(0x20) & CMDQEN)
        throw error;
    }
  }

  // The work of other CPUs while one polls.
  #elsewhere(): void {
    this.#platform.idle();
    this.handleInterrupts();
  }

  /** arm_smmu_get_cmdq: the queue for a batch, selected by its first command. */
  queueFor(command: Uint32Array): CommandQueue {
    return this.cmdqv.queueFor((command[0] ?? 0) & 0xff) ?? this.commands;
  }

  /**
   * arm_smmu_cmdq_issue_cmd_with_sync, arm_smmu_cmdq_batch_submit: one queue, its
   * CMD_SYNC at the end.
   */
  issueAndSync(...commands: Uint32Array[]): void {
    const [first] = commands;
    if (first) this.issueOn(this.queueFor(first), ...commands);
  }

  /** A batch on a certain queue, with its CMD_SYNC. */
  issueOn(queue: CommandQueue, ...commands: Uint32Array[]): void {
    queue.issue(commands, true, () => this.#elsewhere());
  }

  /** arm_smmu_cmdq_issue_cmd, without a CMD_SYNC. */
  issue(command: Uint32Array): void {
    this.queueFor(command).issue([command], false, () => this.#elsewhere());
  }

  /**
   * arm_smmu_gerror_handler, arm_smmu_evtq_thread and tegra241_cmdqv_isr, for pending
   * interrupts.
   */
  handleInterrupts(): void {
    const { take } = this.#platform;
    for (let left = take.call(this.#platform, 'gerror'); left > 0; left--) this.gerrorHandler();
    for (let left = take.call(this.#platform, 'eventq'); left > 0; left--) this.evtqThread();
    for (let left = take.call(this.#platform, 'priq'); left > 0; left--) this.priqThread();
    for (let left = take.call(this.#platform, 'cmdqv'); left > 0; left--) this.cmdqv.isr();
  }

  gerrorHandler(): void {
    const { smmu } = this.#platform;
    const gerror = smmu.read32(0x60);
    const active = gerror ^ smmu.read32(0x64);
    if ((active & GERROR_ERRORS) === 0) return;
    // Service failure: the SMMU is switched off.
    if (active & 0x100) this.#cr0(0);
    const code = active & 1 ? this.commands.skipError() : 0;
    this.errors.push({ active, code });
    smmu.write32(0x64, gerror);
  }

  /** "EVENTQ overflow detected". */
  get overflows(): number {
    return this.#eventQueue.overflows;
  }

  evtqThread(): void {
    this.#eventQueue.drain((record) => this.events.push(record));
  }

  /**
   * arm_smmu_priq_thread, arm_smmu_handle_ppr: Linux does not support page requests, and
   * denies each group at its last one.
   */
  priqThread(): void {
    this.#requestQueue?.drain((record) => {
      this.pageRequests.push(record);
      const [first = 0n, second = 0n] = record;
      if (((first >> 62n) & 1n) === 0n) return;
      const pasid = (first >> 63n) & 1n ? Number((first >> 32n) & 0xfffffn) : undefined;
      this.issue(priResp(Number(first & 0xffff_ffffn), Number(second & 0x1ffn), DENY, pasid));
    });
  }

  /** arm_smmu_domain_alloc_paging, arm_smmu_domain_finalise_s1. */
  domain(): Domain {
    const { granule } = this.features;
    return {
      asid: ++this.#asid,
      table: new PageTable(this.#platform.memory, { stage: 1, granule }),
    };
  }

  /**
   * arm_smmu_init_sid_strtab: the level-2 table, whose STEs abort, and its level-1
   * descriptor, which no CFGI announces.
   */
  insertMaster(sid: number): void {
    if (!this.features.twoLevelStreams || this.#steAddress(sid) !== undefined) return;
    const { memory } = this.#platform;
    const bytes = 64 * 2 ** SPLIT;
    const table = memory.allocate(bytes, bytes);
    for (let i = 0; i < 2 ** SPLIT; i++) storeStructure(memory, table + 64 * i, abortSte());
    memory.store64(this.#streams.base + 8 * (sid >>> SPLIT), BigInt(table + SPLIT + 1));
  }

  #steAddress(sid: number): number | undefined {
    const { base } = this.#streams;
    if (!this.features.twoLevelStreams) return base + 64 * sid;
    const level1 = this.#platform.memory.load64(base + 8 * (sid >>> SPLIT));
    const table = Number(level1 & 0xf_ffff_ffff_ffc0n);
    return level1 === 0n ? undefined : table + 64 * (sid & 0xff);
  }

  /** arm_smmu_attach_dev to a stage-1 domain: CD, then STE, then the master's ATS. */
  attach(
    sid: number,
    domain: Domain,
    { stall = false, ats = false, ssidBits = 0 }: AttachOptions = {},
  ): void {
    const { stalls, twoLevelCds } = this.features;
    const cds = new CdTable(this.#platform.memory, { ssidBits, twoLevel: twoLevelCds });
    this.#cdTables.set(sid, cds);
    this.#writeCd(sid, 0, domain, stall);
    // arm_smmu_make_cdtable_ste, arm_smmu_install_ste_for_dev: S1STALLD where the SMMU
    // stalls and the master cannot.
    this.#install(
      sid,
      stage1Ste({
        contextPtr: cds.base,
        cdMax: cds.cdMax,
        format: cds.format,
        stallDisabled: stalls && !stall,
        eats: ats ? 1 : 0,
      }),
    );
    if (!ats) return;
    // arm_smmu_enable_ats: the ATC is invalidated before it is enabled.
    this.issueAndSync(atcInv({ streamId: sid, address: 0, size: 52 }));
    this.#platform.ats(true);
  }

  /** arm_smmu_set_pasid: another domain for the accesses with a PASID. */
  attachPasid(sid: number, ssid: number, domain: Domain): void {
    this.#writeCd(sid, ssid, domain, false);
  }

  /** arm_smmu_clear_cd, of arm_smmu_blocking_set_dev_pasid. */
  detachPasid(sid: number, ssid: number): void {
    const cds = this.#cdTables.get(sid);
    const at = cds?.find(ssid);
    if (!cds || at === undefined) throw new Error(`PASID ${ssid} has no CD`);
    cds.write(at, new Uint32Array(16), () => this.issueAndSync(cfgiCd(sid, ssid)));
  }

  // arm_smmu_make_s1_cd, arm_smmu_write_cd_entry, which ends with arm_smmu_sync_cd.
  #writeCd(sid: number, ssid: number, { asid, table }: Domain, stall: boolean): void {
    const cds = this.#cdTables.get(sid);
    if (!cds) throw new Error(`StreamID ${sid} has no CDs`);
    const { granule, outputBits } = this.features;
    const at = cds.allocate(ssid, () => this.issueAndSync(cfgiCd(sid, ssid, false)));
    const lower = { ttb: table.root, inputBits: 48, granule };
    cds.write(at, contextDescriptor({ asid, outputBits, stall, lower }), () =>
      this.issueAndSync(cfgiCd(sid, ssid)),
    );
  }

  /** arm_smmu_attach_dev_blocked. */
  detach(sid: number): void {
    this.#install(sid, abortSte());
  }

  // arm_smmu_write_entry: first the bits that the STE in use ignores, then the doubleword
  // that changes its configuration, then the rest; each step is visible to the SMMU
  // before the next.
  #install(sid: number, ste: Uint32Array): void {
    const { memory } = this.#platform;
    const at = this.#steAddress(sid);
    if (at === undefined) throw new Error(`StreamID ${sid} has no STE`);
    const dwords = Array.from(
      { length: 8 },
      (_, i) => (BigInt(ste[2 * i + 1] ?? 0) << 32n) | BigInt(ste[2 * i] ?? 0),
    );
    const isAbort = ste[0] === 1;
    const rest = () => {
      for (let i = 1; i < 8; i++) memory.store64(at + 8 * i, dwords[i] ?? 0n);
      this.issueAndSync(cfgiSte(sid));
    };
    if (!isAbort) rest();
    memory.store64(at, dwords[0] ?? 0n);
    this.issueAndSync(cfgiSte(sid));
    if (isAbort) rest();
    // arm_smmu_prefetch_cfg, without a CMD_SYNC.
    this.issue(prefetchConfig(sid));
  }

  /**
   * arm_smmu_tlb_inv_range_domain of an unmap, and the commands for ATS
   * (arm_smmu_atc_inv_domain).
   */
  unmap(domain: Domain, iova: number, size: number, atcOf?: number): void {
    domain.table.unmap(iova, size);
    this.issueAndSync(...this.invalidationsOf(domain, iova, size));
    if (atcOf !== undefined && this.features.ats)
      this.issueAndSync(atcInv({ streamId: atcOf, address: 0, size: 52 }));
  }

  /**
   * arm_smmu_cmdq_batch_add_range: by ranges with RIL; otherwise page by page, or by ASID
   * from a table's worth of pages on.
   */
  invalidationsOf({ asid }: Domain, iova: number, size: number): Uint32Array[] {
    const { granule, rangeInvalidation } = this.features;
    const pages = size / granule;
    if (!rangeInvalidation) {
      if (pages >= granule / 8) return [tlbiNhAsid(0, asid)];
      return Array.from({ length: pages }, (_, i) =>
        tlbiNhVa(0, asid, { address: iova + i * granule }),
      );
    }
    const commands: Uint32Array[] = [];
    let address = iova;
    for (let left = pages; left > 0; ) {
      const scale = Math.clz32(1) - Math.clz32(left & -left);
      const num = Math.floor(left / 2 ** scale) % 32;
      commands.push(
        tlbiNhVa(0, asid, { address, ttl: 3, range: { granule, num: num - 1, scale } }),
      );
      left -= num * 2 ** scale;
      address += num * 2 ** scale * granule;
    }
    return commands;
  }

  /** Maps a page of the DMA buffer, read and write. */
  map(domain: Domain, iova: number, page = 0, pages = 1): void {
    const { granule } = this.features;
    domain.table.map(iova, this.#platform.buffer + page * granule, pages * granule, S1_READ_WRITE, {
      blocks: false,
    });
  }
}

// SPDX-License-Identifier: MIT
// What a vSMMU (the SMMUv3 in the guest's role) needs of the host behind it: the host
// object model in the shape that the device uses. A host implements it over its physical
// SMMU; docs/device-plugin.md has the contract.

import type { DmaAttributes } from '../plugin/index.ts';
import type { QueueBlock } from '../unit/index.ts';
import type { SmmuIdRegisters } from './id-registers.ts';

/**
 * How far the device has come with a command of its own: carried out; not a command that
 * it carries out; or a part of it is left, which it is called again for with this number.
 */
export type CommandOutcome = 'done' | 'refused' | { readonly next: number };

/** What a command queue needs of the host for its guest to have PROD and CONS itself: the host's drain runs it then. */
export interface DirectQueueBackend {
  /** First argument of the guest's doorbell import (assembly/layout/doorbell-id.ts). */
  readonly doorbellId: number;
  /**
   * Allocates the HW queue that runs the ring.
   * @returns false when there is none for it: the queue traps then.
   */
  allocate(baseGpa: number, log2size: number): boolean;
  /** PROD lies at this offset of guest memory from now on, and CONS behind it. */
  place(memoryOffset: number, prod: number, cons: number): void;
  /** PROD as its guest has it. */
  readProd(): number;
  /** CONS as its guest has it. */
  readCons(): number;
  /** Puts PROD where its guest has it. */
  writeProd(prod: number): void;
  /** Puts CONS where its guest has it. */
  writeCons(cons: number): void;
  /** Frees the HW queue: the block is that of a trapped CMDQ again. */
  free(): void;
}

/** The overlay path: the guest's CMDQ is such a queue. */
export interface OverlayBackend extends DirectQueueBackend {
  /** Carries an invalidation out that no HW queue takes, and completes it. False when it is not one. */
  emulate(words: readonly number[]): boolean;
}

/**
 * One of a guest's command queues in its host's hands. What is said of the trapped CMDQ
 * in `ViommuBackend` holds here too.
 */
export interface GuestCommandQueue {
  readonly block: QueueBlock;
  /** @returns false when the ring does not lie in RAM. */
  setRing(baseGpa: number, log2size: number): boolean;
  /** @returns QUEUE_STATE. */
  serve(): number;
  /** Steps over the command at CONS. */
  finish(): void;
  /** Fetch again from CONS. */
  resume(): void;
  /** Has the drain publish the error that it holds, in CONS as its guest has it. Nothing while the registers trap. */
  publish(): void;
  /** For its guest to have PROD and CONS. Absent: they trap. */
  readonly direct?: DirectQueueBackend | undefined;
}

/** An STE that is not the one that its SMMU has read. */
export interface StaleSte {
  /** gpa of the STE. */
  readonly address: number;
  /** The eight doublewords, as they were read and as they are; what the guest's SMMU does not use is 0. */
  readonly old: readonly bigint[];
  readonly now: readonly bigint[];
  /** The reading itself: a later one is another object. */
  readonly reading: object;
  /** The one that was read is still in use. */
  current(): boolean;
}

/** An STE that its SMMU has read again, for a CFGI. */
export type RereadSte = Pick<StaleSte, 'address' | 'old' | 'now' | 'reading'> & {
  /** The reading before this one. */
  readonly before: object;
};

/** A level-1 descriptor of a guest's stream table that is not the one that its SMMU may have cached. */
export interface StaleLevel1 {
  /** gpa of the descriptor. */
  readonly address: number;
  readonly old: bigint;
  readonly now: bigint;
  /** The reading itself: a later one is another object. */
  readonly reading: object;
  /** No command has taken the one that was read. */
  current(): boolean;
}

/** A command that is shown to the guest as CERROR_ILL. */
export interface RefusedCommand {
  /** "CMDQ", "ECMDQ", "VCMDQ 0". */
  readonly queue: string;
  /** 4 words, read when the error was shown. */
  readonly words: Uint32Array;
  /** It names a StreamID that is not the guest's. */
  readonly stream: boolean;
}

/** The STEs of a guest, for who judges its driver. */
export interface StreamWatch {
  /** How a stream's STE in memory differs from the one that its SMMU has read. */
  stale(virtSid: number): StaleSte | undefined;
  /** How the STE that its SMMU has read differs from the one that it had read before. */
  reread(virtSid: number): RereadSte | undefined;
  /** How the level-1 descriptor of a stream differs from the one that its SMMU may have cached. */
  staleLevel1(virtSid: number): StaleLevel1 | undefined;
  /** The reading that its SMMU uses: a later one is another object. */
  reading(virtSid: number): object | undefined;
}

/** A page that the device behind one of the machine's streams asks for (PCIe PRI). */
export interface PageRequest extends Omit<DmaAttributes, 'atomic'> {
  /** StreamID as the guest numbers it. */
  readonly virtSid: number;
  /** PRGIndex. */
  readonly group: number;
  /** iova of the page. */
  readonly address: number;
  /** For writing; else for reading. */
  readonly write: boolean;
  /** The last one of its group, which the answer is for. Default true. */
  readonly last?: boolean;
}

/** What a vSMMU needs of its host: streams, queues, invalidation and events. docs/device-plugin.md has the contract. */
export interface ViommuBackend {
  /** ID registers of the physical SMMU: what a guest's SMMU shows has to be there. */
  readonly hostIdRegisters: SmmuIdRegisters;
  /**
   * The ID registers that the guest sees, before anything of its SMMU is used. Its CMDQ and ECMDQs refuse in addition what these lack; its
   * VCMDQs, and what the physical SMMU reads itself, follow the physical registers alone.
   */
  showIdRegisters(ids: SmmuIdRegisters): void;
  /** The guest's vCPUs' broadcast TLB maintenance reaches its streams: IDR0.BTM is 1. Default false. */
  readonly btm?: boolean;
  /** The overlay path. Absent: the CMDQ traps. */
  readonly overlay?: OverlayBackend | undefined;
  /** Block of the trapped CMDQ (QUEUE_KIND_GUEST_CMDQ). The device sets its ring, CONS and whether it runs. */
  readonly commandQueue: QueueBlock;
  /**
   * Points the trapped CMDQ's block at a ring in guest memory.
   * @param baseGpa gpa of the ring, already aligned to its size.
   * @returns false when the ring does not lie in RAM: every fetch is then an external abort (CERROR_ABT).
   */
  setCommandRing(baseGpa: number, log2size: number): boolean;
  /**
   * Runs the trapped CMDQ from its private CONS up to the PROD in its registers, substituting VMID and StreamID.
   * @returns QUEUE_STATE: QUEUE_NEEDS_HOST when CONS stands at a command that the device
   *   itself carries out (CFGI_*, PREFETCH_*), QUEUE_ERROR_HELD at a bad one that the
   *   guest is to see; QUEUE_RUNNING at one that it is not, or not yet.
   */
  serveCommandQueue(): number;
  /** Steps over the command at CONS and lets the queue run (`serveCommandQueue` goes on behind it). */
  finishCommand(): void;
  /** Fetch again from CONS, after the guest has acknowledged an error. */
  resumeCommandQueue(): void;
  /**
   * Queues behind the ECMDQs of a vSMMU that advertises any: at least as many. They take
   * what the trapped CMDQ takes.
   */
  readonly enhancedQueues?: readonly GuestCommandQueue[];
  /** StreamIDs of the machine's devices, as the guest numbers them. */
  readonly virtualStreams: readonly number[];
  /**
   * Gives a stream the configuration of a guest STE.
   * @param ste 16 words; of Config 5 the fields that iommufd takes in a vSTE, of Config 4
   *   only V and Config, everything else 0. With V = 0 the guest's SMMU has no valid STE
   *   for the stream: the host installs an invalid STE too, so that each transaction is
   *   refused and recorded as C_BAD_STE, which comes back through `onEvent`. Undefined
   *   makes the stream abort without a record.
   * @returns false when the host does not give a guest what the STE asks for: the stream is attached again with V = 0.
   */
  attachStream(virtSid: number, ste: Uint32Array | undefined): boolean;
  /**
   * CR0.SMMUEN = 0: every stream bypasses stage 1 (`abort` false) or aborts (`abort` true), as GBPA says, and what
   * has stalled ends with an abort. Of many streams all but a few have been given to `attachStream` as such before.
   */
  setGlobalBypass(abort: boolean): void;
  /**
   * CR0.SMMUEN of the guest's SMMU, before the guest can see CR0ACK. While it is 0,
   * ATC_INV on its queues has no effect (IHI 0070 section 4.5.1).
   */
  setSmmuEnabled(enabled: boolean): void;
  /** CFGI_CD and CFGI_CD_ALL of one stream; `ssid` undefined means all. `leaf`: level-1 descriptors may stay. */
  invalidateContextDescriptors(virtSid: number, ssid: number | undefined, leaf?: boolean): void;
  /** Everything that the machine's streams have cached in the TLB (reset). */
  invalidateAll(): void;
  /**
   * For a host that looks for missing CFGI_STE commands (docs/sanitizer.md): `look`
   * compares a stream's STE in the guest's memory with the one that was attached;
   * undefined when they mean the same.
   */
  watchStreams?(streams: StreamWatch): void;
  /** Tells of each command that is refused, before its guest can see the error. */
  watchRefusedCommands?(see: (command: RefusedCommand) => void): void;
  /** Where page requests go. Absent: the host has no PRI. Called at safe points only. */
  onPageRequest?(deliver: (request: PageRequest) => void): void;
  /**
   * Answers every request of this group of a stream that has been delivered; none may be
   * waiting. `resolved`: the page is there now. `pasid` is that of the answer: requests
   * with another one, or with none, are not meant.
   */
  answerPageRequest?(
    virtSid: number,
    group: number,
    resolved: boolean,
    pasid: number | undefined,
  ): void;
  /**
   * For a host whose policy has bad commands of VCMDQs carried out (`emulate`): what the
   * device itself does for a command that a VCMDQ has not, as it does for one on its CMDQ
   * (CFGI_*, PREFETCH_*, PRI_RESP); `from` as in `CommandOutcome`, 0 at first. Called at
   * safe points only.
   */
  onCommand?(carryOut: (words: readonly number[], from: number) => CommandOutcome): void;
  /** Where events of the machine's own streams go, as 8 words with the guest's StreamID. Called at safe points only. */
  onEvent(deliver: (record: Uint32Array) => void): void;
}

/** What a virtual SMMU calls of every backend. */
export const VIOMMU_CALLS = [
  'showIdRegisters',
  'setCommandRing',
  'serveCommandQueue',
  'finishCommand',
  'resumeCommandQueue',
  'attachStream',
  'setGlobalBypass',
  'setSmmuEnabled',
  'invalidateContextDescriptors',
  'invalidateAll',
  'onEvent',
] as const satisfies readonly (keyof ViommuBackend)[];

/** Those that it may have. */
export const VIOMMU_OPTIONAL_CALLS = [
  'watchStreams',
  'watchRefusedCommands',
  'onPageRequest',
  'answerPageRequest',
  'onCommand',
] as const satisfies readonly (keyof ViommuBackend)[];

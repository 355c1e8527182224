// SPDX-License-Identifier: MIT
// What a vSMMU (the SMMUv3 in the guest's role) needs from its host: the host's object
// model, with the interface that the device uses. A host implements it with its physical
// SMMU; docs/device-plugin.md has the contract.

import type { DmaAttributes } from '../plugin/index.ts';
import type { QueueBlock } from '../unit/index.ts';
import type { SmmuIdRegisters } from './id-registers.ts';

/**
 * Progress of the device with a command: executed; refused, because it is not one that
 * the device executes; or unfinished, to be continued by another call with this number.
 */
export type CommandOutcome = 'done' | 'refused' | { readonly next: number };

/**
 * What a command queue needs from the host to map PROD and CONS into its guest: the
 * host's drain then serves the queue.
 */
export interface DirectQueueBackend {
  /** First argument of the guest's doorbell import (assembly/layout/doorbell-id.ts). */
  readonly doorbellId: number;
  /**
   * Allocates the HW queue for the ring.
   * @returns false when there is none for it: the queue then traps.
   */
  allocate(baseGpa: number, log2size: number): boolean;
  /** From now on PROD is at this offset of guest memory, followed by CONS. */
  place(memoryOffset: number, prod: number, cons: number): void;
  /** PROD from where the guest accesses it. */
  readProd(): number;
  /** CONS from where the guest accesses it. */
  readCons(): number;
  /** Stores PROD where the guest accesses it. */
  writeProd(prod: number): void;
  /** Stores CONS where the guest accesses it. */
  writeCons(cons: number): void;
  /** Frees the HW queue: the block is that of a trapped CMDQ again. */
  free(): void;
}

/** The overlay path: the guest's CMDQ is such a queue. */
export interface OverlayBackend extends DirectQueueBackend {
  /**
   * Executes an invalidation that no HW queue accepts, and completes it. False when it is
   * not one.
   */
  emulate(words: readonly number[]): boolean;
}

/**
 * One of a guest's command queues, from its host. The functions are those for the trapped
 * CMDQ in `ViommuBackend`.
 */
export interface GuestCommandQueue {
  readonly block: QueueBlock;
  /** @returns false when the ring is not in RAM. */
  setRing(baseGpa: number, log2size: number): boolean;
  /** @returns QUEUE_STATE. */
  serve(): number;
  /** Advances CONS past the current command. */
  finish(): void;
  /** Lets the queue fetch again from CONS. */
  resume(): void;
  /**
   * Has the drain publish the error that it withholds, in the CONS that the guest
   * accesses. No effect while the registers trap.
   */
  publish(): void;
  /** Maps PROD and CONS into the guest. Absent: they trap. */
  readonly direct?: DirectQueueBackend | undefined;
}

/** An STE that differs from the one that its SMMU has read. */
export interface StaleSte {
  /** gpa of the STE. */
  readonly address: number;
  /**
   * The eight doublewords, as they were read and as they are now; fields that the guest's
   * SMMU does not use are 0.
   */
  readonly old: readonly bigint[];
  readonly now: readonly bigint[];
  /** Identifies the reading: a later one is another object. */
  readonly reading: object;
  /** True while that reading is still in use. */
  current(): boolean;
}

/** An STE that its SMMU has read again, for a CFGI. */
export type RereadSte = Pick<StaleSte, 'address' | 'old' | 'now' | 'reading'> & {
  /** The reading before this one. */
  readonly before: object;
};

/**
 * A level-1 descriptor of a guest's stream table that differs from the one that its SMMU
 * may have cached.
 */
export interface StaleLevel1 {
  /** gpa of the descriptor. */
  readonly address: number;
  readonly old: bigint;
  readonly now: bigint;
  /** Identifies the reading: a later one is another object. */
  readonly reading: object;
  /** True while no command has invalidated that reading. */
  current(): boolean;
}

/** A command that is reported to the guest as CERROR_ILL. */
export interface RefusedCommand {
  /** "CMDQ", "ECMDQ", "VCMDQ 0". */
  readonly queue: string;
  /** 4 words, read when the error was reported. */
  readonly words: Uint32Array;
  /** The command names a StreamID that the guest does not have. */
  readonly stream: boolean;
}

/** The STEs of a guest, for tools that check its driver. */
export interface StreamWatch {
  /** How a stream's STE in memory differs from the one that its SMMU has read. */
  stale(virtSid: number): StaleSte | undefined;
  /** How the STE that its SMMU has read differs from the one read before. */
  reread(virtSid: number): RereadSte | undefined;
  /**
   * How the level-1 descriptor of a stream differs from the one that its SMMU may have
   * cached.
   */
  staleLevel1(virtSid: number): StaleLevel1 | undefined;
  /** The reading that its SMMU uses: a later one is another object. */
  reading(virtSid: number): object | undefined;
}

/** A page that the device of one of the machine's streams requests (PCIe PRI). */
export interface PageRequest extends Omit<DmaAttributes, 'atomic'> {
  /** StreamID as numbered by the guest. */
  readonly virtSid: number;
  /** PRGIndex. */
  readonly group: number;
  /** iova of the page. */
  readonly address: number;
  /** True for writing, false for reading. */
  readonly write: boolean;
  /** The last request of its group, to which the response belongs. Default true. */
  readonly last?: boolean;
}

/**
 * What a vSMMU needs from its host: streams, queues, invalidation and events.
 * docs/device-plugin.md has the contract.
 */
export interface ViommuBackend {
  /** ID registers of the physical SMMU, which limit what a guest's SMMU can show. */
  readonly hostIdRegisters: SmmuIdRegisters;
  /**
   * Sets the ID registers that the guest sees, before any other call. The guest's CMDQ
   * and ECMDQs also refuse commands of features that these lack; its VCMDQs, and the
   * structures that the physical SMMU reads, depend on the physical registers only.
   */
  showIdRegisters(ids: SmmuIdRegisters): void;
  /**
   * Broadcast TLB maintenance of the guest's vCPUs affects its streams: IDR0.BTM is 1.
   * Default false.
   */
  readonly btm?: boolean;
  /** The overlay path. Absent: the CMDQ traps. */
  readonly overlay?: OverlayBackend | undefined;
  /**
   * Block of the trapped CMDQ (QUEUE_KIND_GUEST_CMDQ). The device sets its ring, its CONS
   * and its enable.
   */
  readonly commandQueue: QueueBlock;
  /**
   * Sets the ring of the trapped CMDQ's block, in guest memory.
   * @param baseGpa gpa of the ring, already aligned to its size.
   * @returns false when the ring is not in RAM: every fetch is then an external abort
   *   (CERROR_ABT).
   */
  setCommandRing(baseGpa: number, log2size: number): boolean;
  /**
   * Executes the trapped CMDQ from its private CONS up to the PROD in its registers,
   * substituting VMID and StreamID.
   * @returns QUEUE_STATE: QUEUE_NEEDS_HOST when CONS is at a command that the device
   *   executes (CFGI_*, PREFETCH_*); QUEUE_ERROR_HELD at a bad one that is to be reported
   *   to the guest; QUEUE_RUNNING at one that is not, or not yet.
   */
  serveCommandQueue(): number;
  /**
   * Advances CONS past the current command and lets the queue run (`serveCommandQueue`
   * continues after it).
   */
  finishCommand(): void;
  /** Lets the queue fetch again from CONS, after the guest has acknowledged an error. */
  resumeCommandQueue(): void;
  /**
   * Queues for the ECMDQs of a vSMMU that advertises any: at least as many. They accept
   * what the trapped CMDQ accepts.
   */
  readonly enhancedQueues?: readonly GuestCommandQueue[];
  /** StreamIDs of the machine's devices, as numbered by the guest. */
  readonly virtualStreams: readonly number[];
  /**
   * Gives a stream the configuration of a guest STE.
   * @param ste 16 words: for Config 5 the fields that iommufd accepts in a vSTE, for
   *   Config 4 only V and Config; everything else is 0. With V = 0 the guest's SMMU has
   *   no valid STE for the stream: the host installs an invalid STE too, so that each
   *   transaction is refused and recorded as C_BAD_STE, which is reported through
   *   `onEvent`. Undefined makes the stream abort without a record.
   * @returns false when the host does not grant a guest what the STE requests: the stream
   *   is then attached again with V = 0.
   */
  attachStream(virtSid: number, ste: Uint32Array | undefined): boolean;
  /**
   * CR0.SMMUEN = 0: every stream bypasses stage 1 (`abort` false) or aborts (`abort`
   * true), depending on GBPA, and stalled transactions end with an abort. If there are
   * many streams, all but a few have been configured so by `attachStream` before.
   */
  setGlobalBypass(abort: boolean): void;
  /**
   * CR0.SMMUEN of the guest's SMMU, set before the guest can see CR0ACK. While it is 0,
   * ATC_INV on its queues has no effect (IHI 0070 section 4.5.1).
   */
  setSmmuEnabled(enabled: boolean): void;
  /**
   * CFGI_CD and CFGI_CD_ALL of one stream; `ssid` undefined means all. `leaf`: level-1
   * descriptors may stay cached.
   */
  invalidateContextDescriptors(virtSid: number, ssid: number | undefined, leaf?: boolean): void;
  /** Invalidates all TLB entries of the machine's streams (reset). */
  invalidateAll(): void;
  /**
   * For a host that detects missing CFGI_STE commands (docs/sanitizer.md): `look`
   * compares a stream's STE in the guest's memory with the attached one; undefined when
   * they are equivalent.
   */
  watchStreams?(streams: StreamWatch): void;
  /** `see` is called for each refused command, before the guest can see the error. */
  watchRefusedCommands?(see: (command: RefusedCommand) => void): void;
  /**
   * `deliver` is called with page requests. Absent: the host has no PRI. Called at safe
   * points only.
   */
  onPageRequest?(deliver: (request: PageRequest) => void): void;
  /**
   * Responds to every delivered request of this group of a stream; there need not be any.
   * `resolved`: the page is present now. `pasid` is that of the response: requests with a
   * different PASID, or none, are not affected.
   */
  answerPageRequest?(
    virtSid: number,
    group: number,
    resolved: boolean,
    pasid: number | undefined,
  ): void;
  /**
   * For a host whose policy executes bad commands of VCMDQs (`emulate`): executes a
   * command that a VCMDQ does not support as the device does for its CMDQ (CFGI_*,
   * PREFETCH_*, PRI_RESP); `from` as in `CommandOutcome`, 0 at first. Called at safe
   * points only.
   */
  onCommand?(carryOut: (words: readonly number[], from: number) => CommandOutcome): void;
  /**
   * `deliver` is called with events of the machine's own streams, as 8 words with the
   * guest's StreamID. Called at safe points only.
   */
  onEvent(deliver: (record: Uint32Array) => void): void;
}

/** Functions that a virtual SMMU calls on every backend. */
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

/** Functions that a backend may have. */
export const VIOMMU_OPTIONAL_CALLS = [
  'watchStreams',
  'watchRefusedCommands',
  'onPageRequest',
  'answerPageRequest',
  'onCommand',
] as const satisfies readonly (keyof ViommuBackend)[];

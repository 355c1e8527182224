// SPDX-License-Identifier: MIT
// The exports of a unit's parts to JavaScript, whether the parts are separate modules or
// one (docs/internals/architecture.md, "Units").

import type { ATC_DENIED, ATC_REFUSED, ATS_CA, ATS_SUCCESS, ATS_UR } from './layout/ats-results.ts';
import type {
  TRANSLATE_ABORT,
  TRANSLATE_OK,
  TRANSLATE_RAZWI,
  TRANSLATE_STALLED,
  TRANSLATE_WAIT,
} from './layout/translate-results.ts';

/** TRANSLATE_*. */
export type TranslateResult =
  | typeof TRANSLATE_OK
  | typeof TRANSLATE_ABORT
  | typeof TRANSLATE_RAZWI
  | typeof TRANSLATE_STALLED
  | typeof TRANSLATE_WAIT;

/** ATS_* (of the access's translation request) or ATC_*. */
export type AtcResult =
  | typeof ATS_SUCCESS
  | typeof ATS_UR
  | typeof ATS_CA
  | typeof ATC_DENIED
  | typeof ATC_REFUSED;

/** Exports of the guest port. Offsets are byte offsets in guest memory. */
export interface GuestPortExports {
  /**
   * Offset of `length` bytes at a gpa (low and high word), or NO_OFFSET when they are not
   * in one region.
   */
  resolveGpa(gpaLo: number, gpaHi: number, length: number): number;
}

/**
 * Exports of the SMMU core. `smmu` is the byte offset of an SMMU block in host memory.
 */
export interface SmmuCoreExports {
  /**
   * Registers an access in flight: until `accessEnd` no CMD_SYNC completes for a
   * translation that the access uses.
   */
  accessBegin(): void;
  accessEnd(): void;
  /**
   * Translates one byte's address for an access within its page. `ssid` is ACCESS_NO_SSID
   * for none; `attributes` is a sum of ACCESS_*. The results are in the thread block
   * (THREAD_PA, THREAD_PA_SIZE, THREAD_EVENT), which `Unit.translate` reads for its
   * callers.
   * @returns TRANSLATE_*; after TRANSLATE_STALLED poll `stallAnswer`.
   */
  translate(
    smmu: number,
    sid: number,
    ssid: number,
    iovaLo: number,
    iovaHi: number,
    attributes: number,
  ): TranslateResult;
  /**
   * Translates an access of `length` bytes, which begins within a page and continues in
   * the next ones, inside one registered access. The locations of the bytes are in the
   * thread's segment block, which `Unit.segments` reads for its callers.
   * @returns TRANSLATE_OK, even if the segments had room for only a part; otherwise the
   *   result for the first byte after the segments.
   */
  translateSegments(
    smmu: number,
    sid: number,
    ssid: number,
    iovaLo: number,
    iovaHi: number,
    attributes: number,
    length: number,
  ): TranslateResult;
  /**
   * The state of a stalled transaction: STALL_WAITING, or once STALL_RETRY (translate
   * again), STALL_ABORT or STALL_RAZWI. STALL_RETRY for a transaction that the SMMU does
   * not know, or no longer knows.
   */
  stallAnswer(smmu: number, sid: number, stag: number): number;
  /**
   * The endpoint gives up a stalled transaction. Its STAG stays in use until software has
   * answered.
   */
  stallAbandon(smmu: number, sid: number, stag: number): void;
  /**
   * Frees every entry of a StreamID, answered or not: its endpoint has been removed, and
   * so has the software that would answer.
   */
  stallForget(smmu: number, sid: number): void;
  /**
   * An ATS Translation Request (IHI 0070 section 3.9.1.2), with the arguments of
   * `translate`; ACCESS_WRITE: No-Write is clear.
   * @returns ATS_SUCCESS, ATS_UR or ATS_CA; the bits from ATS_GRANTED_SHIFT on are the
   *   granted permissions, 0 for a denial. The translated block is in THREAD_PA and
   *   THREAD_PA_SIZE; any event has been recorded.
   */
  translationRequest(
    smmu: number,
    sid: number,
    ssid: number,
    iovaLo: number,
    iovaHi: number,
    attributes: number,
  ): number;
  /**
   * Makes one access of the endpoint at a port (`atcSetMode`), through its ATC; for one
   * thread at a time, inside a registered access. `ssid` is its PASID, ACCESS_NO_SSID for
   * none, in which case privilege and execution do not apply.
   * @returns ATS_SUCCESS with the address in THREAD_PA and THREAD_PA_SIZE, ATS_UR or
   *   ATS_CA (its translation request), ATC_DENIED, or ATC_REFUSED (the translated
   *   transaction, or every transaction of an isolated endpoint).
   */
  atcAccess(
    smmu: number,
    port: number,
    sid: number,
    ssid: number,
    iovaLo: number,
    iovaHi: number,
    attributes: number,
  ): AtcResult;
  /**
   * Sets the ATS mode of a StreamID's endpoint, ATC_*, and empties its ATC. Returns its
   * port, ATC_NO_PORT when none is free.
   */
  atcSetMode(smmu: number, sid: number, mode: number): number;
  /**
   * A Page Request of a stream's endpoint for one page, with this PRGIndex. `ssid` is its
   * PASID, ACCESS_NO_SSID for none; without ACCESS_MORE it is the last of its group.
   * @returns PRG_WAITING, or the SMMU's own response: PRG_SUCCESS (overflow: ask again)
   *   or PRG_FAILURE.
   */
  pageRequest(
    smmu: number,
    sid: number,
    ssid: number,
    iovaLo: number,
    iovaHi: number,
    attributes: number,
    group: number,
  ): number;
  /**
   * A hint of a stream's device that it will access that many pages of 4 KiB, 1 to 255,
   * from an address on; `attributes` as for `translate`. Records E_PAGE_REQUEST if the
   * stream is translated.
   */
  pageHint(
    smmu: number,
    sid: number,
    ssid: number,
    iovaLo: number,
    iovaHi: number,
    attributes: number,
    pages: number,
  ): void;
  /** Frees the port of a StreamID, whose endpoint has been removed. */
  atcForget(smmu: number, sid: number): void;
}

/**
 * Exports of the VCMDQ drain. `queue` is a queue block index, `context` a command context
 * index.
 */
export interface VcmdqDrainExports {
  /**
   * The guest's doorbell import: serves the VCMDQ whose page-0 slot contains `offset`.
   * `id` has the format of assembly/layout/doorbell-id.ts; an id of another machine has
   * no effect.
   */
  doorbell(id: number, offset: number): void;
  /**
   * The guest's `tlbi` import: a vCPU's broadcast TLBI, applied to the SMMUs that take
   * part, for the VMID assigned to the VM's vCPUs. `operation` is ABI_TLBI_*.
   */
  tlbi(operation: number, asid: number, va: bigint): void;
  /**
   * The guest's `dsb` import. Poll: pass 0n first, then the ticket that the last call
   * returned, until it returns 0n. Every access that began before the first call has then
   * ended.
   */
  dsb(before: bigint): bigint;
  /** Serves one queue within its budget. Returns QUEUE_STATE. */
  serve(smmu: number, queue: number): number;
  /**
   * Serves every VCMDQ of a context once, within a bound of work. If some remain it calls
   * the host, and the next call starts with these. Returns the work done: 1 for each
   * command, more for commands that visit many entries.
   */
  serveContext(smmu: number, context: number): number;
  /**
   * The side core's loop: polls the VCMDQs of a context `looks` times, most often the one
   * that had work last, and serves those that have work. Returns the work done, like
   * `serveContext`, or WATCH_NO_COMMAND. Returns early after much work, and when
   * something needs the host.
   */
  watch(smmu: number, context: number, looks: number): number;
  /**
   * Serves the queues that are parked at a CMD_SYNC; returns how many are still parked.
   */
  serveParked(smmu: number): number;
  /**
   * Publishes a held error: CONS.ERR, CONS.RD, GERROR (for an ECMDQ, ERR and ERR_REASON
   * in CONS). This, `stepOver` and `resume` return QUEUE_ACQUIRED, or QUEUE_BUSY when
   * another thread owns the queue.
   */
  publishError(smmu: number, queue: number): number;
  /**
   * Skips the command that the queue is stopped at, by a held error or for emulation, and
   * lets the queue run; call `serve` to continue.
   */
  stepOver(smmu: number, queue: number): number;
  /** Lets a stopped queue fetch again from CONS; call `serve` to continue. */
  resume(smmu: number, queue: number): number;
  /** Releases what a dead thread (block index) owned. */
  reapThread(smmu: number, thread: number): void;
}

/**
 * Exports of the AMD IOMMU. `iommu` is the byte offset of its block in host memory,
 * `guest` a GuestID (0: the host). `pageRequest` ignores ACCESS_MORE: each request is a
 * group of its own.
 */
export interface AmdIommuExports
  extends Pick<
    SmmuCoreExports,
    'accessBegin' | 'accessEnd' | 'atcForget' | 'atcSetMode' | 'pageRequest'
  > {
  /**
   * Translates one byte's address for an access within its page. `pasid` is
   * ACCESS_NO_SSID for none; `attributes` is 0 or ACCESS_WRITE, with ACCESS_ATS_REQUEST
   * for a translation request. The results are in the thread block.
   * @returns TRANSLATE_OK or TRANSLATE_ABORT (refused; the event has been logged, unless
   *   it is a page fault of a translation request).
   */
  translate(
    iommu: number,
    device: number,
    pasid: number,
    iovaLo: number,
    iovaHi: number,
    attributes: number,
  ): TranslateResult;
  /**
   * The guest's doorbell import: serves the command buffer of a GuestID whose tail has
   * been stored. A GuestID of another machine has no effect.
   */
  doorbell(guest: number, offset: number): void;
  /** Serves a command buffer within its budget. Returns QUEUE_STATE. */
  serve(iommu: number, guest: number): number;
  /**
   * Serves the command buffers that are parked at a COMPLETION_WAIT; returns how many are
   * still parked.
   */
  serveParked(iommu: number): number;
  /**
   * Skips the command that the host has executed. Returns QUEUE_ACQUIRED, or QUEUE_BUSY
   * when another thread owns the buffer.
   */
  stepOver(iommu: number, guest: number): number;
  /** Releases what a dead thread (block index) owned. */
  reapThread(iommu: number, thread: number): void;
}

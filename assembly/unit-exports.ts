// SPDX-License-Identifier: MIT
// What the parts of a unit export to JavaScript, whether they are modules of their own or one
// (docs/internals/architecture.md, "Units").

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
   * Offset of `length` bytes at a gpa (low and high word), or NO_OFFSET when they do not
   * lie in one region.
   */
  resolveGpa(gpaLo: number, gpaHi: number, length: number): number;
}

/** Exports of the SMMU core. `smmu` is the byte offset of an SMMU block in host memory. */
export interface SmmuCoreExports {
  /** Registers an access in flight: from here to `accessEnd` no CMD_SYNC passes a translation that the access uses. */
  accessBegin(): void;
  accessEnd(): void;
  /**
   * Translates one byte's address for an access within its page. `ssid` is ACCESS_NO_SSID
   * for none; `attributes` is a sum of ACCESS_*. Results stand in the thread block
   * (THREAD_PA, THREAD_PA_SIZE, THREAD_EVENT), which `Unit.translate` reads for its
   * callers.
   * @returns TRANSLATE_*; after TRANSLATE_STALLED ask `stallAnswer`.
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
   * The same for an access of `length` bytes, which begins within a page and goes on in the next
   * ones, inside one registered access. Where the bytes lie stands in the thread's segment
   * block, which `Unit.segments` reads for its callers.
   * @returns TRANSLATE_OK, though no more may have been translated than there is room for; else what
   *   has become of the first byte behind the segments.
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
   * What has become of a stalled transaction: STALL_WAITING, or once STALL_RETRY
   * (translate again), STALL_ABORT or STALL_RAZWI. A transaction that the SMMU does not
   * know (any more) is to be translated again.
   */
  stallAnswer(smmu: number, sid: number, stag: number): number;
  /**
   * The endpoint does not wait for a stalled transaction any more. Its STAG stays in use
   * until software has answered.
   */
  stallAbandon(smmu: number, sid: number, stag: number): void;
  /** Frees every entry of a StreamID, answered or not: its endpoint is gone, and so is the software behind it. */
  stallForget(smmu: number, sid: number): void;
  /**
   * An ATS Translation Request (IHI 0070 section 3.9.1.2), with the arguments of
   * `translate`; ACCESS_WRITE: No-Write is clear.
   * @returns ATS_SUCCESS, ATS_UR or ATS_CA; from bit ATS_GRANTED_SHIFT on what is
   *   granted, 0 for a denial. The translated block stands in THREAD_PA and
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
   * One access of the endpoint at a port (`atcSetMode`), through its ATC; for one thread
   * at a time, inside a registered access. `ssid` is its PASID, ACCESS_NO_SSID for none:
   * it has neither privilege nor execution then.
   * @returns ATS_SUCCESS with the address in THREAD_PA and THREAD_PA_SIZE, ATS_UR or
   *   ATS_CA (its translation request), ATC_DENIED, or ATC_REFUSED (the translated
   *   transaction, or all of an isolated endpoint).
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
   * Switches the ATS of a StreamID's endpoint, ATC_*; its ATC is empty then. Returns its
   * port, ATC_NO_PORT when all are taken.
   */
  atcSetMode(smmu: number, sid: number, mode: number): number;
  /**
   * A Page Request of a stream's endpoint: one page, a group of its own with this
   * PRGIndex; `ssid` is its PASID, ACCESS_NO_SSID for none.
   * @returns PRG_WAITING, or the SMMU's own answer: PRG_SUCCESS (overflow: ask again) or PRG_FAILURE.
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
   * A hint of a stream's device that it will access so many pages of 4 KiB, 1 to 255, from
   * an address on; `attributes` as `translate`. E_PAGE_REQUEST comes of it where the stream is translated.
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
  /** The endpoint of a StreamID is gone: its port is free. */
  atcForget(smmu: number, sid: number): void;
}

/** Exports of the VCMDQ drain. `queue` is a queue block index, `context` a command context index. */
export interface VcmdqDrainExports {
  /**
   * The guest's doorbell import: serves the VCMDQ whose page-0 slot holds `offset`. `id`
   * is packed as assembly/layout/doorbell-id.ts says; an id that is not the machine's own
   * has no effect.
   */
  doorbell(id: number, offset: number): void;
  /**
   * The guest's `tlbi` import: a vCPU's broadcast TLBI, as it reaches the SMMUs that take
   * part, for the VMID that the VM's vCPUs run under. `operation` is ABI_TLBI_*.
   */
  tlbi(operation: number, asid: number, va: bigint): void;
  /**
   * The guest's `dsb` import: 0 when no access is left that began before the first call,
   * made with 0; else what to call it with again.
   */
  dsb(before: bigint): bigint;
  /** Serves one queue within its budget. Returns QUEUE_STATE. */
  serve(smmu: number, queue: number): number;
  /**
   * Serves every VCMDQ of a context once, as far as a bound of work allows; what is left
   * calls for the host, and the next call begins there. Returns the work done: 1 for each
   * command, more for those that visit many entries.
   */
  serveContext(smmu: number, context: number): number;
  /**
   * The side core's loop: looks at the VCMDQs of a context `looks` times, most often at
   * the one that had work last, and serves those that have something to do. Returns the
   * work done, as `serveContext`, or WATCH_NO_COMMAND; early when there was much, and
   * when something needs the host.
   */
  watch(smmu: number, context: number, looks: number): number;
  /** Runs the queues that are parked at a CMD_SYNC again; returns how many are still parked. */
  serveParked(smmu: number): number;
  /**
   * Publishes a held error: CONS.ERR, CONS.RD, GERROR (of an ECMDQ ERR and ERR_REASON in CONS).
   * This, `stepOver` and `resume` return QUEUE_ACQUIRED, or QUEUE_BUSY when another thread has
   * the queue.
   */
  publishError(smmu: number, queue: number): number;
  /**
   * Steps over the command that a held error or an emulation stopped at, and lets the queue run;
   * `serve` goes on.
   */
  stepOver(smmu: number, queue: number): number;
  /** Lets a stopped queue fetch again from CONS; `serve` goes on. */
  resume(smmu: number, queue: number): number;
  /** Gives back what a dead thread (block index) owned. */
  reapThread(smmu: number, thread: number): void;
}

/**
 * Exports of the AMD IOMMU. `iommu` is the byte offset of its block in host memory,
 * `guest` a GuestID (0: the host). `pageRequest` ignores ACCESS_MORE: each is a group of its own.
 */
export interface AmdIommuExports
  extends Pick<
    SmmuCoreExports,
    'accessBegin' | 'accessEnd' | 'atcForget' | 'atcSetMode' | 'pageRequest'
  > {
  /**
   * Translates one byte's address for an access within its page. `pasid` is
   * ACCESS_NO_SSID for none; `attributes` is 0 or ACCESS_WRITE, with ACCESS_ATS_REQUEST
   * for a translation request. Results stand in the thread block.
   * @returns TRANSLATE_OK or TRANSLATE_ABORT (refused; the event has been logged, but for a page
   *   fault of a translation request).
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
   * been stored. One that is not the machine's own has no effect.
   */
  doorbell(guest: number, offset: number): void;
  /** Serves a command buffer within its budget. Returns QUEUE_STATE. */
  serve(iommu: number, guest: number): number;
  /** Runs the command buffers that are parked at a COMPLETION_WAIT again; returns how many are still parked. */
  serveParked(iommu: number): number;
  /**
   * Steps over the command that the host has carried out. Returns QUEUE_ACQUIRED, or
   * QUEUE_BUSY when another thread has the buffer.
   */
  stepOver(iommu: number, guest: number): number;
  /** Gives back what a dead thread (block index) owned. */
  reapThread(iommu: number, thread: number): void;
}

// SPDX-License-Identifier: MIT
// Event queues that user space reads as files: events for a vIOMMU's guest, and faults
// that need an answer (drivers/iommu/iommufd/eventq.c).

import { joinBytes } from '../../devices/plugin/join-bytes.ts';
import type { FaultSink, IommuDevice, PageFault } from './driver.ts';
import type { ResourceGate } from './gate.ts';
import { require } from './iommufd-error.ts';
import { IommufdObject } from './object.ts';

/** struct iommufd_vevent_header: flags, sequence. */
export const VEVENT_HEADER_SIZE = 8;
/**
 * The record represents events that were lost because the queue was full; it has no
 * payload.
 */
export const VEVENT_FLAG_LOST = 1;
/** Sequence numbers have 31 bits. */
const SEQUENCE_MASK = 0x7fffffff;
/** struct iommu_hwpt_pgfault and its answer. */
export const PGFAULT_SIZE = 40;
/** Bytes of `struct iommu_hwpt_page_response`. */
export const PGFAULT_ANSWER_SIZE = 8;

/** IOMMUFD_PAGE_RESP_INVALID: the fault could not be resolved. */
const PAGE_RESP_INVALID = 1;

/** What both kinds of files have in common. */
abstract class EventFile extends IommufdObject {
  /** True while the file is open; an open file is a user of the queue. */
  #open = true;
  /** Called when something new can be read (poll). */
  onReadable: (() => void) | undefined;

  constructor() {
    super();
    this.users++;
  }

  /**
   * Closes the file, which is then no longer a user of the queue. The queue keeps its
   * contents.
   */
  closeFile(): void {
    if (!this.#open) return;
    this.#open = false;
    this.users--;
  }

  /** Reports something new to read, while the file is open. */
  protected wake(): void {
    if (this.#open) this.onReadable?.();
  }

  /** @throws {IommufdError} EBADF when the file is closed. */
  protected checkOpen(): void {
    require(this.#open, 'EBADF', 'the event queue is closed');
  }

  /** True when a read would return something. */
  abstract get readable(): boolean;
}

/** The vIOMMU of a vEVENTQ; it has at most one for each type of events. */
export interface VeventqOwner extends IommufdObject {
  readonly eventQueues: Map<number, Veventq>;
}

/** vEVENTQ: events of one type, in the guest's numbering. */
export class Veventq extends EventFile {
  readonly type = 'VEVENTQ';
  readonly viommu: VeventqOwner;
  readonly eventType: number;
  readonly depth: number;
  readonly #gate: ResourceGate;
  #events: { readonly sequence: number; readonly payload: Uint8Array }[] = [];
  /**
   * Sequence number of the record that reports lost events, while it is queued. It is
   * always the last record.
   */
  #lost: number | undefined;
  #sequence = 0;

  constructor(viommu: VeventqOwner, eventType: number, depth: number, gate: ResourceGate) {
    super();
    gate('allocation', 'vEVENTQ');
    this.viommu = viommu;
    this.eventType = eventType;
    this.depth = depth;
    this.#gate = gate;
    viommu.eventQueues.set(eventType, this);
    this.keep(viommu);
  }

  get readable(): boolean {
    return this.#events.length > 0 || this.#lost !== undefined;
  }

  /**
   * Queues an event of the hardware. An event for which there is no room, or no memory,
   * is lost but still takes a sequence number.
   */
  report(payload: Uint8Array): void {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) & SEQUENCE_MASK;
    if (this.#events.length >= this.depth || !this.#allocated()) {
      this.#lost = sequence;
    } else {
      this.#lost = undefined;
      this.#events.push({ sequence, payload: payload.slice() });
    }
    this.wake();
  }

  #allocated(): boolean {
    try {
      this.#gate('allocation', 'vEVENT');
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Removes and returns as many whole records as fit: {u32 flags, u32 sequence}, then the
   * payload.
   * @param bytes maximum number of bytes to return.
   * @throws {IommufdError} EINVAL when the first queued record does not fit.
   */
  read(bytes: number): Uint8Array {
    this.checkOpen();
    require(bytes >= VEVENT_HEADER_SIZE, 'EINVAL', 'a read needs room for a header');
    this.#gate('memory access', 'vEVENTs');
    const records: Uint8Array[] = [];
    let room = bytes;
    for (
      let next = this.#events[0];
      next && VEVENT_HEADER_SIZE + next.payload.length <= room;
      next = this.#events[0]
    ) {
      records.push(record(0, next.sequence, next.payload));
      room -= VEVENT_HEADER_SIZE + next.payload.length;
      this.#events.shift();
    }
    if (this.#lost !== undefined && this.#events.length === 0 && room >= VEVENT_HEADER_SIZE) {
      records.push(record(VEVENT_FLAG_LOST, this.#lost, new Uint8Array()));
      this.#lost = undefined;
    }
    require(records.length > 0 || !this.readable, 'EINVAL', 'the first event is longer');
    return joinBytes(records);
  }

  protected release(): void {
    this.viommu.eventQueues.delete(this.eventType);
    this.#events = [];
  }

  override describe(): Readonly<Record<string, string | number>> {
    return {
      eventType: this.eventType,
      depth: this.depth,
      waiting: this.#events.length,
      sequence: this.#sequence,
    };
  }
}

function record(flags: number, sequence: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(VEVENT_HEADER_SIZE + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, flags, true);
  view.setUint32(4, sequence, true);
  bytes.set(payload, VEVENT_HEADER_SIZE);
  return bytes;
}

/** A vIOMMU with its own FAULT object: HWPTs on it need not name one. */
export interface FaultQueueOwner extends IommufdObject {
  faultQueue: FaultQueue | undefined;
}

/** A group of faults without an answer. */
interface Unanswered {
  readonly answer: (code: number) => void;
  readonly device: IommuDevice;
}

/**
 * FAULT: page faults of the devices attached to its HWPTs. A cookie identifies each group
 * when it is answered. Groups without an answer stay pending for as long as the object
 * exists, whether its file is open or not.
 */
export class FaultQueue extends EventFile {
  readonly type = 'FAULT';
  /** The sink that drivers report to. */
  readonly sink: FaultSink = (faults, answer, device) => this.report(faults, answer, device);
  readonly #gate: ResourceGate;
  readonly #viommu: FaultQueueOwner | undefined;
  #waiting: (Unanswered & { readonly faults: readonly PageFault[] })[] = [];
  readonly #unanswered = new Map<number, Unanswered>();

  constructor(gate: ResourceGate, viommu: FaultQueueOwner | undefined) {
    super();
    gate('allocation', 'fault queue');
    this.#gate = gate;
    this.#viommu = viommu;
    if (!viommu) return;
    viommu.faultQueue = this;
    this.keep(viommu);
  }

  get readable(): boolean {
    return this.#waiting.length > 0;
  }

  /** Queues a group of faults of the hardware. */
  report(
    faults: readonly PageFault[],
    answer: (code: number) => void,
    device: IommuDevice,
  ): boolean {
    this.#gate('allocation', 'page fault');
    this.#waiting.push({ faults, answer, device });
    this.wake();
    return true;
  }

  /**
   * Removes and returns as many queued groups as fit whole: a record of 40 bytes for each
   * fault, with one cookie for the group.
   * @throws {IommufdError} ESPIPE when `bytes` is not a multiple of that, EINVAL when the
   *   first group does not fit.
   */
  read(bytes: number): Uint8Array {
    this.checkOpen();
    require(bytes % PGFAULT_SIZE === 0, 'ESPIPE', `a fault has ${PGFAULT_SIZE} bytes`);
    this.#gate('memory access', 'page faults');
    const records: Uint8Array[] = [];
    let room = bytes / PGFAULT_SIZE;
    for (let next = this.#waiting[0]; next && next.faults.length <= room; next = this.#waiting[0]) {
      let cookie = 1;
      while (this.#unanswered.has(cookie)) cookie++;
      this.#unanswered.set(cookie, next);
      for (const fault of next.faults) records.push(pgfault(fault, cookie));
      room -= next.faults.length;
      this.#waiting.shift();
    }
    require(records.length > 0 || !this.readable, 'EINVAL', 'the first group is longer');
    return joinBytes(records);
  }

  /**
   * Answers groups of faults: {u32 cookie, u32 code} each; code 0 means resolved, 1 not
   * resolved. Processing stops at the first invalid answer.
   * @returns bytes of the answers that were accepted.
   * @throws {IommufdError} ESPIPE when the length is not a multiple of an answer's;
   *   EINVAL when the first answer has an unknown code or cookie.
   */
  write(answers: Uint8Array): number {
    this.checkOpen();
    require(answers.length % PGFAULT_ANSWER_SIZE ===
      0, 'ESPIPE', `an answer has ${PGFAULT_ANSWER_SIZE} bytes`);
    const view = new DataView(answers.buffer, answers.byteOffset, answers.byteLength);
    for (let at = 0; at < answers.length; at += PGFAULT_ANSWER_SIZE) {
      const [cookie, code] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
      const asked = code <= PAGE_RESP_INVALID ? this.#unanswered.get(cookie) : undefined;
      if (!asked) {
        require(at > 0, 'EINVAL', `the cookie ${cookie} or the answer ${code} is unknown`);
        return at;
      }
      this.#unanswered.delete(cookie);
      asked.answer(code);
    }
    return answers.length;
  }

  /**
   * Ends the faults of a device that is no longer attached here: it answers all of them,
   * whether read or not, as not resolved, and invalidates their cookies
   * (iommufd_auto_response_faults).
   */
  answerFor(device: IommuDevice): void {
    const read = [...this.#unanswered].filter(([, asked]) => asked.device === device);
    for (const [cookie] of read) this.#unanswered.delete(cookie);
    const unread = this.#waiting.filter((asked) => asked.device === device);
    this.#waiting = this.#waiting.filter((asked) => asked.device !== device);
    for (const { answer } of [...unread, ...read.map(([, asked]) => asked)])
      answer(PAGE_RESP_INVALID);
  }

  /** Answers all pending faults as not resolved (iommufd_fault_destroy). */
  protected release(): void {
    if (this.#viommu) this.#viommu.faultQueue = undefined;
    for (const { answer } of this.#waiting.splice(0)) answer(PAGE_RESP_INVALID);
    for (const { answer } of this.#unanswered.values()) answer(PAGE_RESP_INVALID);
    this.#unanswered.clear();
  }

  override describe(): Readonly<Record<string, string | number>> {
    return { waiting: this.#waiting.length, unanswered: this.#unanswered.size };
  }
}

/** struct iommu_hwpt_pgfault. */
function pgfault(fault: PageFault, cookie: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(PGFAULT_SIZE));
  [fault.flags, fault.deviceId, fault.pasid, fault.group, fault.permission, 0].forEach(
    (word, i) => {
      view.setUint32(4 * i, word, true);
    },
  );
  view.setBigUint64(24, fault.address, true);
  view.setUint32(32, fault.length, true);
  view.setUint32(36, cookie, true);
  return new Uint8Array(view.buffer);
}

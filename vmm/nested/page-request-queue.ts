// SPDX-License-Identifier: MIT
// The VMM's side of a device's page requests: a fault queue of its iommufd, whose cookies
// identify the groups to which its guest responds.

import type { PageRequest } from '../../devices/smmuv3/index.ts';
import {
  type FaultQueue,
  type Iommufd,
  PGFAULT_ANSWER_SIZE,
  PGFAULT_EXEC,
  PGFAULT_GROUP_MOST,
  PGFAULT_LAST_PAGE,
  PGFAULT_PASID_VALID,
  PGFAULT_PRIV,
  PGFAULT_SIZE,
  PGFAULT_WRITE,
} from '../../host/iommufd/index.ts';

const RESOLVED = 0;
const NOT_RESOLVED = 1;

export class PageRequests {
  /** Identifies the queue when the device is attached. */
  readonly sink: { readonly fault: number };
  readonly #file: FaultQueue;
  readonly #virtSid: number;
  readonly #deliver: (request: PageRequest) => void;
  /** Unanswered groups by PRGIndex. */
  readonly #waiting = new Map<
    number,
    { readonly cookie: number; readonly pasid: number | undefined }
  >();

  constructor(fd: Iommufd, virtSid: number, deliver: (request: PageRequest) => void) {
    const { id, file } = fd.faultQueueAlloc();
    this.sink = { fault: id };
    this.#file = file;
    this.#virtSid = virtSid;
    this.#deliver = deliver;
    file.onReadable = () => this.#take(file.read(PGFAULT_GROUP_MOST * PGFAULT_SIZE));
  }

  /** Adds faults, each a struct iommu_hwpt_pgfault. */
  #take(faults: Uint8Array): void {
    const view = new DataView(faults.buffer, faults.byteOffset, faults.byteLength);
    let first = true;
    for (let at = 0; at < faults.length; at += PGFAULT_SIZE) {
      const flags = view.getUint32(at, true);
      const last = (flags & PGFAULT_LAST_PAGE) !== 0;
      const group = view.getUint32(at + 12, true);
      // A device that uses an index again has abandoned the former group.
      if (first) this.#respond(group, false);
      first = last;
      const hasPasid = (flags & PGFAULT_PASID_VALID) !== 0;
      const pasid = hasPasid ? view.getUint32(at + 8, true) : undefined;
      this.#waiting.set(group, { cookie: view.getUint32(at + 36, true), pasid });
      const permission = view.getUint32(at + 16, true);
      this.#deliver({
        virtSid: this.#virtSid,
        group,
        address: Number(view.getBigUint64(at + 24, true)),
        write: (permission & PGFAULT_WRITE) !== 0,
        last,
        ...(pasid === undefined
          ? {}
          : {
              pasid,
              privileged: (permission & PGFAULT_PRIV) !== 0,
              instruction: (permission & PGFAULT_EXEC) !== 0,
            }),
      });
    }
  }

  /** Responds to a group, if it waits and its requests have this PASID. */
  answer(group: number, resolved: boolean, pasid: number | undefined): void {
    if (this.#waiting.get(group)?.pasid === pasid) this.#respond(group, resolved);
  }

  /**
   * The device is attached to another HWPT: the kernel responds to waiting groups, and
   * their cookies will identify other faults.
   */
  forget(): void {
    this.#waiting.clear();
  }

  #respond(group: number, resolved: boolean): void {
    const cookie = this.#waiting.get(group)?.cookie;
    if (cookie === undefined) return;
    this.#waiting.delete(group);
    const answer = new DataView(new ArrayBuffer(PGFAULT_ANSWER_SIZE));
    answer.setUint32(0, cookie, true);
    answer.setUint32(4, resolved ? RESOLVED : NOT_RESOLVED, true);
    this.#file.write(new Uint8Array(answer.buffer));
  }
}

// SPDX-License-Identifier: MIT
// A bus master's access to memory with a VT-d IOMMU: through its device TLB when it has
// ATS, which requests pages that it is denied (PRI); otherwise by untranslated requests.

import type { AtsCapability, DmaAttributes, DmaPort, DmaResult } from '../plugin/index.ts';
import { NO_ATS } from '../plugin/no-ats.ts';
import type { PhysicalVtd, VtdMemory } from './physical-vtd.ts';

const PAGE = 4096;

/** A page that a device requests. */
export interface VtdPage {
  readonly address: bigint;
  readonly write: boolean;
}

/** A group of page requests of a device. */
export interface VtdPageRequest {
  /** At least one. */
  readonly pages: readonly VtdPage[];
  /** Responds to all of them: the pages are present, or they will not be. */
  answer(resolved: boolean): void;
}

export interface VtdDmaPortOptions {
  readonly iommu: PhysicalVtd;
  readonly memory: VtdMemory;
  /** Requester ID on the host's bus, and in the guest's numbering. */
  readonly sourceId: number;
  readonly virtId: number;
  /** Accepts a group of page requests. False when there will be no response. */
  pageRequest(request: VtdPageRequest): boolean;
}

export class VtdDmaPort implements DmaPort {
  readonly streamId: number;
  readonly ats: AtsCapability;
  readonly #options: VtdDmaPortOptions;
  #settings = NO_ATS;
  /** The pending page request: the page, and its response. */
  #asked: { readonly page: bigint; resolved: boolean | undefined } | undefined;

  constructor(options: VtdDmaPortOptions) {
    const { iommu, sourceId, virtId } = options;
    this.#options = options;
    this.streamId = virtId;
    const settings = () => this.#settings;
    this.ats = {
      get settings() {
        return settings();
      },
      configure: (wanted) => {
        iommu.resetDevice(sourceId);
        this.#asked = undefined;
        // An endpoint that does not respond cannot exist here, where each invalidation
        // completes at once.
        this.#settings = wanted.enabled ? { ...wanted, silent: false } : NO_ATS;
      },
    };
  }

  read(iova: number, target: Uint8Array, attributes?: DmaAttributes): DmaResult {
    return this.#transfer(iova, target, false, attributes);
  }

  write(iova: number, source: Uint8Array, attributes?: DmaAttributes): DmaResult {
    return this.#transfer(iova, source, true, attributes);
  }

  #transfer(
    iova: number,
    bytes: Uint8Array,
    write: boolean,
    attributes: DmaAttributes | undefined,
  ): DmaResult {
    // Requests with a PASID use another PASID table entry, which no guest here has.
    // Atomic operations are not supported either.
    if (attributes?.pasid !== undefined || (write && attributes?.atomic))
      return { ok: false, done: 0 };
    let done = 0;
    while (done < bytes.length) {
      const at = iova + done;
      const inPage = bytes.subarray(done, done + PAGE - (at % PAGE));
      const pa = this.#translate(BigInt(at), write);
      if (pa === 'stalled') return { ok: false, done, stalled: true };
      const memory = pa === undefined ? undefined : this.#options.memory.bytes(pa, inPage.length);
      if (!memory) return { ok: false, done };
      if (write) memory.set(inPage);
      else inPage.set(memory);
      done += inPage.length;
    }
    return { ok: true, done };
  }

  #translate(iova: bigint, write: boolean): number | 'stalled' | undefined {
    const { iommu, sourceId } = this.#options;
    if (!this.#settings.enabled) {
      const walked = iommu.translate(sourceId, iova, write);
      return walked && Number(walked.address);
    }
    const walked = iommu.translateByDevice(sourceId, iova, write);
    if (walked) return Number(walked.address);
    return this.#settings.pageRequests ? this.#ask(iova, write) : undefined;
  }

  /**
   * One request at a time. If the page is not there after the response, it is requested
   * again.
   */
  #ask(iova: bigint, write: boolean): 'stalled' | undefined {
    const page = iova & ~BigInt(PAGE - 1);
    const before = this.#asked;
    if (before?.page === page && before.resolved !== true) {
      if (before.resolved === undefined) return 'stalled';
      this.#asked = undefined;
      return undefined;
    }
    const asked: { readonly page: bigint; resolved: boolean | undefined } = {
      page,
      resolved: undefined,
    };
    this.#asked = asked;
    const taken = this.#options.pageRequest({
      pages: [{ address: page, write }],
      answer: (resolved) => {
        asked.resolved = resolved;
      },
    });
    if (taken) return 'stalled';
    this.#asked = undefined;
    return undefined;
  }

  /**
   * Requests several pages in one group, before they are used.
   * @param answer called with the one response.
   * @returns false when there will be no response: the device has no PRI, or its IOMMU
   *   does not.
   */
  requestPages(pages: readonly VtdPage[], answer: (resolved: boolean) => void): boolean {
    if (!this.#settings.pageRequests || pages.length === 0) return false;
    return this.#options.pageRequest({ pages, answer });
  }

  /** Drops the waiting access. */
  abandon(): void {
    this.#asked = undefined;
  }
}

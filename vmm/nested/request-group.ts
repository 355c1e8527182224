// SPDX-License-Identifier: MIT
// The current page request of an endpoint (PCIe PRI): one at a time, each its own group.
// Its state is in host memory, where the responding command finds it.

import {
  ATC_PORT_GROUP,
  ATC_PORT_GROUP_PASID,
  ATC_PORT_STRIDE,
  ATC_PORT_UNEXPECTED,
  PRG_FAILURE,
  PRG_NONE,
  PRG_STATE_SHIFT,
  PRG_SUCCESS,
  PRG_WAITING,
  SMMU_AT_ATC,
} from '../../assembly/layout/ats-memory.ts';
import { ATC_NO_PORT } from '../../assembly/layout/ats-results.ts';
import { TRANSLATE_ABORT, TRANSLATE_WAIT } from '../../assembly/layout/translate-results.ts';
import type { TranslateResult } from '../../assembly/unit-exports.ts';
import type { PageResponses } from '../../devices/plugin/index.ts';

/** PRGIndex has 9 bits. */
const GROUPS = 512;

export class RequestGroup {
  readonly #smmu: number;
  readonly #words: Int32Array;
  #port = ATC_NO_PORT;
  #group = 0;
  /** The response to the current request belongs to an access that was dropped. */
  #abandoned = false;
  /** A Response Failure has arrived that `takeResponses` has not returned. */
  #failed = false;

  /** @param smmu byte offset of the IOMMU's block in host memory. */
  constructor(hostMemory: WebAssembly.Memory, smmu: number) {
    this.#smmu = smmu;
    this.#words = new Int32Array(hostMemory.buffer);
  }

  /** The endpoint uses this port from now on, or none; there is no current request. */
  usePort(port: number): void {
    this.#port = port;
    this.#abandoned = false;
    this.#failed = false;
  }

  /** Index of a word of the port. */
  #word(offset: number): number {
    return (this.#smmu + SMMU_AT_ATC + this.#port * ATC_PORT_STRIDE + offset) >> 2;
  }

  /** PRG_* of the current request. */
  get #state(): number {
    return this.#port === ATC_NO_PORT
      ? PRG_NONE
      : Atomics.load(this.#words, this.#word(ATC_PORT_GROUP)) >>> PRG_STATE_SHIFT;
  }

  /**
   * Consumes the response to the current request: the result of the access; undefined
   * when there is none yet.
   */
  answer(): TranslateResult | undefined {
    const state = this.#state;
    if (state === PRG_NONE) return undefined;
    if (state === PRG_WAITING) return TRANSLATE_WAIT;
    Atomics.store(this.#words, this.#word(ATC_PORT_GROUP), PRG_NONE);
    const abandoned = this.#abandoned;
    this.#abandoned = false;
    if (state === PRG_FAILURE) this.#failed = true;
    return abandoned || state === PRG_SUCCESS ? undefined : TRANSLATE_ABORT;
  }

  /**
   * Requests a page. A request that is lost is repeated.
   * @param ssid PASID of the access, ACCESS_NO_SSID for none.
   * @param request sends it with a PRG index, and returns the immediate response of the
   *   IOMMU, PRG_*.
   */
  ask(ssid: number, request: (group: number) => number): TranslateResult {
    const group = this.#word(ATC_PORT_GROUP);
    this.#group = (this.#group + 1) % GROUPS;
    // Before the request: the response may arrive immediately.
    Atomics.store(this.#words, this.#word(ATC_PORT_GROUP_PASID), ssid);
    Atomics.store(this.#words, group, this.#group | (PRG_WAITING << PRG_STATE_SHIFT));
    const answer = request(this.#group);
    if (answer === PRG_WAITING) return TRANSLATE_WAIT;
    Atomics.store(this.#words, group, PRG_NONE);
    if (answer === PRG_FAILURE) this.#failed = true;
    return answer === PRG_SUCCESS ? TRANSLATE_WAIT : TRANSLATE_ABORT;
  }

  /** As `AtsCapability.takeResponses`. */
  takeResponses(): PageResponses {
    // No access will consume the response to it.
    if (this.#abandoned) this.answer();
    const failed = this.#failed;
    this.#failed = false;
    const unexpected =
      this.#port !== ATC_NO_PORT &&
      Atomics.exchange(this.#words, this.#word(ATC_PORT_UNEXPECTED), 0) !== 0;
    return { isWaiting: this.#state !== PRG_NONE, failed, unexpected };
  }

  /** There will be no response to the current request: it ends as if refused. */
  giveUp(): TranslateResult {
    Atomics.store(this.#words, this.#word(ATC_PORT_GROUP), PRG_NONE);
    this.#abandoned = false;
    return TRANSLATE_ABORT;
  }

  /** Drops the access that waits for the page. */
  abandon(): void {
    this.#abandoned = this.#state === PRG_WAITING;
  }
}

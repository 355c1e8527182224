// SPDX-License-Identifier: MIT
// Applies CR0.SMMUEN and GBPA of a guest's SMMU to its streams, a few at a time, because
// each takes several calls of the host's kernel. CR0ACK.SMMUEN and GBPA.UPDATE tell the
// guest when all are done (IHI 0070 sections 6.3.9.6 and 6.3.14); until then a stream's
// transactions use either the old configuration or the new one.

import {
  CR0_SMMUEN,
  GBPA_ABORT,
  GBPA_UPDATE,
  SMMU_CR0,
  SMMU_CR0ACK,
  SMMU_GBPA,
} from '../../../assembly/layout/smmu-registers.ts';
import { bitsOf, withBits } from '../../plugin/index.ts';
import { bypassSte } from '../../tables/index.ts';
import type { SmmuRegisters } from '../register-rules.ts';
import type { ViommuBackend } from '../viommu-backend.ts';
import type { GuestStreams } from './guest-streams.ts';

const LAST_SID = 2 ** 32 - 1;
/** Maximum number of streams updated in one turn. */
const MOST_STREAMS = 4;

export class StreamUpdates {
  readonly #registers: SmmuRegisters;
  readonly #streams: GuestStreams;
  readonly #backend: ViommuBackend;
  /** The first stream that has not been updated yet. */
  #next: number | undefined;
  /** The update is for CR0.SMMUEN, which CR0ACK does not show yet. */
  #enabling = false;
  /** The update is for GBPA, whose UPDATE is still set. */
  #updating = false;

  constructor(registers: SmmuRegisters, streams: GuestStreams, backend: ViommuBackend) {
    this.#registers = registers;
    this.#streams = streams;
    this.#backend = backend;
  }

  get #enabled(): boolean {
    return this.#registers.enabled(CR0_SMMUEN);
  }

  get #aborts(): boolean {
    return bitsOf(this.#registers.get(SMMU_GBPA), GBPA_ABORT) !== 0;
  }

  /** CR0 was written; `smmuenChanged` when its SMMUEN changed. */
  cr0Written(smmuenChanged: boolean): void {
    if (smmuenChanged) {
      this.#enabling = true;
      this.#updating = false;
      this.#backend.setSmmuEnabled(this.#enabled);
      if (!this.#enabled) this.#streams.clear();
      this.#turn(0);
    }
    this.#acknowledge();
  }

  /**
   * GBPA was updated. It has an effect while SMMUEN is 0, or as soon as SMMUEN is
   * cleared.
   */
  gbpaWritten(): void {
    if (this.#enabled) return;
    this.#updating = true;
    this.#turn(0);
    this.#acknowledge();
  }

  /** Updates the next streams. Returns the number of turns, 0 or 1. */
  poll(): number {
    if (this.#next === undefined) return 0;
    this.#turn(this.#next);
    this.#acknowledge();
    return 1;
  }

  /** Applies GBPA to all streams: SMMUEN is 0 after reset. */
  reset(): void {
    this.#next = undefined;
    this.#enabling = false;
    this.#updating = false;
    this.#streams.clear();
    this.#backend.setSmmuEnabled(false);
    this.#backend.setGlobalBypass(this.#aborts);
  }

  /** Continues a saved update, before the saved streams are attached. */
  restore(): void {
    const acknowledged = bitsOf(this.#registers.get(SMMU_CR0ACK), CR0_SMMUEN) !== 0;
    this.#enabling = acknowledged !== this.#enabled;
    this.#updating = bitsOf(this.#registers.get(SMMU_GBPA), GBPA_UPDATE) !== 0;
    this.#next = this.#enabling || this.#updating ? 0 : undefined;
    this.#backend.setSmmuEnabled(this.#enabled);
    if (!this.#enabled) this.#backend.setGlobalBypass(this.#aborts);
  }

  #turn(first: number): void {
    this.#next = this.#enabled ? this.#translate(first) : this.#bypass(first);
  }

  #translate(first: number): number | undefined {
    let next: number | undefined = first;
    for (let i = 0; i < MOST_STREAMS && next !== undefined; i++)
      next = this.#streams.reloadFirst(next, LAST_SID);
    return next;
  }

  // The last stream is updated by the call for all streams, which costs nothing for the
  // others any more, and ends stalled transactions.
  #bypass(first: number): number | undefined {
    const left = this.#backend.virtualStreams.filter((sid) => sid >= first).sort((a, b) => a - b);
    const aborts = this.#aborts;
    if (left.length <= MOST_STREAMS) {
      this.#backend.setGlobalBypass(aborts);
      return undefined;
    }
    for (const sid of left.slice(0, MOST_STREAMS))
      this.#backend.attachStream(sid, aborts ? undefined : bypassSte());
    return left[MOST_STREAMS];
  }

  #acknowledge(): void {
    const pending = this.#next !== undefined;
    this.#enabling &&= pending;
    this.#updating &&= pending;
    const registers = this.#registers;
    const cr0 = registers.get(SMMU_CR0);
    const ack = this.#enabling ? withBits(cr0, CR0_SMMUEN, this.#enabled ? 0 : 1) : cr0;
    registers.set(SMMU_CR0ACK, ack);
    const update = this.#updating ? 1 : 0;
    registers.set(SMMU_GBPA, withBits(registers.get(SMMU_GBPA), GBPA_UPDATE, update));
  }
}

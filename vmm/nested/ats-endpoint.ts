// SPDX-License-Identifier: MIT
// The end of a bus master that PCIe's ATS is about: its accesses ask the SMMU for a
// translation, keep it in an ATC, and go to memory translated. What it is denied it may
// ask for (PRI), one page at a time.

import {
  ATC_OFF,
  ATC_ON,
  ATC_PORT_GROUP,
  ATC_PORT_GROUP_PASID,
  ATC_PORT_STRIDE,
  ATC_SILENT,
  PRG_NONE,
  PRG_STATE_SHIFT,
  PRG_SUCCESS,
  PRG_WAITING,
  SMMU_AT_ATC,
} from '../../assembly/layout/ats-memory.ts';
import { ATC_DENIED, ATC_NO_PORT, ATS_SUCCESS } from '../../assembly/layout/ats-results.ts';
import { SMMU_AT_PARKED } from '../../assembly/layout/smmu-memory.ts';
import {
  TRANSLATE_ABORT,
  TRANSLATE_OK,
  TRANSLATE_WAIT,
} from '../../assembly/layout/translate-results.ts';
import type { TranslateResult } from '../../assembly/unit-exports.ts';
import type { AtsSettings } from '../../devices/plugin/index.ts';
import type { AtcPort } from '../../devices/unit/index.ts';
import type { GuestWindow } from '../../host/kernel/vm.ts';

const OFF: AtsSettings = { enabled: false, pageRequests: false, silent: false };
/** PRGIndex has 9 bits. */
const GROUPS = 512;

export class AtsEndpoint implements AtcPort {
  readonly #guest: GuestWindow;
  readonly #smmu: number;
  readonly #physSid: number;
  readonly #words: Int32Array;
  readonly #hasPri: boolean;
  #settings = OFF;
  #port = ATC_NO_PORT;
  #group = 0;
  /** The answer to the request under way is for an access that was given up. */
  #abandoned = false;

  /** @param smmu byte offset of the SMMU block in host memory; @param hasPri it has PRI. */
  constructor(guest: GuestWindow, smmu: number, physSid: number, hasPri: boolean) {
    this.#guest = guest;
    this.#smmu = smmu;
    this.#physSid = physSid;
    this.#hasPri = hasPri;
    this.#words = new Int32Array(guest.unit.hostMemory.buffer);
  }

  /** Whether accesses go through the ATC. */
  get enabled(): boolean {
    return this.#port !== ATC_NO_PORT;
  }

  get settings(): AtsSettings {
    return this.#settings;
  }

  /** The ATC is empty behind it. Without a free port ATS stays off. */
  configure(wanted: AtsSettings): void {
    const { core, drain } = this.#guest.unit;
    const settings = { ...wanted, pageRequests: wanted.pageRequests && this.#hasPri };
    const mode = !settings.enabled ? ATC_OFF : settings.silent ? ATC_SILENT : ATC_ON;
    const port = core.atcSetMode(this.#smmu, this.#physSid, mode);
    this.#port = settings.enabled ? port : ATC_NO_PORT;
    this.#abandoned = false;
    this.#settings = this.enabled ? settings : OFF;
    // What waited for an answer goes on.
    if (Atomics.load(this.#words, (this.#smmu + SMMU_AT_PARKED) >> 2) !== 0)
      drain.serveParked(this.#smmu);
  }

  /**
   * As `Unit.translate`, for an access within its page; TRANSLATE_WAIT while it waits for
   * a page.
   * @param ssid its PASID, ACCESS_NO_SSID for none; @param access ACCESS_*: without a PASID 0 or ACCESS_WRITE.
   */
  translate(iova: number, ssid: number, access: number): TranslateResult {
    const answer = this.#answer();
    if (answer !== undefined) return answer;
    const high = Math.floor(iova / 2 ** 32);
    const status = this.#guest.unit.atcAccess(
      this.#smmu,
      this.#port,
      this.#physSid,
      ssid,
      iova | 0,
      high,
      access,
    );
    if (status === ATS_SUCCESS) return TRANSLATE_OK;
    return status === ATC_DENIED && this.#settings.pageRequests
      ? this.#ask(iova, high, ssid, access)
      : TRANSLATE_ABORT;
  }

  /** The accesses that wait for pages are given up. */
  abandon(): void {
    this.#abandoned = this.#state === PRG_WAITING;
  }

  /** Index of a word of its port. */
  #portWord(offset: number): number {
    return (this.#smmu + SMMU_AT_ATC + this.#port * ATC_PORT_STRIDE + offset) >> 2;
  }

  /** PRG_* of the request under way. */
  get #state(): number {
    return this.enabled
      ? Atomics.load(this.#words, this.#portWord(ATC_PORT_GROUP)) >>> PRG_STATE_SHIFT
      : PRG_NONE;
  }

  /**
   * Takes the answer of the request under way: what is to become of the access; undefined
   * when there is nothing to take.
   */
  #answer(): TranslateResult | undefined {
    const state = this.#state;
    if (state === PRG_NONE) return undefined;
    if (state === PRG_WAITING) return TRANSLATE_WAIT;
    Atomics.store(this.#words, this.#portWord(ATC_PORT_GROUP), PRG_NONE);
    const abandoned = this.#abandoned;
    this.#abandoned = false;
    return abandoned || state === PRG_SUCCESS ? undefined : TRANSLATE_ABORT;
  }

  /**
   * Requests a page that the ATC was denied. Its endpoint has one request under way at
   * most, and asks again for what an answer did not bring.
   */
  #ask(iova: number, high: number, ssid: number, access: number): TranslateResult {
    const { core } = this.#guest.unit;
    const group = this.#portWord(ATC_PORT_GROUP);
    this.#group = (this.#group + 1) % GROUPS;
    // Before the request: its answer may come at once.
    Atomics.store(this.#words, this.#portWord(ATC_PORT_GROUP_PASID), ssid);
    Atomics.store(this.#words, group, this.#group | (PRG_WAITING << PRG_STATE_SHIFT));
    const answer = core.pageRequest(
      this.#smmu,
      this.#physSid,
      ssid,
      iova | 0,
      high,
      access,
      this.#group,
    );
    if (answer === PRG_WAITING) return TRANSLATE_WAIT;
    Atomics.store(this.#words, group, PRG_NONE);
    return answer === PRG_SUCCESS ? TRANSLATE_WAIT : TRANSLATE_ABORT;
  }
}

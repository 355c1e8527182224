// SPDX-License-Identifier: MIT
// ATS of a bus master: its accesses request a translation from the SMMU, cache it in an
// ATC, and go to memory translated. When a translation is denied it may request the page
// (PRI), one page at a time.

import { ATC_OFF, ATC_ON, ATC_SILENT } from '../../assembly/layout/ats-memory.ts';
import { ATC_DENIED, ATC_NO_PORT, ATS_SUCCESS } from '../../assembly/layout/ats-results.ts';
import { SMMU_AT_PARKED } from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_ABORT, TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import type { TranslateResult } from '../../assembly/unit-exports.ts';
import type { AtsSettings, PageResponses } from '../../devices/plugin/index.ts';
import { NO_ATS } from '../../devices/plugin/no-ats.ts';
import type { AtcPort } from '../../devices/unit/index.ts';
import type { GuestWindow } from '../../host/kernel/vm.ts';
import { RequestGroup } from './request-group.ts';

export class AtsEndpoint implements AtcPort {
  readonly #guest: GuestWindow;
  readonly #smmu: number;
  readonly #physSid: number;
  readonly #words: Int32Array;
  readonly #hasPri: boolean;
  #settings = NO_ATS;
  readonly #requests: RequestGroup;
  #port = ATC_NO_PORT;

  /**
   * @param smmu byte offset of the SMMU block in host memory.
   * @param hasPri it has PRI.
   */
  constructor(guest: GuestWindow, smmu: number, physSid: number, hasPri: boolean) {
    this.#guest = guest;
    this.#smmu = smmu;
    this.#physSid = physSid;
    this.#hasPri = hasPri;
    this.#words = new Int32Array(guest.unit.hostMemory.buffer);
    this.#requests = new RequestGroup(guest.unit.hostMemory, smmu);
  }

  /** True when accesses go through the ATC. */
  get enabled(): boolean {
    return this.#port !== ATC_NO_PORT;
  }

  get settings(): AtsSettings {
    return this.#settings;
  }

  /**
   * Changes the settings and empties the ATC, except for page requests alone. Without a
   * free port ATS stays disabled.
   */
  configure(wanted: AtsSettings): void {
    const { core, drain } = this.#guest.unit;
    const settings = { ...wanted, pageRequests: wanted.pageRequests && this.#hasPri };
    const { enabled, pageRequests, silent } = this.#settings;
    const isSame = settings.enabled === enabled && settings.silent === silent;
    if (enabled && isSame && settings.pageRequests !== pageRequests) {
      this.#settings = settings;
      return;
    }
    const mode = !settings.enabled ? ATC_OFF : settings.silent ? ATC_SILENT : ATC_ON;
    const port = core.atcSetMode(this.#smmu, this.#physSid, mode);
    this.#port = settings.enabled ? port : ATC_NO_PORT;
    this.#requests.usePort(this.#port);
    this.#settings = this.enabled ? settings : NO_ATS;
    // Queues that waited for a response continue.
    if (Atomics.load(this.#words, (this.#smmu + SMMU_AT_PARKED) >> 2) !== 0)
      drain.serveParked(this.#smmu);
  }

  /**
   * Like `Unit.translate`, for an access within its page; TRANSLATE_WAIT while it waits
   * for a page.
   * @param ssid its PASID, ACCESS_NO_SSID for none.
   * @param access ACCESS_*: without a PASID 0 or ACCESS_WRITE.
   */
  translate(iova: number, ssid: number, access: number): TranslateResult {
    const answer = this.#requests.answer();
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
    if (status !== ATC_DENIED || !this.#settings.pageRequests) return TRANSLATE_ABORT;
    const { core } = this.#guest.unit;
    return this.#requests.ask(ssid, (group) =>
      core.pageRequest(this.#smmu, this.#physSid, ssid, iova | 0, high, access, group),
    );
  }

  takeResponses(): PageResponses {
    return this.#requests.takeResponses();
  }

  /** Drops the accesses that wait for pages. */
  abandon(): void {
    this.#requests.abandon();
  }
}

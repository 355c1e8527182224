// SPDX-License-Identifier: MIT
// ATS and PRI of a bus master with an AMD IOMMU: it requests the translation of each
// access, and the page when the translation is denied. It caches no translations.

import { ACCESS_ATS_REQUEST } from '../../../assembly/layout/access.ts';
import { ATC_OFF, ATC_ON } from '../../../assembly/layout/ats-memory.ts';
import { ATC_NO_PORT } from '../../../assembly/layout/ats-results.ts';
import {
  TRANSLATE_ABORT,
  TRANSLATE_OK,
  TRANSLATE_WAIT,
} from '../../../assembly/layout/translate-results.ts';
import type { TranslateResult } from '../../../assembly/unit-exports.ts';
import type { AmdUnit } from '../../../devices/amd-iommu/index.ts';
import type { AtsSettings, PageResponses } from '../../../devices/plugin/index.ts';
import { NO_ATS } from '../../../devices/plugin/no-ats.ts';
import { type AtcPort, smmuBase } from '../../../devices/unit/index.ts';
import { RequestGroup } from '../request-group.ts';
import type { AmdGuestIommu } from './amd-guest-iommu.ts';

export class AmdEndpoint implements AtcPort {
  readonly #guest: AmdGuestIommu;
  readonly #unit: AmdUnit;
  readonly #device: number;
  readonly #requests: RequestGroup;
  #settings = NO_ATS;
  /** The guest's `pageRequestStops` at the time of the current request. */
  #asked = 0;

  /** @param device DeviceID as numbered by the host. */
  constructor(guest: AmdGuestIommu, device: number) {
    const { unit } = guest.vm;
    this.#guest = guest;
    this.#unit = unit;
    this.#device = device;
    this.#requests = new RequestGroup(unit.hostMemory, smmuBase(0));
  }

  get enabled(): boolean {
    return this.#settings.enabled;
  }

  get settings(): AtsSettings {
    return this.#settings;
  }

  /**
   * Drops the current request, except for a change of page requests alone. Without a free
   * port ATS stays disabled; nothing is cached that an invalidation could miss.
   */
  configure({ enabled, pageRequests }: AtsSettings): void {
    const before = this.#settings;
    if (enabled && before.enabled && pageRequests !== before.pageRequests) {
      this.#settings = { ...before, pageRequests };
      return;
    }
    const mode = enabled ? ATC_ON : ATC_OFF;
    const port = this.#unit.core.atcSetMode(smmuBase(0), this.#device, mode);
    this.#requests.usePort(enabled ? port : ATC_NO_PORT);
    this.#settings =
      enabled && port !== ATC_NO_PORT ? { enabled, pageRequests, silent: false } : NO_ATS;
  }

  translate(iova: number, ssid: number, access: number): TranslateResult {
    const answer = this.#requests.answer();
    if (answer === TRANSLATE_WAIT && this.#asked !== this.#guest.pageRequestStops)
      return this.#requests.giveUp();
    if (answer !== undefined) return answer;
    const { core } = this.#unit;
    const [low, high] = [iova | 0, Math.floor(iova / 2 ** 32)];
    const asked = access | ACCESS_ATS_REQUEST;
    if (this.#unit.translate(smmuBase(0), this.#device, ssid, low, high, asked) === TRANSLATE_OK)
      return TRANSLATE_OK;
    if (!this.#settings.pageRequests) return TRANSLATE_ABORT;
    this.#asked = this.#guest.pageRequestStops;
    return this.#requests.ask(ssid, (group) =>
      core.pageRequest(smmuBase(0), this.#device, ssid, low, high, access, group),
    );
  }

  takeResponses(): PageResponses {
    return this.#requests.takeResponses();
  }

  abandon(): void {
    this.#requests.abandon();
  }

  /** The device was destroyed: frees its port. */
  destroy(): void {
    this.configure(NO_ATS);
  }
}

// SPDX-License-Identifier: MIT
// What is behind an SMMU, for a VMM of one's own: its translations, and DMA ports over them.

import { ACCESS_NO_SSID } from '../../assembly/layout/access.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import type { TranslateResult } from '../../assembly/unit-exports.ts';
import { type DmaAttributes, type DmaPort, PASID_BITS } from '../plugin/index.ts';
import { checkInteger, checkOptionalInteger } from '../plugin/known-values.ts';
import {
  checkedLater,
  checkOptions,
  flag,
  havingSome,
  type OptionKinds,
} from '../plugin/option-kinds.ts';
import { accessOf, type PhysicalMemory } from './dma-stream.ts';
import { StreamDmaPort } from './stream-dma-port.ts';
import { smmuBlockOf, type Unit } from './unit.ts';

/** The smallest page: no translation reaches beyond one. */
const PAGE = 4096;

/** Where an SMMU's endpoints are, and what they reach. */
export interface SmmuEndpointOptions {
  /** The unit that the SMMU was made with. */
  readonly unit: Unit;
  /** The VMM's memory map. */
  readonly memory: PhysicalMemory;
  /** Index of the SMMU in host memory. Default 0. */
  readonly smmuIndex?: number;
}

/** An access to be translated. */
export interface EndpointAccess extends Omit<DmaAttributes, 'pasid'> {
  /** Default false: a read. */
  readonly write?: boolean;
}

/** What has become of an access. */
export type Translation =
  | {
      readonly ok: true;
      /** Physical address of the first byte. */
      readonly pa: number;
      /** Bytes from there on that the answer holds for, at most what was asked for. */
      readonly length: number;
    }
  | {
      readonly ok: false;
      /** Why not: TRANSLATE_ABORT, TRANSLATE_RAZWI, TRANSLATE_STALLED or TRANSLATE_WAIT. */
      readonly result: Exclude<TranslateResult, typeof TRANSLATE_OK>;
      /**
       * The event that the SMMU has recorded, eight words (`decodeEvent`); undefined for a fault
       * without a record.
       */
      readonly event: Uint32Array | undefined;
    };

const OPTIONS: OptionKinds<SmmuEndpointOptions> = {
  unit: checkedLater,
  memory: havingSome(['bytes'], ['write32']),
  smmuIndex: checkedLater,
};
const ACCESS: OptionKinds<EndpointAccess> = {
  write: flag,
  privileged: flag,
  instruction: flag,
  atomic: flag,
};

/**
 * The endpoints behind an SMMU (`PhysicalSmmu`), for a VMM that hosts the devices itself.
 *
 * @example
 * ```js
 * import { createHostMemory, loadHotModules, PhysicalRam, PhysicalSmmu, SmmuEndpoint, Unit } from 'vsmmu/devices';
 *
 * const hostMemory = createHostMemory({ ramSize: 0x100000 });
 * const unit = new Unit({ modules: await loadHotModules(), hostMemory, thread: 0 });
 * const smmu = new PhysicalSmmu({ unit, smmuIndex: 0 }); // to be plugged into your bus
 * const endpoint = new SmmuEndpoint({ unit, memory: new PhysicalRam(hostMemory) });
 * console.log(smmu.name, endpoint.translate(3, undefined, 0x1000, 64).ok);
 * ```
 */
export class SmmuEndpoint {
  readonly #unit: Unit;
  readonly #memory: PhysicalMemory;
  readonly #smmu: number;

  /**
   * @throws {TypeError} when the memory has no `bytes`, the unit is none, or there is no such option.
   * @throws {RangeError} when there is no such SMMU.
   */
  constructor(options: SmmuEndpointOptions) {
    checkOptions(options, OPTIONS, 'SmmuEndpoint', ['unit', 'memory']);
    const { unit, memory, smmuIndex = 0 } = options;
    this.#unit = unit;
    this.#memory = memory;
    this.#smmu = smmuBlockOf(unit, smmuIndex, 'SmmuEndpoint');
  }

  /**
   * Translates an access as the SMMU does now, and records its event when it faults. The answer
   * holds until the SMMU carries out an invalidation: use it before the guest's next access, or
   * make the access by a port, which CMD_SYNC waits for.
   * @param sid StreamID, 32 bits.
   * @param ssid SubstreamID, 20 bits; undefined for none.
   * @param iova below 2^53.
   * @param length bytes, from 1; beyond the page of `iova` is another translation.
   * @throws {RangeError} when an argument is out of its range.
   * @throws {TypeError} when `access` says something that there is not.
   */
  translate(
    sid: number,
    ssid: number | undefined,
    iova: number,
    length: number,
    access: EndpointAccess = {},
  ): Translation {
    checkInteger(iova, 0, Number.MAX_SAFE_INTEGER, 'translate: iova');
    checkInteger(sid, 0, 2 ** 32 - 1, 'translate: sid');
    checkInteger(length, 1, Number.MAX_SAFE_INTEGER, 'translate: length');
    checkOptionalInteger(ssid, 0, 2 ** PASID_BITS - 1, 'translate: ssid');
    checkOptions(access, ACCESS, 'translate');
    const { core, threadBlock } = this.#unit;
    core.accessBegin();
    const result = this.#unit.translate(
      this.#smmu,
      sid,
      ssid ?? ACCESS_NO_SSID,
      iova | 0,
      Math.floor(iova / 2 ** 32),
      accessOf(access.write ?? false, access),
    );
    core.accessEnd();
    if (result !== TRANSLATE_OK) {
      const { event } = threadBlock;
      return { ok: false, result, event: event[0] === 0 ? undefined : event };
    }
    const { paWindow, paAddress, paLog2size } = threadBlock;
    const block = 2 ** paLog2size;
    return {
      ok: true,
      pa: paWindow * 2 ** 32 + paAddress,
      length: Math.min(length, PAGE - (iova % PAGE), block - (paAddress % block)),
    };
  }

  /**
   * The DMA port of a stream: what `DeviceHost.dmaPort` gives to a bus master.
   * @throws {RangeError} when `sid` has no 32 bits.
   */
  dmaPort(sid: number): DmaPort {
    checkInteger(sid, 0, 2 ** 32 - 1, 'dmaPort: sid');
    return new StreamDmaPort({
      unit: this.#unit,
      memory: this.#memory,
      smmu: this.#smmu,
      virtSid: sid,
      physSid: sid,
    });
  }
}

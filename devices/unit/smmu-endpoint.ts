// SPDX-License-Identifier: MIT
// The endpoints of an SMMU, for a custom VMM: translations, and DMA ports that use them.

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

/** The smallest page: no translation extends beyond one. */
const PAGE = 4096;

/** The SMMU of endpoints, and the memory that they reach. */
export interface SmmuEndpointOptions {
  /** The unit that the SMMU was created with. */
  readonly unit: Unit;
  /** The VMM's memory map. */
  readonly memory: PhysicalMemory;
  /** Index of the SMMU in host memory. Default 0. */
  readonly smmuIndex?: number;
}

/** An access to be translated. */
export interface EndpointAccess extends Omit<DmaAttributes, 'pasid'> {
  /** True for a write. Default false. */
  readonly write?: boolean;
}

/** Result of an access. */
export type Translation =
  | {
      readonly ok: true;
      /** Physical address of the first byte. */
      readonly pa: number;
      /**
       * Number of bytes from there on that the result covers, at most the requested
       * length.
       */
      readonly length: number;
    }
  | {
      readonly ok: false;
      /**
       * The reason: TRANSLATE_ABORT, TRANSLATE_RAZWI, TRANSLATE_STALLED or
       * TRANSLATE_WAIT.
       */
      readonly result: Exclude<TranslateResult, typeof TRANSLATE_OK>;
      /**
       * The event recorded by the SMMU, eight words (`decodeEvent`); undefined for a
       * fault without a record.
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
 * The endpoints of an SMMU (`PhysicalSmmu`), for a custom VMM with its own devices.
 *
 * @example
 * ```js
 * import { createHostMemory, loadHotModules, PhysicalRam, PhysicalSmmu, SmmuEndpoint, Unit } from 'vsmmu/devices';
 *
 * const hostMemory = createHostMemory({ ramSize: 0x100000 });
 * const unit = new Unit({ modules: await loadHotModules(), hostMemory, thread: 0 });
 * const smmu = new PhysicalSmmu({ unit, smmuIndex: 0 }); // attach it to your bus
 * const endpoint = new SmmuEndpoint({ unit, memory: new PhysicalRam(hostMemory) });
 * console.log(smmu.name, endpoint.translate(3, undefined, 0x1000, 64).ok);
 * ```
 */
export class SmmuEndpoint {
  readonly #unit: Unit;
  readonly #memory: PhysicalMemory;
  readonly #smmu: number;

  /**
   * @throws {TypeError} when the memory has no `bytes`, the unit is not a unit, or an
   *   option is unknown.
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
   * Translates an access as the SMMU does now, and records its event when it faults. The
   * result is valid until the SMMU executes an invalidation: use it before the guest's
   * next access, or make the access through a port, for which CMD_SYNC waits.
   * @param sid StreamID, 32 bits.
   * @param ssid SubstreamID, 20 bits; undefined for none.
   * @param iova below 2^53.
   * @param length bytes, from 1; bytes after the page of `iova` need another translation.
   * @throws {RangeError} when an argument is out of range.
   * @throws {TypeError} when `access` has an unknown field.
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
   * The DMA port of a stream: what `DeviceHost.dmaPort` returns to a bus master.
   * @throws {RangeError} when `sid` does not fit in 32 bits.
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

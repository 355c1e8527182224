// SPDX-License-Identifier: MIT
// Why a guest's streams were refused, in words, in addition to the record in its event
// queue.

import { CMD_SID } from '../../assembly/layout/commands.ts';
import {
  C_BAD_CD,
  C_BAD_STE,
  C_BAD_STREAMID,
  C_BAD_SUBSTREAMID,
  EVT_ID,
  EVT_IND,
  EVT_INPUT_HI,
  EVT_INPUT_LO,
  EVT_PNU,
  EVT_RNW,
  EVT_SID,
  EVT_SSID,
  EVT_SSV,
  F_ACCESS,
  F_ADDR_SIZE,
  F_BAD_ATS_TREQ,
  F_CD_FETCH,
  F_PERMISSION,
  F_STE_FETCH,
  F_STREAM_DISABLED,
  F_TRANSL_FORBIDDEN,
  F_TRANSLATION,
  F_WALK_EABT,
} from '../../assembly/layout/events.ts';
import { IDR0_HYP, IDR0_STALL_MODEL } from '../../assembly/layout/smmu-registers.ts';
import { STE_CONFIG, STE_CONFIG_S1, STE_STRW } from '../../assembly/layout/ste.ts';
import { decodeCommand } from '../decode/index.ts';
import {
  cdRefusals,
  commandRefusals,
  type Refusal,
  steRefusals,
  walkRefusal,
} from '../decode/refusals/index.ts';
import { bitsOf, fieldOf, type GuestMemory, withBits } from '../plugin/index.ts';
import { eventType } from '../tables/index.ts';
import type { SmmuIdRegisters } from './id-registers.ts';
import { atsReason } from './stream-table/ats-reason.ts';
import { cdPlaces, guestCd, substreamsOf } from './stream-table/guest-cd.ts';
import { disabledReason, streamReason, substreamReason } from './stream-table/missing-reasons.ts';
import type { StreamTableShape } from './table-shapes.ts';
import type { RefusedCommand } from './viommu-backend.ts';

/** Why a transaction of a guest's stream, or a guest's command, was refused. */
export interface SmmuRefusal {
  /** The event, such as "C_BAD_CD"; "CERROR_ILL" for a command. */
  readonly event: string;
  /** StreamID as numbered by the guest; absent for a command. */
  readonly streamId?: number;
  /** SubstreamID of the transaction; undefined when it had none. */
  readonly substreamId?: number | undefined;
  /** The queue of a command: "CMDQ", "ECMDQ", "VCMDQ 0". */
  readonly queue?: string;
  /** The reason, with fields and values: "CD.TG0 = 2, 16 KiB, but IDR5.GRAN16K = 0". */
  readonly text: string;
  /**
   * The section that defines it: of IHI 0070, unless it begins with another document's
   * number.
   */
  readonly section: string;
}

/** Events of a walk, each caused by a descriptor. */
const OF_WALKS: ReadonlySet<number> = new Set([
  F_WALK_EABT,
  F_TRANSLATION,
  F_ADDR_SIZE,
  F_ACCESS,
  F_PERMISSION,
]);

const STRW_EL2 = 2;

/** The access that caused a record. */
const accessOf = (record: Uint32Array) => ({
  address: (BigInt(fieldOf(record, EVT_INPUT_HI)) << 32n) | BigInt(fieldOf(record, EVT_INPUT_LO)),
  write: fieldOf(record, EVT_RNW) === 0,
  privileged: fieldOf(record, EVT_PNU) !== 0,
  instruction: fieldOf(record, EVT_IND) !== 0,
});

/**
 * Maximum number of different reasons reported until a reset: a guest can make up any
 * number.
 */
const MOST = 256;

/** What a watch reads. */
export interface RefusalWatchOptions {
  /** ID registers of the guest's SMMU, which determine its legal STEs. */
  readonly shown: SmmuIdRegisters;
  /** ID registers of the physical SMMU, which reads the guest's CDs. */
  readonly physical: SmmuIdRegisters;
  /** CR0.SMMUEN of the guest's SMMU. */
  smmuEnabled(): boolean;
  /** The guest's current stream table. */
  streamTable(): StreamTableShape;
  /** The STE of a stream in guest memory; undefined when there is none. */
  steOf(sid: number): Uint32Array | undefined;
  /** Set for the kernel's own SMMU, which has stage 2 and possibly EL2; E2H from CR2. */
  readonly own?: { e2h(): boolean };
  onRefusal(refusal: SmmuRefusal): void;
}

/** Reports each reason once. */
export class RefusalWatch {
  readonly #options: RefusalWatchOptions;
  readonly #reported = new Set<string>();

  constructor(options: RefusalWatchOptions) {
    this.#options = options;
  }

  reset(): void {
    this.#reported.clear();
  }

  /** @param record of the guest's event queue, just written. */
  see(record: Uint32Array, memory: GuestMemory): void {
    if (this.#reported.size >= MOST) return;
    const id = fieldOf(record, EVT_ID);
    const streamId = fieldOf(record, EVT_SID);
    // A record of C_BAD_SUBSTREAMID has no SSV: its SubstreamID is always valid.
    const hasSsid = fieldOf(record, EVT_SSV) !== 0 || id === C_BAD_SUBSTREAMID;
    const substreamId = hasSsid ? fieldOf(record, EVT_SSID) : undefined;
    const event = eventType(id)?.name ?? `event 0x${id.toString(16)}`;
    for (const { text, section } of this.#reasons(record, substreamId, memory)) {
      const key = `${streamId} ${event} ${text}`;
      if (this.#reported.has(key) || this.#reported.size >= MOST) continue;
      this.#reported.add(key);
      this.#options.onRefusal({ event, streamId, substreamId, text, section });
    }
  }

  /** Called for a command at which a queue of the guest has stopped. */
  seeCommand({ queue, words, stream }: RefusedCommand): void {
    const { shown, physical, own } = this.#options;
    const onVcmdq = queue.startsWith('VCMDQ');
    const kind = own ? 'own' : 'guest';
    const found = [...commandRefusals(words, onVcmdq ? physical : shown, onVcmdq ? 'vcmdq' : kind)];
    if (found.length === 0 && stream)
      found.push({
        text: `${decodeCommand(words).name}.StreamID = 0x${fieldOf(words, CMD_SID).toString(16)} is not a stream of this guest`,
        section: '4.1.3',
      });
    for (const { text, section } of found) {
      const key = `${queue} ${text}`;
      if (this.#reported.has(key) || this.#reported.size >= MOST) continue;
      this.#reported.add(key);
      this.#options.onRefusal({ event: 'CERROR_ILL', queue, text, section });
    }
  }

  /**
   * From the current contents of memory: none when the driver has corrected its tables in
   * the meantime.
   */
  #reasons(
    record: Uint32Array,
    substreamId: number | undefined,
    memory: GuestMemory,
  ): Iterable<Refusal> {
    const { shown, physical, steOf, streamTable, smmuEnabled } = this.#options;
    const id = fieldOf(record, EVT_ID);
    const sid = fieldOf(record, EVT_SID);
    const ssid = substreamId ?? 0;
    if (id === C_BAD_STREAMID || id === F_STE_FETCH) {
      const found = streamReason(streamTable(), sid, memory);
      return found?.event === id ? [found] : [];
    }
    const ste = steOf(sid);
    if (!ste) return [];
    if (id === C_BAD_STE) return steRefusals(ste, shown);
    if (id === F_BAD_ATS_TREQ || id === F_TRANSL_FORBIDDEN) {
      const found = atsReason(id, ste, shown, smmuEnabled());
      return found ? [found] : [];
    }
    if (!this.#isReadHere(ste)) return [];
    if (id === C_BAD_SUBSTREAMID || id === F_STREAM_DISABLED) {
      const found =
        id === F_STREAM_DISABLED
          ? disabledReason(ste, shown)
          : substreamReason(ste, ssid, memory, shown, physical);
      return found ? [found] : [];
    }
    if (id === F_CD_FETCH) return this.#fetchReasons(ste, ssid, memory);
    if (id !== C_BAD_CD && !OF_WALKS.has(id)) return [];
    const cd = guestCd(memory, ste, ssid, shown);
    if (!cd) return [];
    if (id !== C_BAD_CD) {
      const found = walkRefusal(accessOf(record), cd, physical, (at) => memory.load64(Number(at)));
      return found?.event === id ? [found] : [];
    }
    // When the guest's SMMU has no stalls, a CD that stalls is refused for it.
    const model = bitsOf(shown.idr0, IDR0_STALL_MODEL);
    return cdRefusals(cd, ste, {
      ...physical,
      idr0: withBits(physical.idr0, IDR0_STALL_MODEL, model),
    });
  }

  /**
   * True for those of a kernel's own streams whose stage 1 is read by PA, with the rules
   * of EL1.
   */
  #isReadHere(ste: Uint32Array): boolean {
    const { own, shown } = this.#options;
    if (!own) return true;
    if (fieldOf(ste, STE_CONFIG) > STE_CONFIG_S1) return false;
    const isEl2 = fieldOf(ste, STE_STRW) === STRW_EL2 && bitsOf(shown.idr0, IDR0_HYP) !== 0;
    return !isEl2 || own.e2h();
  }

  /** Reports the pointer to an address outside RAM. */
  #fetchReasons(ste: Uint32Array, ssid: number, memory: GuestMemory): Refusal[] {
    const places = cdPlaces(memory, ste, ssid, substreamsOf(ste, this.#options.shown));
    const missing = places.find(({ address }) => memory.load64(address) === undefined);
    if (!missing) return [];
    const { pointer, what, address } = missing;
    const text = `${pointer} points to a ${what} at 0x${address.toString(16)}, which is not memory`;
    return [{ text, section: '7.3.10' }];
  }
}

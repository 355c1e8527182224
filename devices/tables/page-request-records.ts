// SPDX-License-Identifier: MIT
// Entries of the PRI queue (IHI 0070 chapter 8) as four words.

import {
  PPR_ADDR_HI,
  PPR_ADDR_LO,
  PPR_EXEC,
  PPR_INDEX,
  PPR_LAST,
  PPR_PRIV,
  PPR_READ,
  PPR_SID,
  PPR_SSID,
  PPR_SSV,
  PPR_WRITE,
} from '../../assembly/layout/page-requests.ts';
import { PRIQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers.ts';
import { type DmaAttributes, setField } from '../plugin/index.ts';
import {
  checkOptions,
  flag,
  integerFrom,
  type OptionKinds,
  uint,
  uint32,
} from '../plugin/option-kinds.ts';

/** A page request. Privilege and execution are encoded with a PASID only. */
export interface PageRequestEntry extends Omit<DmaAttributes, 'atomic'> {
  /** StreamID of the device. */
  readonly streamId: number;
  /** PRGIndex. */
  readonly group: number;
  /** iova of the page. */
  readonly address: number;
  /** True for writing, false for reading. */
  readonly write: boolean;
  /** The last request of its group. Default true. */
  readonly last?: boolean;
}

const ENTRY: OptionKinds<PageRequestEntry> = {
  streamId: uint32,
  group: integerFrom(0, 511),
  address: uint,
  write: flag,
  last: flag,
  pasid: integerFrom(0, 2 ** 20 - 1),
  privileged: flag,
  instruction: flag,
};

/** An entry for the PRI queue. */
export function pageRequest(entry: PageRequestEntry): Uint32Array {
  checkOptions(entry, ENTRY, 'pageRequest', ['streamId', 'group', 'address', 'write']);
  const { streamId, group, address, write, last = true } = entry;
  const { pasid, privileged, instruction } = entry;
  const words = new Uint32Array(PRIQ_ENTRY_SIZE / 4);
  if (pasid !== undefined) {
    setField(words, PPR_SSV, 1);
    setField(words, PPR_SSID, pasid);
    setField(words, PPR_PRIV, privileged ? 1 : 0);
    setField(words, PPR_EXEC, instruction ? 1 : 0);
  }
  setField(words, PPR_SID, streamId);
  setField(words, write ? PPR_WRITE : PPR_READ, 1);
  setField(words, PPR_LAST, last ? 1 : 0);
  setField(words, PPR_INDEX, group);
  setField(words, PPR_ADDR_LO, (address % 2 ** 32) >>> 12);
  setField(words, PPR_ADDR_HI, Math.floor(address / 2 ** 32));
  return words;
}

// SPDX-License-Identifier: MIT
// Converts a guest's invalidation into the host's: in the host's numbering, and limited
// to that guest (arm_vsmmu_convert_user_cmd).

import {
  CMD_OP,
  CMD_SID,
  OP_ATC_INV,
  OP_CFGI_CD,
  OP_CFGI_CD_ALL,
  OP_TLBI_NH_ALL,
  OP_TLBI_NH_ASID,
  OP_TLBI_NH_VA,
  OP_TLBI_NH_VAA,
  OP_TLBI_NSNH_ALL,
  TLBI_VMID,
} from '../../../assembly/layout/commands.ts';
import { CMDQ_ENTRY_SIZE, IDR0_ATS } from '../../../assembly/layout/smmu-registers.ts';
import { bitsOf, fieldOf, setField } from '../../../devices/plugin/index.ts';
import { tlbiNhAll } from '../../../devices/tables/index.ts';
import type { InvalidateRequest } from '../../iommufd/index.ts';

/** The guest on whose behalf the host invalidates. */
export interface Invalidator {
  readonly vmid: number;
  /** IDR0 of the physical SMMU. */
  readonly idr0: number;
  /** Behave like Linux even where Linux loses something. */
  readonly linuxCompat: boolean;
  /** The physical StreamID of a virtual one. */
  physicalSid(virtSid: number): number | undefined;
}

/** The command at a byte offset. */
export function commandAt(view: DataView, offset: number): Uint32Array {
  return Uint32Array.from({ length: CMDQ_ENTRY_SIZE / 4 }, (_, word) =>
    view.getUint32(offset + 4 * word, true),
  );
}

/**
 * Whether an entry has non-zero bytes beyond a command (E2BIG). This is checked before
 * the first entry is processed (arm_vsmmu_cache_invalidate).
 */
export function hasMore({ entries, entryLength, count }: InvalidateRequest): boolean {
  for (let i = 0; i < count && entryLength > CMDQ_ENTRY_SIZE; i++) {
    const rest = entries.subarray(i * entryLength + CMDQ_ENTRY_SIZE, (i + 1) * entryLength);
    if (rest.some((byte) => byte !== 0)) return true;
  }
  return false;
}

/**
 * The command of an entry. A shorter entry comes from an older caller: its missing bytes
 * are zero.
 */
export function commandOf({ entries, entryLength }: InvalidateRequest, i: number): Uint32Array {
  const command = new Uint8Array(CMDQ_ENTRY_SIZE);
  const end = i * entryLength + Math.min(entryLength, CMDQ_ENTRY_SIZE);
  command.set(entries.subarray(i * entryLength, end));
  return commandAt(new DataView(command.buffer), 0);
}

/**
 * @returns the host's command; undefined when the guest's command is not forwarded, or
 *   names something that the guest does not own.
 */
export function hostInvalidation(command: Uint32Array, by: Invalidator): Uint32Array | undefined {
  const result = command.slice();
  switch (fieldOf(command, CMD_OP)) {
    case OP_TLBI_NSNH_ALL:
      return tlbiNhAll(by.vmid);
    case OP_TLBI_NH_ALL:
    case OP_TLBI_NH_ASID:
    case OP_TLBI_NH_VA:
    case OP_TLBI_NH_VAA:
      setField(result, TLBI_VMID, by.vmid);
      return result;
    case OP_ATC_INV:
      // Linux forwards it, and skips it when the SMMU refuses it.
      if (!bitsOf(by.idr0, IDR0_ATS) && !by.linuxCompat) return undefined;
      break;
    case OP_CFGI_CD:
    case OP_CFGI_CD_ALL:
      break;
    default:
      return undefined;
  }
  const sid = by.physicalSid(fieldOf(command, CMD_SID));
  if (sid === undefined) return undefined;
  setField(result, CMD_SID, sid);
  return result;
}

// SPDX-License-Identifier: MIT
// A guest's invalidation as the host issues it: in the host's numbering, and only for
// that guest (arm_vsmmu_convert_user_cmd).

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

/** On whose behalf. */
export interface Invalidator {
  readonly vmid: number;
  /** IDR0 of the physical SMMU. */
  readonly idr0: number;
  /** As Linux, where it loses something. */
  readonly linuxCompat: boolean;
  /** Physical StreamID of one that the guest names. */
  physicalSid(virtSid: number): number | undefined;
}

/** The command at a byte offset. */
export function commandAt(view: DataView, offset: number): Uint32Array {
  return Uint32Array.from({ length: CMDQ_ENTRY_SIZE / 4 }, (_, word) =>
    view.getUint32(offset + 4 * word, true),
  );
}

/** Whether an entry has more than is known (E2BIG): looked at before the first is (arm_vsmmu_cache_invalidate). */
export function hasMore({ entries, entryLength, count }: InvalidateRequest): boolean {
  for (let i = 0; i < count && entryLength > CMDQ_ENTRY_SIZE; i++) {
    const rest = entries.subarray(i * entryLength + CMDQ_ENTRY_SIZE, (i + 1) * entryLength);
    if (rest.some((byte) => byte !== 0)) return true;
  }
  return false;
}

/** The command of an entry. A shorter entry is an older caller's: what it does not have is zero. */
export function commandOf({ entries, entryLength }: InvalidateRequest, i: number): Uint32Array {
  const command = new Uint8Array(CMDQ_ENTRY_SIZE);
  const end = i * entryLength + Math.min(entryLength, CMDQ_ENTRY_SIZE);
  command.set(entries.subarray(i * entryLength, end));
  return commandAt(new DataView(command.buffer), 0);
}

/**
 * @returns the host's command; undefined when the guest's is not one that is passed on,
 *   or names what is not the guest's.
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
      // Linux passes it on, and skips what the SMMU refuses.
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

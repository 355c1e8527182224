// SPDX-License-Identifier: MIT
// IOTLB and queues of an SMMU as text.

import {
  TLB_ASID_PERM,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_S2,
  TLB_META_SIZE,
  TLB_META_VMID,
  TLB_PA,
  TLB_PAGE,
  TLB_PERM_R,
  TLB_PERM_UNPRIV,
  TLB_PERM_W,
  TLB_SETS,
  TLB_WAYS,
} from '../../assembly/layout/iotlb-memory.ts';
import { bitsOf } from '../../devices/plugin/index.ts';
import { type GuestSmmu, IotlbView, inspectViommu, queueText } from '../inspect/index.ts';

/** Maximum number of entries that are listed. */
const MOST_ENTRIES = 256;

const hex = (value: bigint | number) => `0x${value.toString(16)}`;

function entryText(iotlb: IotlbView, index: number): string {
  const meta = iotlb.word(index, TLB_META);
  const permissions = iotlb.word(index, TLB_ASID_PERM);
  const shift = BigInt(bitsOf(meta, TLB_META_SIZE));
  const isStage2 = bitsOf(meta, TLB_META_S2) !== 0;
  const isGlobal = bitsOf(meta, TLB_META_GLOBAL) !== 0;
  const tag = isStage2 ? 'IPA' : isGlobal ? 'global' : `ASID ${permissions & 0xffff}`;
  const may = [
    permissions & TLB_PERM_R ? 'r' : '-',
    permissions & TLB_PERM_W ? 'w' : '-',
    permissions & TLB_PERM_UNPRIV ? 'u' : '-',
  ].join('');
  const input = BigInt.asUintN(64, iotlb.doubleword(index, TLB_PAGE) << shift);
  const output = BigInt.asUintN(64, iotlb.doubleword(index, TLB_PA));
  return (
    `VMID ${bitsOf(meta, TLB_META_VMID)}, ${tag}: ${hex(input)} is ${hex(output)}, ` +
    `${hex(1n << shift)} bytes, ${may}`
  );
}

/**
 * Entries of an SMMU's TLB that a lookup would use: those of the guest's VMID, or all.
 */
export function iotlbText({ smmu }: GuestSmmu, isAll: boolean): string {
  const iotlb = new IotlbView(smmu.hostMemory, smmu.smmuBlock);
  const live = Array.from({ length: TLB_SETS * TLB_WAYS }, (_, index) => index).filter(
    (index) =>
      iotlb.isLive(index) &&
      // A guest that owns its SMMU does not share it, and has many VMIDs.
      (isAll ||
        smmu.vm === undefined ||
        bitsOf(iotlb.word(index, TLB_META), TLB_META_VMID) === smmu.vmid),
  );
  const lines = live.slice(0, MOST_ENTRIES).map((index) => entryText(iotlb, index));
  const count = `${live.length} ${live.length === 1 ? 'entry' : 'entries'}`;
  const more = live.length > MOST_ENTRIES ? `, the first ${MOST_ENTRIES} of them` : '';
  return `${[`${count}${more}`, ...lines].join('\n')}\n`;
}

/** Command queues of a guest's SMMU, and of its VINTF. */
export function queuesText({ smmu, vintf }: GuestSmmu): string {
  const { queues, vintf: lent } = inspectViommu(smmu, vintf);
  const rows = (list: typeof queues) => list.map((queue) => `  ${queueText(queue)}`);
  const lines = [`SMMU ${smmu.numbers[0] ?? 0}:`, ...rows(queues)];
  if (lent) {
    const state = lent.enabled ? 'enabled' : 'disabled';
    lines.push(`VINTF ${lent.index}: ${state}, VMID ${lent.vmid}`, ...rows(lent.queues));
  }
  return `${lines.join('\n')}\n`;
}

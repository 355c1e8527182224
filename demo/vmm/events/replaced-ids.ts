// SPDX-License-Identifier: MIT
// The identifiers of a guest's command that are replaced on its way to the SMMU.

import { decodeCommand } from '../../../devices/decode/index.ts';
import type { BoardMachine } from '../../../vmm/boards/index.ts';
import { hexOf } from './changes.ts';

/** A sentence for each. @param vm name of the machine. */
export function replacedIds(
  board: BoardMachine | undefined,
  vm: string,
  words: Uint32Array,
): string[] {
  const smmu = board?.smmus[0]?.smmu;
  if (!smmu) return [];
  const { fields } = decodeCommand(words);
  const numberOf = (wanted: string) => {
    const found = fields.find(({ name }) => name === wanted);
    return found && Number(found.value);
  };
  const texts: string[] = [];
  const vmid = numberOf('VMID');
  if (vmid !== undefined && vmid !== smmu.vmid)
    texts.push(`VMID ${vmid} in the command is replaced: ${smmu.vmid}, that of ${vm}.`);
  const sid = numberOf('StreamID');
  const physical = sid === undefined ? undefined : smmu.streams.get(sid);
  if (sid !== undefined && physical !== undefined && physical !== sid)
    texts.push(
      `StreamID ${hexOf(sid)} in the command is replaced: ${hexOf(physical)}, the physical one.`,
    );
  return texts;
}

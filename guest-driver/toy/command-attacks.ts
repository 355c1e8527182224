// SPDX-License-Identifier: MIT
// Attacks through the fields of commands: other machines' VMIDs and StreamIDs, on the
// VCMDQ and on the trapped CMDQ.

import { ATC_INV_SIZE_ALL } from '../../assembly/layout/commands';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers';
import {
  buildAtcInv,
  buildCfgiAll,
  buildCfgiSte,
  buildTlbiNhAll,
  buildTlbiNhAsid,
  buildTlbiNhVa,
  buildTlbiNsnhAll,
  buildTlbiS2Ipa,
  buildTlbiS12Vmall,
} from '../driver/build-commands';
import { cmdq } from '../driver/driver-queues';
import { processorQueue } from '../driver/get-cmdq';
import { issue } from '../driver/issue';
import { RESULT_OK } from '../driver/result';
import { gpaOf } from '../runtime/abi';
import { put, putDecimal } from '../runtime/text';
import { ASID, LIVE_IOVA } from './address-space';
import { beginAttack, endAttack } from './attack-bracket';
import { foreignSid, isOwnSid, SIDS, VMIDS } from './foreign-ids';
import { accepted, rawCommand, refused } from './queue-steps';
import { directName, toy, usesCmdqv } from './toy-state';

/**
 * Sends every invalidation that a VCMDQ or ECMDQ supports, with every VMID: all complete,
 * and affect only this machine.
 */
export function vmidAttack(): void {
  beginAttack(1);
  const queue = processorQueue();
  const errors = queue.errors;
  const commands = rawCommand();
  let completed: u32 = 0;
  for (let vmid: u32 = 0; vmid < VMIDS; vmid++) {
    buildTlbiNhAsid(commands, vmid, ASID);
    buildTlbiNhVa(commands + CMDQ_ENTRY_SIZE, vmid, ASID, LIVE_IOVA);
    if (usesCmdqv()) {
      buildTlbiS12Vmall(commands + 2 * CMDQ_ENTRY_SIZE, vmid);
      buildTlbiS2Ipa(commands + 3 * CMDQ_ENTRY_SIZE, vmid, gpaOf(toy().live));
    } else {
      buildTlbiNhAll(commands + 2 * CMDQ_ENTRY_SIZE, vmid);
      buildTlbiNsnhAll(commands + 3 * CMDQ_ENTRY_SIZE);
    }
    if (issue(queue, commands, 4, true) == RESULT_OK && queue.errors == errors) completed++;
  }
  putDecimal(completed);
  put(' of ');
  putDecimal(VMIDS);
  put(
    usesCmdqv()
      ? ' VMIDs: NH_ASID, NH_VA, S12_VMALL, S2_IPA complete on the '
      : ' VMIDs: NH_ASID, NH_VA, NH_ALL, NSNH_ALL complete on the ',
  );
  put(directName());
  endAttack('attack-vmid-fields', completed == VMIDS);
}

/**
 * Sends ATC_INV with other machines' StreamIDs: each unmatched one is an illegal command.
 * The guest's own is accepted.
 */
export function sidAttack(): void {
  beginAttack(2);
  let illegal: u32 = 0;
  let tried: u32 = 0;
  for (let i: u32 = 0; i < SIDS; i++) {
    const sid = foreignSid(i);
    if (isOwnSid(sid)) continue;
    buildAtcInv(rawCommand(), sid, 0, ATC_INV_SIZE_ALL);
    tried++;
    if (refused(rawCommand())) illegal++;
  }
  buildAtcInv(rawCommand(), toy().sid, 0, ATC_INV_SIZE_ALL);
  const own = accepted(rawCommand());
  putDecimal(illegal);
  put(' of ');
  putDecimal(tried);
  put(' foreign StreamIDs end in CERROR_ILL, the own one ');
  put(own ? 'completes' : 'does not complete');
  endAttack('attack-sid-fields', illegal == tried && own);
}

/**
 * Sends the commands that only the trapped CMDQ supports: all entries of a VMID, all
 * entries, and the configuration of other machines' streams.
 */
export function trappedAttack(): void {
  beginAttack(3);
  const queue = cmdq();
  const errors = queue.errors;
  const command = rawCommand();
  let completed: u32 = 0;
  for (let vmid: u32 = 0; vmid < VMIDS; vmid++) {
    buildTlbiNhAll(command, vmid);
    if (issue(queue, command, 1, true) == RESULT_OK) completed++;
  }
  buildTlbiNsnhAll(command);
  if (issue(queue, command, 1, true) == RESULT_OK) completed++;
  buildCfgiAll(command);
  if (issue(queue, command, 1, true) == RESULT_OK) completed++;
  for (let i: u32 = 0; i < SIDS; i++) {
    buildCfgiSte(command, foreignSid(i));
    if (issue(queue, command, 1, true) == RESULT_OK) completed++;
  }
  const expected = VMIDS + 2 + SIDS;
  putDecimal(completed);
  put(' of ');
  putDecimal(expected);
  put(' batches complete on the CMDQ: NH_ALL, NSNH_ALL, CFGI_ALL, CFGI_STE');
  endAttack('attack-cmdq', completed == expected && queue.errors == errors);
}

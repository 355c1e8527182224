// SPDX-License-Identifier: MIT
// Attacks through the registers of the guest's own VINTF. They are shadows: the host's
// settings stay in force, so that the guest's commands have the same results as without
// the writes. The registers are restored afterwards.

import {
  CMDQ_ALLOC_ALLOCATED,
  CMDQ_ALLOC_LVCMDQ,
  CMDQ_ALLOC_VINTF,
  CMDQV_CMDQ_ALLOC,
  SID_MATCH_ENABLE,
  SID_MATCH_VIRT_SID,
  VINTF_CONFIG,
  VINTF_CONFIG_VMID,
  VINTF_SID_MATCH,
  VINTF_SID_REPLACE,
} from '../../assembly/layout/cmdqv-registers';
import { ATC_INV_SIZE_ALL } from '../../assembly/layout/commands';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers';
import { buildAtcInv, buildTlbiNhAsid, buildTlbiS12Vmall } from '../driver/build-commands';
import { cmdqv } from '../driver/cmdqv';
import { vintfGpa } from '../driver/cmdqv-reset';
import { processorQueue } from '../driver/get-cmdq';
import { issue } from '../driver/issue';
import { RESULT_OK } from '../driver/result';
import { place } from '../runtime/guest-fields';
import { read32, write32 } from '../runtime/mmio';
import { put, putDecimal } from '../runtime/text';
import { ASID } from './address-space';
import { beginAttack, endAttack } from './attack-bracket';
import { foreignSid, isOwnSid, SIDS, VMIDS } from './foreign-ids';
import { accepted, rawCommand, refused } from './queue-steps';
import { toy } from './toy-state';

/** A StreamID that no device of the guest has. */
const UNUSED_SID: u32 = 0x55;
/**
 * VINTF and LVCMDQ numbers that are written to CMDQ_ALLOC, also to registers after the
 * last queue's.
 */
const VINTFS: u32 = 16;
const LVCMDQS: u32 = 4;
const EXTRA_QUEUES: u32 = 14;

/**
 * Sends TLBI_NH_ASID and TLBI_S12_VMALL with VMID 0 on the VCMDQ. True when they
 * complete.
 */
function invalidateOwn(): bool {
  const queue = processorQueue();
  const errors = queue.errors;
  buildTlbiNhAsid(rawCommand(), 0, ASID);
  buildTlbiS12Vmall(rawCommand() + CMDQ_ENTRY_SIZE, 0);
  return issue(queue, rawCommand(), 2, true) == RESULT_OK && queue.errors == errors;
}

/** Sets VINTF_CONFIG.VMID to other machines' VMIDs. */
export function vintfVmidAttack(): void {
  beginAttack(4);
  const gpa = vintfGpa(VINTF_CONFIG);
  const config = read32(gpa);
  const others = config & ~place(VINTF_CONFIG_VMID, 0xffff);
  let completed: u32 = 0;
  for (let vmid: u32 = 0; vmid < VMIDS; vmid++) {
    write32(gpa, others | place(VINTF_CONFIG_VMID, vmid));
    if (invalidateOwn()) completed++;
  }
  write32(gpa, config);
  putDecimal(completed);
  put(' of ');
  putDecimal(VMIDS);
  put(' values of VINTF_CONFIG.VMID: NH_ASID and S12_VMALL complete');
  endAttack('attack-vintf-vmid', completed == VMIDS && read32(gpa) == config);
}

function writePair(pair: u32, virtSid: u32, physSid: u32): void {
  write32(vintfGpa(VINTF_SID_REPLACE) + pair * 4, physSid);
  write32(
    vintfGpa(VINTF_SID_MATCH) + pair * 4,
    place(SID_MATCH_VIRT_SID, virtSid) | place(SID_MATCH_ENABLE, 1),
  );
}

function clearPair(pair: u32): void {
  write32(vintfGpa(VINTF_SID_MATCH) + pair * 4, 0);
  write32(vintfGpa(VINTF_SID_REPLACE) + pair * 4, 0);
}

/**
 * Writes two pairs that map an unused and the guest's own StreamID to other machines'
 * StreamIDs: the unused one stays unmatched.
 */
export function sidPairAttack(): void {
  beginAttack(5);
  const last = cmdqv().sidCount - 1;
  let held: u32 = 0;
  let tried: u32 = 0;
  for (let i: u32 = 0; i < SIDS; i++) {
    const sid = foreignSid(i);
    if (isOwnSid(sid)) continue;
    const pair = i % last;
    writePair(pair, UNUSED_SID, sid);
    writePair(last, toy().sid, sid);
    tried++;
    buildAtcInv(rawCommand(), UNUSED_SID, 0, ATC_INV_SIZE_ALL);
    const unmatched = refused(rawCommand());
    buildAtcInv(rawCommand(), toy().sid, 0, ATC_INV_SIZE_ALL);
    if (unmatched && accepted(rawCommand())) held++;
    clearPair(pair);
    clearPair(last);
  }
  putDecimal(held);
  put(' of ');
  putDecimal(tried);
  put(' SID pairs pointing at foreign StreamIDs change nothing');
  endAttack('attack-sid-pairs', held == tried);
}

/**
 * Assigns the guest's queues, and queues that it does not have, to other VINTFs and
 * slots.
 */
export function allocationAttack(): void {
  beginAttack(6);
  const state = cmdqv();
  let completed: u32 = 0;
  let tried: u32 = 0;
  for (let queue: u32 = 0; queue < state.vcmdqCount + EXTRA_QUEUES; queue++) {
    const gpa = state.gpa + CMDQV_CMDQ_ALLOC + queue * 4;
    const before = read32(gpa);
    for (let vintf: u32 = 0; vintf < VINTFS; vintf++) {
      for (let lvcmdq: u32 = 0; lvcmdq < LVCMDQS; lvcmdq++) {
        write32(
          gpa,
          place(CMDQ_ALLOC_VINTF, vintf) |
            place(CMDQ_ALLOC_LVCMDQ, lvcmdq) |
            place(CMDQ_ALLOC_ALLOCATED, 1),
        );
      }
      tried++;
      if (invalidateOwn()) completed++;
    }
    write32(gpa, before);
  }
  const restored = invalidateOwn();
  putDecimal(completed);
  put(' of ');
  putDecimal(tried);
  put(' ownership changes through CMDQ_ALLOC: the own queue goes on');
  endAttack('attack-cmdq-alloc', completed == tried && restored);
}

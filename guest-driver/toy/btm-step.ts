// SPDX-License-Identifier: MIT
// Step 23: broadcast TLB maintenance. The device shares its ASID with the vCPUs (CD.ASET
// = 0), so that a vCPU's TLBI also invalidates the device's entries, without a command.

import { DMA_STATUS_DONE, DMA_STATUS_READ_FAULT } from '../../assembly/layout/dma-engine-registers';
import { ABI_TLBI_ALL, ABI_TLBI_VA } from '../../assembly/layout/guest-abi';
import { IDR0_BTM } from '../../assembly/layout/smmu-registers';
import { invalidatePages } from '../driver/invalidate-pages';
import { RESULT_NO_MEMORY, RESULT_OK } from '../driver/result';
import { smmu } from '../driver/smmu';
import { allocateContextDescriptors, writeContextDescriptor } from '../driver/stage1-cd';
import { mapPages, unmapPages } from '../driver/stage1-table';
import { attachStage1, detachStream } from '../driver/stream-table';
import { exitCount, gpaOf } from '../runtime/abi';
import { bitsOf } from '../runtime/guest-fields';
import { put, putDecimal } from '../runtime/text';
import { dsb, tlbi } from '../runtime/vsmmu';
import { ASID, fillWords, SOURCE_IOVA } from './address-space';
import { beginAttack, endAttack } from './attack-bracket';
import { putResult } from './bring-up-steps';
import { check } from './checkpoint-report';
import { dmaVerify } from './dma-requests';
import { BTM_VMIDS } from './experiments';
import { toy } from './toy-state';

const PROBE_BYTES: u32 = 256;
const PATTERN: u32 = 0x88888888;
/** An ASID that vCPUs and device share, and that no other CD of the SMMU has. */
const SHARED_ASID: u32 = 0x51;
/** Number of the attack: it follows those of the VCMDQs and of the ring. */
const ATTACK_KIND: u32 = 8;
/** Most calls for one DSB: it waits for accesses in progress, which end by themselves. */
const MOST_DSBS = 1000;

/** Whether TLBIs of the vCPUs reach the SMMU. */
export function hasBtm(): bool {
  return bitsOf(smmu().idr0, IDR0_BTM) != 0;
}

/** Issues a TLBI of this vCPU, followed by a DSB. */
function tlbiAndDsb(operation: i32, asid: i32, iova: u64): bool {
  tlbi(operation, asid, iova);
  let before: i64 = 0;
  for (let calls = 0; calls < MOST_DSBS; calls++) {
    before = dsb(before);
    if (before == 0) return true;
  }
  return false;
}

/** Attaches the stream to another CD for the toy's tables. */
function attach(cd: usize): i32 {
  const state = toy();
  const result = detachStream(state.sid);
  return result == RESULT_OK ? attachStage1(state.sid, cd, 0) : result;
}

/** Unmaps the page from the tables while the TLB has it. */
function unmapInUse(): bool {
  return (
    dmaVerify(SOURCE_IOVA, PATTERN, PROBE_BYTES) == DMA_STATUS_DONE &&
    unmapPages(toy().table, SOURCE_IOVA, 1) == 1
  );
}

function remap(): void {
  mapPages(toy().table, SOURCE_IOVA, gpaOf(toy().source), 1, false);
}

/** @returns DMA_STATUS_* of the device after a TLBI of the page that was unmapped. */
function statusAfterTlbi(asid: i32, what: string): u32 {
  const exits = exitCount();
  const complete = tlbiAndDsb(ABI_TLBI_VA, asid, SOURCE_IOVA);
  const taken = exitCount() - exits;
  const status = dmaVerify(SOURCE_IOVA, PATTERN, PROBE_BYTES);
  put(what);
  putDecimal(taken);
  put(' exits, DMA status ');
  putDecimal(status);
  return complete && taken == 0 ? status : 0;
}

/** An ASID that the vCPUs share: their TLBI also applies to the device. */
function sharedAsid(cd: usize): void {
  const state = toy();
  writeContextDescriptor(cd, state.table, SHARED_ASID, true);
  const result = attach(cd);
  const unmapped = unmapInUse();
  const status = statusAfterTlbi(SHARED_ASID, 'PTE cleared, TLBI VAE1IS and DSB of the vCPU: ');
  putResult(result);
  check('btm-tlbi', result == RESULT_OK && unmapped && status == DMA_STATUS_READ_FAULT);
  remap();
}

/** An ASID of the SMMU's own: only a command invalidates it. */
function ownAsid(): void {
  const state = toy();
  let result = attach(state.cd);
  const unmapped = unmapInUse();
  const status = statusAfterTlbi(ASID, 'CD.ASET 1: ');
  if (result == RESULT_OK) result = invalidatePages(ASID, SOURCE_IOVA, 1);
  const after = dmaVerify(SOURCE_IOVA, PATTERN, PROBE_BYTES);
  put(', ');
  putDecimal(after);
  put(' after TLBI_NH_VA');
  putResult(result);
  check(
    'btm-aset',
    result == RESULT_OK && unmapped && status == DMA_STATUS_DONE && after == DMA_STATUS_READ_FAULT,
  );
  remap();
}

/**
 * Invalidates everything under the vCPU's VMID, while the host compares the state of the
 * other machines.
 */
function invalidateAll(): void {
  beginAttack(ATTACK_KIND);
  const complete = tlbiAndDsb(ABI_TLBI_ALL, 0, 0);
  put('TLBI VMALLE1IS of the vCPU');
  endAttack('attack-btm', complete);
}

/** The host's bug: its processors use another VMID for the VM than its SMMU. */
function otherVmid(cd: usize): void {
  const state = toy();
  writeContextDescriptor(cd, state.table, SHARED_ASID, true);
  let result = attach(cd);
  const unmapped = unmapInUse();
  const status = statusAfterTlbi(SHARED_ASID, 'PTE cleared, TLBI under another VMID: ');
  check('btm-other-vmid', result == RESULT_OK && unmapped && status == DMA_STATUS_DONE);
  result = invalidatePages(SHARED_ASID, SOURCE_IOVA, 1);
  remap();
  invalidateAll();
  if (result == RESULT_OK) result = attach(state.cd);
  putResult(result);
}

export function btmStep(): void {
  const state = toy();
  const cd = allocateContextDescriptors(0);
  fillWords(state.source, PATTERN, PROBE_BYTES);
  if (cd == 0) {
    putResult(RESULT_NO_MEMORY);
    check('btm-tlbi', false);
    return;
  }
  if (state.experiment == BTM_VMIDS) {
    otherVmid(cd);
    return;
  }
  sharedAsid(cd);
  ownAsid();
  if (state.machines > 1) invalidateAll();
}

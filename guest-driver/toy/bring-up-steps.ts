// SPDX-License-Identifier: MIT
// Steps 1 to 6: discovery of the board, and bring-up of SMMU and CMDQV.

import {
  CMDQV_VINTF,
  VINTF_CONFIG,
  VINTF_CONFIG_HYP_OWN,
} from '../../assembly/layout/cmdqv-registers';
import { ABI_KIND_CHECKPOINT, ABI_KIND_DMA, ABI_NO_STREAM } from '../../assembly/layout/guest-abi';
import { clearCmdqv, cmdqv } from '../driver/cmdqv';
import { allocateVcmdqs, probeCmdqv } from '../driver/cmdqv-probe';
import { resetCmdqv } from '../driver/cmdqv-reset';
import { clearQueues, cmdq, ecmdq, vcmdq } from '../driver/driver-queues';
import { allocateEcmdqs, probeEcmdqs, resetEcmdqs } from '../driver/ecmdq-reset';
import { clearEcmdqs, ecmdqs } from '../driver/ecmdqs';
import { directQueue, directQueues } from '../driver/get-cmdq';
import { invalidateAsid } from '../driver/invalidate-pages';
import { RESULT_NO_DEVICE, RESULT_OK } from '../driver/result';
import { smmu } from '../driver/smmu';
import { probeSmmu } from '../driver/smmu-probe';
import { resetSmmu } from '../driver/smmu-reset';
import { allocateStructures } from '../driver/smmu-structures';
import { abiPresent, machineIndex, memorySize } from '../runtime/abi';
import { flushLineToUart } from '../runtime/console';
import { deviceGpa, deviceStream, findDevice } from '../runtime/device-table';
import { directMapOf } from '../runtime/direct-map';
import { bitsOf, place } from '../runtime/guest-fields';
import { read32, write32 } from '../runtime/mmio';
import { resetPages } from '../runtime/pages';
import { put, putDecimal, putHex } from '../runtime/text';
import { ASID, buildAddressSpace } from './address-space';
import { check, need } from './checkpoint-report';
import { directName, PATH_TRAPPED, toy, usesCmdqv, usesDirect } from './toy-state';

/** Appends a driver result when it is an error. */
export function putResult(result: i32): void {
  if (result == RESULT_OK) return;
  put(', error ');
  putDecimal(-result);
}

export function environmentStep(): void {
  put('vsmmu toy guest: UART up, machine ');
  putDecimal(machineIndex());
  flushLineToUart();
  resetPages();
  const state = toy();
  const checkpoint = findDevice(ABI_KIND_CHECKPOINT);
  state.checkpointGpa = checkpoint == 0 ? 0 : deviceGpa(checkpoint);
  const engine = findDevice(ABI_KIND_DMA);
  state.dmaGpa = engine == 0 ? 0 : deviceGpa(engine);
  state.sid = engine == 0 ? ABI_NO_STREAM : deviceStream(engine);
  put('memory ');
  putDecimal(memorySize() >> 20);
  put(' MiB, DMA engine with StreamID ');
  putHex(state.sid);
  need('environment', abiPresent() && engine != 0 && checkpoint != 0);
  if (state.argumentsLost == 0) return;
  put('there are more than 16, or more than 2048 bytes of them');
  need('arguments', false);
}

// A machine may have no CMDQV: the driver then continues like one that does not support
// it.
function probeStepOfCmdqv(): void {
  const result = probeCmdqv();
  if (result == RESULT_NO_DEVICE) {
    toy().path = PATH_TRAPPED;
    put('no CMDQV: invalidations go through the CMDQ');
  } else {
    putDecimal(cmdqv().vintfCount);
    put(' VINTF, ');
    putDecimal(cmdqv().vcmdqCount);
    put(' VCMDQ, ');
    putDecimal(cmdqv().sidCount);
    put(' SID pairs');
    putResult(result);
  }
  need('probe-cmdqv', result == RESULT_OK || result == RESULT_NO_DEVICE);
}

export function probeStep(): void {
  clearQueues();
  clearCmdqv();
  clearEcmdqs();
  if (usesCmdqv()) probeStepOfCmdqv();
  const result = probeSmmu();
  put('IDR0 ');
  putHex(smmu().idr0);
  put(' IDR1 ');
  putHex(smmu().idr1);
  put(' IDR3 ');
  putHex(smmu().idr3);
  put(' IDR5 ');
  putHex(smmu().idr5);
  putResult(result);
  if (!need('probe-smmu', result == RESULT_OK) || !usesDirect() || usesCmdqv()) return;
  const found = probeEcmdqs();
  putDecimal(ecmdqs().count);
  put(' ECMDQs, ');
  putDecimal(ecmdqs().stride >> 10);
  put(' KiB apart');
  putResult(found);
  need('probe-ecmdq', found == RESULT_OK);
}

/**
 * A guest may request HYP_OWN and does not get it: that is how it learns that it is a
 * guest.
 */
export function hypOwnStep(): void {
  const gpa = cmdqv().gpa + CMDQV_VINTF + VINTF_CONFIG;
  write32(gpa, place(VINTF_CONFIG_HYP_OWN, 1));
  const config = read32(gpa);
  write32(gpa, 0);
  put('VINTF_CONFIG reads ');
  putHex(config);
  check('hyp-own-zero', bitsOf(config, VINTF_CONFIG_HYP_OWN) == 0);
}

export function tablesStep(): void {
  let result = allocateStructures();
  if (result == RESULT_OK) result = buildAddressSpace();
  put('stream table of ');
  putDecimal((<u64>1) << smmu().streamLog2);
  put(' STEs, CD for ASID ');
  putDecimal(ASID);
  put(', stage-1 tables');
  putResult(result);
  need('tables', result == RESULT_OK);
}

export function smmuResetStep(): void {
  const result = resetSmmu();
  put('CMDQ of ');
  putDecimal((<u64>1) << cmdq().log2size);
  put(' entries, event queue, CR0 ');
  putHex(smmu().cr0);
  putResult(result);
  need('smmu-reset', result == RESULT_OK);
}

export function cmdqvResetStep(): void {
  let result = allocateVcmdqs();
  if (result == RESULT_OK) result = resetCmdqv();
  put('VINTF 0 with ');
  putDecimal(cmdqv().lvcmdqCount);
  put(' VCMDQs of ');
  putDecimal((<u64>1) << vcmdq(0).log2size);
  put(' entries, HYP_OWN ');
  putDecimal(cmdqv().hypOwn);
  putResult(result);
  if (!need('cmdqv-reset', result == RESULT_OK && cmdqv().hypOwn == 0)) return;

  put('page 0 of VINTF 0');
  need('page0-direct', directMapOf(vcmdq(0).prodGpa) != 0);
  batchOnEach('vcmdq-batches');
}

export function ecmdqResetStep(): void {
  let result = allocateEcmdqs();
  if (result == RESULT_OK) result = resetEcmdqs();
  putDecimal(ecmdqs().count);
  put(' ECMDQs of ');
  putDecimal((<u64>1) << ecmdq(0).log2size);
  put(' entries');
  putResult(result);
  if (!need('ecmdq-reset', result == RESULT_OK)) return;

  let direct: u32 = 0;
  for (let i: u32 = 0; i < ecmdqs().count; i++)
    if (directMapOf(ecmdq(i).prodGpa) != 0 && directMapOf(ecmdq(i).consGpa) != 0) direct++;
  putDecimal(direct);
  put(' with PROD and CONS in guest memory');
  need('ecmdq-direct', direct == ecmdqs().count);
  batchOnEach('ecmdq-batches');
}

/** Each processor has its own queue; this one plays the role of each in turn. */
function batchOnEach(name: string): void {
  const count = directQueues();
  let served: u32 = 0;
  for (let cpu: u32 = 0; cpu < count; cpu++) {
    const before = directQueue(cpu).prod;
    cmdqv().cpu = cpu;
    if (invalidateAsid(ASID) == RESULT_OK && directQueue(cpu).prod == before + 2) served++;
  }
  cmdqv().cpu = 0;
  putDecimal(served);
  put(' ');
  put(directName());
  put('s completed TLBI_NH_ASID and CMD_SYNC');
  need(name, served == count);
}

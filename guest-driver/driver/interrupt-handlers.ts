// SPDX-License-Identifier: MIT
// Handlers of the SMMU's and the CMDQV's interrupts, called at safe points: in poll loops
// and at the end of a guest's step.

import {
  CMDQV_LOGICAL_PAGE0,
  CMDQV_VINTF,
  CMDQV_VINTF_ERR_MAP,
  VCMDQ_GERROR,
  VCMDQ_GERROR_CMDQ_ERR,
  VCMDQ_GERRORN,
  VCMDQ_STRIDE,
  VINTF_LVCMDQ_ERR_MAP,
} from '../../assembly/layout/cmdqv-registers';
import { ABI_MAX_SMMUS } from '../../assembly/layout/guest-abi';
import {
  ECMDQ_CONS_ERR,
  ECMDQ_PROD_ERRACK,
  GERROR_CMDQ_ERR,
  GERROR_CMDQP_ERR,
  SMMU_GERROR,
  SMMU_GERRORN,
} from '../../assembly/layout/smmu-registers';
import { bitsOf, place } from '../runtime/guest-fields';
import { anyPending, takeInterrupt } from '../runtime/interrupts';
import { read32, read64, write32 } from '../runtime/mmio';
import { acknowledgeMaps } from '../runtime/safe-point';
import { cmdqv } from './cmdqv';
import { cmdq, ecmdq, vcmdq } from './driver-queues';
import { ecmdqs } from './ecmdqs';
import { skipError } from './error-skip';
import { drainEvents } from './event-queue';
import { selectedSmmu, selectSmmu } from './selected-smmu';
import { smmu } from './smmu';

/**
 * Handles GERROR.CMDQP_ERR: skips the error of every queue that has one. GERROR is
 * acknowledged already, so that the next error raises it again.
 */
function serveEcmdqs(): void {
  const state = ecmdqs();
  for (let i: u32 = 0; i < state.count; i++) {
    const queue = ecmdq(i);
    const cons = read32(queue.consGpa);
    if (
      queue.enabled == 0 ||
      bitsOf(cons, ECMDQ_CONS_ERR) == bitsOf(queue.flags, ECMDQ_PROD_ERRACK)
    )
      continue;
    skipError(queue);
    // The store resumes the queue, so the ring must be consistent before it.
    queue.flags ^= place(ECMDQ_PROD_ERRACK, 1);
    write32(queue.prodGpa, queue.prod | queue.flags);
  }
}

function serveGerror(): void {
  const gpa = smmu().gpa;
  const gerror = read32(gpa + SMMU_GERROR);
  const active = gerror ^ read32(gpa + SMMU_GERRORN);
  if (active == 0) return;
  if (bitsOf(active, GERROR_CMDQ_ERR) != 0) skipError(cmdq());
  else if (bitsOf(active, GERROR_CMDQP_ERR) == 0) smmu().otherErrors++;
  write32(gpa + SMMU_GERRORN, gerror);
  if (bitsOf(active, GERROR_CMDQP_ERR) != 0) serveEcmdqs();
}

function serveLvcmdq(lvcmdq: u32): void {
  const registers = cmdqv().gpa + CMDQV_LOGICAL_PAGE0 + lvcmdq * VCMDQ_STRIDE;
  const gerror = read32(registers + VCMDQ_GERROR);
  const active = gerror ^ read32(registers + VCMDQ_GERRORN);
  if (bitsOf(active, VCMDQ_GERROR_CMDQ_ERR) != 0) skipError(vcmdq(lvcmdq));
  // The store resumes the queue, so the ring must be consistent before it.
  if (active != 0) write32(registers + VCMDQ_GERRORN, gerror);
}

/**
 * Handles every LVCMDQ of VINTF 0 whose bit is set; the driver does not use other VINTFs.
 */
function serveCmdqv(): void {
  const state = cmdqv();
  // An interrupt can arrive before the queues exist.
  if (state.vintfEnabled == 0) return;
  if ((read32(state.gpa + CMDQV_VINTF_ERR_MAP) & 1) == 0) return;
  for (let word: u32 = 0; word < 2; word++) {
    let map = read64(state.gpa + CMDQV_VINTF + VINTF_LVCMDQ_ERR_MAP + word * 8);
    while (map != 0) {
      const lvcmdq = word * 64 + <u32>ctz(map);
      map &= map - 1;
      if (lvcmdq < state.lvcmdqCount) serveLvcmdq(lvcmdq);
    }
  }
}

function serveSmmu(): void {
  if (smmu().probed == 0) return;
  if (takeInterrupt(smmu().eventIrq)) drainEvents();
  if (takeInterrupt(smmu().gerrorIrq)) serveGerror();
  if (cmdqv().present != 0 && takeInterrupt(cmdqv().irq)) serveCmdqv();
}

/**
 * A safe point: acknowledges the map epoch and handles pending interrupts of every SMMU.
 */
export function serviceInterrupts(): void {
  acknowledgeMaps();
  if (!anyPending()) return;
  const selected = selectedSmmu();
  for (let number: u32 = 0; number < <u32>ABI_MAX_SMMUS; number++) {
    selectSmmu(number);
    serveSmmu();
  }
  selectSmmu(selected);
}

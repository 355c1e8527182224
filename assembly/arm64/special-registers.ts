// SPDX-License-Identifier: MIT
// System registers that are more than storage.

import {
  ARM64_CNTP_CTL,
  ARM64_CNTP_CVAL,
  ARM64_CNTV_CTL,
  ARM64_CNTV_CVAL,
  ARM64_COUNT,
  ARM64_DAIF,
  ARM64_EL,
  ARM64_LATEST,
  ARM64_NZCV,
  ARM64_OS_LOCK,
  ARM64_PAN,
  ARM64_PENDING,
  ARM64_SPSEL,
  ARM64_TIME,
  ARM64_TIME_COUNT,
  ARM64_TIME_RATE,
  BANK_MAIR,
  BANK_SCTLR,
  BANK_SP,
  BANK_TCR,
  BANK_TTBR0,
  BANK_TTBR1,
} from '../layout/arm64-state';
import { CNT_CTL_ENABLE, CNT_CTL_IMASK } from '../layout/timer-control';
import { compareOf, controlRead, timerValue } from '../lib/generic-timer';
import { bank, DAIF_ALL, PSTATE_PAN, setLevel } from './exception';
import { isThreaded } from './inboxes';
import { unsignedHigh } from './operations';
import { peerOf } from './peers';
import { setRegister } from './registers';
import { regimeOf } from './stage1-walk';
import {
  REGISTER_CNTP_CTL_EL0,
  REGISTER_CNTP_CVAL_EL0,
  REGISTER_CNTP_TVAL_EL0,
  REGISTER_CNTPCT_EL0,
  REGISTER_CNTV_CTL_EL0,
  REGISTER_CNTV_CVAL_EL0,
  REGISTER_CNTV_TVAL_EL0,
  REGISTER_CNTVCT_EL0,
  REGISTER_CurrentEL,
  REGISTER_DAIF,
  REGISTER_DCZID_EL0,
  REGISTER_ISR_EL1,
  REGISTER_MAIR_EL1,
  REGISTER_NZCV,
  REGISTER_OSLAR_EL1,
  REGISTER_OSLSR_EL1,
  REGISTER_PAN,
  REGISTER_SCTLR_EL1,
  REGISTER_SP_EL0,
  REGISTER_SPSel,
  REGISTER_TCR_EL1,
  REGISTER_TTBR0_EL1,
  REGISTER_TTBR1_EL1,
} from './system-registers';
import { flushAll, flushLower } from './tlb';

// SCTLR_EL1: writable bits, and bits that are always 1 (EL0 has no AArch32: ITD and SED).
const SCTLR_WRITABLE: u64 = 0x048dd21f;
export const SCTLR_ONES: u64 = 0x30500980;
/** TCR_EL1 without HA, HD, HPD and the fields of later versions. */
const TCR_WRITABLE: u64 = 0x77ffbfffbf;
/** DC ZVA is prohibited (DZP); its block has 64 bytes. */
const DCZID_BS: u64 = 4;
const DCZID_DZP: u64 = 1 << 4;
/** SCTLR_EL1: EL0 may use DC ZVA. */
export const SCTLR_DZE: u64 = 1 << 14;
/** CNTx_CTL without ISTATUS. */
const CONTROL_BITS: u64 = CNT_CTL_ENABLE | CNT_CTL_IMASK;

/** The counter, virtual and physical: there is no offset without EL2. */
function counter(cpu: usize): u64 {
  const since = load<u64>(cpu, ARM64_COUNT) - load<u64>(cpu, ARM64_TIME_COUNT);
  const rate = load<u64>(cpu, ARM64_TIME_RATE);
  const time =
    load<u64>(cpu, ARM64_TIME) + ((since * rate) >> 32) + (unsignedHigh(since, rate) << 32);
  return isThreaded(cpu) ? latest(cpu, time) : time;
}

/**
 * The counter for vCPUs on their own threads, each of which has its own estimate of the
 * time: no read returns less than an earlier read by any of them.
 */
function latest(cpu: usize, time: u64): u64 {
  const at = peerOf(cpu, 0) + ARM64_LATEST;
  let seen = atomic.load<u64>(at);
  while (time > seen) {
    const found = atomic.cmpxchg<u64>(at, seen, time);
    if (found == seen) return time;
    seen = found;
  }
  return seen;
}

/** CNTx_CTL. */
function control(cpu: usize, ctl: usize, cval: usize): u64 {
  return controlRead(u32(load<u64>(cpu + ctl)), load<u64>(cpu + cval), counter(cpu));
}

/** MRS; false where it is UNDEFINED. */
export function readSpecial(cpu: usize, encoding: u32, rt: u32): bool {
  const regime = regimeOf(cpu);
  const el = load<u32>(cpu, ARM64_EL);
  let value: u64 = 0;
  if (encoding == REGISTER_SCTLR_EL1) value = load<u64>(regime, BANK_SCTLR);
  else if (encoding == REGISTER_TCR_EL1) value = load<u64>(regime, BANK_TCR);
  else if (encoding == REGISTER_TTBR0_EL1) value = load<u64>(regime, BANK_TTBR0);
  else if (encoding == REGISTER_TTBR1_EL1) value = load<u64>(regime, BANK_TTBR1);
  else if (encoding == REGISTER_MAIR_EL1) value = load<u64>(regime, BANK_MAIR);
  else if (encoding == REGISTER_DAIF) value = u64(load<u32>(cpu, ARM64_DAIF));
  else if (encoding == REGISTER_NZCV) value = u64(load<u32>(cpu, ARM64_NZCV));
  else if (encoding == REGISTER_CurrentEL) value = u64(el << 2);
  else if (encoding == REGISTER_SPSel) value = u64(load<u32>(cpu, ARM64_SPSEL));
  else if (encoding == REGISTER_PAN) value = u64(load<u32>(cpu, ARM64_PAN));
  else if (encoding == REGISTER_SP_EL0) {
    if (load<u32>(cpu, ARM64_SPSEL) == 0) return false;
    value = load<u64>(bank(cpu, 0), BANK_SP);
  } else if (encoding == REGISTER_CNTVCT_EL0 || encoding == REGISTER_CNTPCT_EL0)
    value = counter(cpu);
  else if (encoding == REGISTER_CNTV_CTL_EL0) value = control(cpu, ARM64_CNTV_CTL, ARM64_CNTV_CVAL);
  else if (encoding == REGISTER_CNTP_CTL_EL0) value = control(cpu, ARM64_CNTP_CTL, ARM64_CNTP_CVAL);
  else if (encoding == REGISTER_CNTV_CVAL_EL0) value = load<u64>(cpu, ARM64_CNTV_CVAL);
  else if (encoding == REGISTER_CNTP_CVAL_EL0) value = load<u64>(cpu, ARM64_CNTP_CVAL);
  else if (encoding == REGISTER_CNTV_TVAL_EL0)
    value = timerValue(load<u64>(cpu, ARM64_CNTV_CVAL), counter(cpu));
  else if (encoding == REGISTER_CNTP_TVAL_EL0)
    value = timerValue(load<u64>(cpu, ARM64_CNTP_CVAL), counter(cpu));
  else if (encoding == REGISTER_DCZID_EL0) {
    const prohibited = el == 0 && (load<u64>(regime, BANK_SCTLR) & SCTLR_DZE) == 0;
    value = DCZID_BS | (prohibited ? DCZID_DZP : 0);
  } else if (encoding == REGISTER_ISR_EL1) {
    const pending = load<u32>(cpu, ARM64_PENDING);
    value = u64(((pending & 1) << 7) | ((pending & 2) << 5));
  } else if (encoding == REGISTER_OSLSR_EL1) value = 8 | (load<u64>(cpu, ARM64_OS_LOCK) << 1);
  else return false;
  setRegister(cpu, rt, value);
  return true;
}

/** Writes a register that translations in the TLBs depend on. */
function writeTranslation(cpu: usize, at: usize, value: u64): void {
  if (load<u64>(at) == value) return;
  store<u64>(at, value);
  flushAll(cpu);
}

/**
 * Changes a table or ASID. The mappings of TTBR1_EL1 are global, so they change only with
 * the table.
 */
function writeTable(cpu: usize, at: usize, value: u64, isUpper: bool): void {
  const changed = load<u64>(at) ^ value;
  if (changed == 0) return;
  store<u64>(at, value);
  if (isUpper && (changed & 0xffffffffffff) != 0) flushAll(cpu);
  else flushLower(cpu);
}

/** MSR; false where it is UNDEFINED. */
export function writeSpecial(cpu: usize, encoding: u32, value: u64): bool {
  const regime = regimeOf(cpu);
  if (encoding == REGISTER_SCTLR_EL1)
    writeTranslation(cpu, regime + BANK_SCTLR, (value & SCTLR_WRITABLE) | SCTLR_ONES);
  else if (encoding == REGISTER_TCR_EL1)
    writeTranslation(cpu, regime + BANK_TCR, value & TCR_WRITABLE);
  else if (encoding == REGISTER_MAIR_EL1) writeTranslation(cpu, regime + BANK_MAIR, value);
  else if (encoding == REGISTER_TTBR0_EL1) writeTable(cpu, regime + BANK_TTBR0, value, false);
  else if (encoding == REGISTER_TTBR1_EL1) writeTable(cpu, regime + BANK_TTBR1, value, true);
  else if (encoding == REGISTER_DAIF) store<u32>(cpu, u32(value) & DAIF_ALL, ARM64_DAIF);
  else if (encoding == REGISTER_NZCV) store<u32>(cpu, u32(value) & 0xf0000000, ARM64_NZCV);
  else if (encoding == REGISTER_SPSel) setLevel(cpu, load<u32>(cpu, ARM64_EL), u32(value) & 1);
  else if (encoding == REGISTER_PAN) store<u32>(cpu, u32(value) & PSTATE_PAN, ARM64_PAN);
  else if (encoding == REGISTER_SP_EL0) {
    if (load<u32>(cpu, ARM64_SPSEL) == 0) return false;
    store<u64>(bank(cpu, 0), value, BANK_SP);
  } else if (encoding == REGISTER_CNTV_CTL_EL0)
    store<u64>(cpu, value & CONTROL_BITS, ARM64_CNTV_CTL);
  else if (encoding == REGISTER_CNTP_CTL_EL0) store<u64>(cpu, value & CONTROL_BITS, ARM64_CNTP_CTL);
  else if (encoding == REGISTER_CNTV_CVAL_EL0) store<u64>(cpu, value, ARM64_CNTV_CVAL);
  else if (encoding == REGISTER_CNTP_CVAL_EL0) store<u64>(cpu, value, ARM64_CNTP_CVAL);
  else if (encoding == REGISTER_CNTV_TVAL_EL0)
    store<u64>(cpu, compareOf(u32(value), counter(cpu)), ARM64_CNTV_CVAL);
  else if (encoding == REGISTER_CNTP_TVAL_EL0)
    store<u64>(cpu, compareOf(u32(value), counter(cpu)), ARM64_CNTP_CVAL);
  else if (encoding == REGISTER_OSLAR_EL1) store<u64>(cpu, value & 1, ARM64_OS_LOCK);
  else return false;
  return true;
}

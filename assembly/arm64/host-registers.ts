// SPDX-License-Identifier: MIT
// Registers as a debugger on the host reads and writes them while the vCPU does not run.
// Regardless of its exception level they are those of EL1.

import { register as boardRegister } from '../imports/board';
import {
  ARM64_DAIF,
  ARM64_MMIO_VALUE,
  ARM64_NZCV,
  ARM64_PAN,
  ARM64_SP,
  ARM64_SS,
  ARM64_X,
} from '../layout/arm64-state';
import { DAIF_ALL, PSTATE_PAN, PSTATE_SS, programStatus, setLevel } from './exception';
import { readSpecial, writeSpecial } from './special-registers';
import {
  describeRegister,
  KIND_BOARD,
  KIND_SPECIAL,
  KIND_STORAGE,
  REGISTER_SP_EL0,
  registerBits,
} from './system-registers';
import { flushAll } from './tlb';

const NZCV_ALL: u32 = 0xf0000000;

/**
 * Whether the register is SP_EL0 while it is the current SP, when no MRS can access it.
 */
function isStackInUse(cpu: usize, encoding: u32): bool {
  return encoding == REGISTER_SP_EL0 && (programStatus(cpu) & 1) == 0;
}

/**
 * Executes MRS into X0 and restores X0: MRS stores its result in a general-purpose
 * register.
 */
function readIntoValue(cpu: usize, encoding: u32): bool {
  const kept = load<u64>(cpu, ARM64_X);
  const known = readSpecial(cpu, encoding, 0);
  store<u64>(cpu, load<u64>(cpu, ARM64_X), ARM64_MMIO_VALUE);
  store<u64>(cpu, kept, ARM64_X);
  return known;
}

/**
 * Stores the value of a register in ARM64_MMIO_VALUE, as MRS would read it; false when
 * there is no such register. Reading a register of the interrupt controller has its side
 * effects.
 */
export function readRegister(cpu: usize, encoding: u32): bool {
  const what = describeRegister(encoding);
  if (what == 0) return false;
  const kind = (what >> 16) & 15;
  if (kind == KIND_BOARD) return boardRegister(cpu, encoding, false);
  if (isStackInUse(cpu, encoding)) store<u64>(cpu, load<u64>(cpu, ARM64_SP), ARM64_MMIO_VALUE);
  else if (kind == KIND_SPECIAL) return readIntoValue(cpu, encoding);
  else {
    const value = kind == KIND_STORAGE ? load<u64>(cpu + (what & 0xffff)) : registerBits(encoding);
    store<u64>(cpu, value, ARM64_MMIO_VALUE);
  }
  return true;
}

/**
 * Writes a register like MSR; false when there is no such register or it cannot be
 * written.
 */
export function writeRegister(cpu: usize, encoding: u32, value: u64): bool {
  const what = describeRegister(encoding);
  const kind = (what >> 16) & 15;
  if (what == 0) return false;
  if (kind == KIND_BOARD) {
    store<u64>(cpu, value, ARM64_MMIO_VALUE);
    return boardRegister(cpu, encoding, true);
  }
  if (isStackInUse(cpu, encoding)) store<u64>(cpu, value, ARM64_SP);
  else if (kind == KIND_SPECIAL) return writeSpecial(cpu, encoding, value);
  else if (kind == KIND_STORAGE) {
    store<u64>(cpu + (what & 0xffff), value & registerBits(encoding));
    // The content of the TLBs depends on the debug registers.
    flushAll(cpu);
  }
  return true;
}

/** PSTATE in the format of SPSR. */
export function statusOf(cpu: usize): u32 {
  return programStatus(cpu) | load<u32>(cpu, ARM64_SS);
}

/**
 * Sets PSTATE without IL, in the format of SPSR; false when this CPU does not have the
 * mode.
 */
export function setStatus(cpu: usize, status: u32): bool {
  const mode = status & 0x1f;
  if (mode != 0 && mode != 4 && mode != 5) return false;
  store<u32>(cpu, status & NZCV_ALL, ARM64_NZCV);
  store<u32>(cpu, status & DAIF_ALL, ARM64_DAIF);
  store<u32>(cpu, status & PSTATE_PAN, ARM64_PAN);
  store<u32>(cpu, status & PSTATE_SS, ARM64_SS);
  setLevel(cpu, mode >> 2, mode & 1);
  return true;
}

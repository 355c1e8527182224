// What the loops of the interpreter do not look at, because it would cost each instruction
// something and hardly ever happens: such code is executed one instruction at a time
// (`step`), and looked at before.

import { ARM64_PAGE_CODE } from '../layout/arm64-records';
import { ARM64_BASE, ARM64_EL, ARM64_SP, BANK_SCTLR } from '../layout/arm64-state';
import { HANDLER_NOP, HANDLER_UNDEFINED } from './handlers';
import { regimeOf } from './stage1-walk';

// SCTLR_EL1: the stack pointer has to be aligned to 16 bytes, at EL1 and at EL0.
const SCTLR_SA: u64 = 1 << 3;
const SCTLR_SA0: u64 = 1 << 4;

/** Whether an access of which SP is the base faults. */
function isStackMisaligned(cpu: usize): bool {
  if ((load<u64>(cpu, ARM64_SP) & 15) == 0) return false;
  const checked = load<u32>(cpu, ARM64_EL) == 0 ? SCTLR_SA0 : SCTLR_SA;
  return (load<u64>(regimeOf(cpu), BANK_SCTLR) & checked) != 0;
}

/** Whether what comes next has to be looked at. */
export function isStepwise(cpu: usize): bool {
  return isStackMisaligned(cpu);
}

/** The instruction of a record of the page that `locate` has found. */
function wordOf(cpu: usize, record: usize): u32 {
  const base = load<usize>(cpu, ARM64_BASE);
  return load<u32>(load<usize>(base - ARM64_PAGE_CODE) + ((record - base) >> 1));
}

/**
 * Whether a decoded instruction takes an SP alignment fault (Arm ARM, D1.8.2): all loads and
 * stores that are implemented do, but for literals, whose field is not a register, and
 * prefetches.
 */
export function isStackFault(cpu: usize, record: usize): bool {
  if (!isStackMisaligned(cpu)) return false;
  const handler = u64(load<u16>(record));
  if (handler == HANDLER_UNDEFINED || handler == HANDLER_NOP) return false;
  const word = wordOf(cpu, record);
  const isAccess = (word & 0x0a000000) == 0x08000000;
  const isLiteral = (word & 0x3b000000) == 0x18000000;
  return isAccess && !isLiteral && ((word >> 5) & 31) == 31;
}

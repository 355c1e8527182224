// SPDX-License-Identifier: MIT
// A debugger's numbering of an arm64 vCPU's registers: those of GDB's feature
// org.gnu.gdb.aarch64.core, followed by the system registers that can be read without a
// side effect.

import {
  ARM64_REGISTER_TABLE,
  type Arm64Register,
} from '../../../assembly/layout/a64/arm64-registers.ts';
import { ARM64_PC, ARM64_SP, ARM64_X } from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Exports } from '../../../assembly/load.ts';
import type { DebugRegister } from '../debug-target.ts';
import type { Arm64Block } from './arm64-block.ts';

const GENERAL = 31;
const SP = GENERAL;
const PC = SP + 1;
const STATUS = PC + 1;
const FIRST_SYSTEM = STATUS + 1;

/** Reading these acknowledges an interrupt. */
const ACKNOWLEDGES = ['ICC_IAR0_EL1', 'ICC_IAR1_EL1'];

const SYSTEM: readonly Arm64Register[] = ARM64_REGISTER_TABLE.filter(
  ({ name, el1 }) => el1.includes('r') && !ACKNOWLEDGES.includes(name),
);

/** In the order of their numbers. */
export const ARM64_DEBUG_REGISTERS: readonly DebugRegister[] = [
  ...[...Array.from({ length: GENERAL }, (_, n) => `x${n}`), 'sp', 'pc'].map(
    (name): DebugRegister => ({ name, bits: 64, group: 'core' }),
  ),
  { name: 'cpsr', bits: 32, group: 'core' },
  ...SYSTEM.map(({ name }): DebugRegister => ({ name, bits: 64, group: 'system' })),
];

/**
 * Offset in a block of a register that is 64 bits of storage; undefined for other
 * registers.
 */
function offsetOf(register: number): number | undefined {
  if (register < GENERAL) return ARM64_X + 8 * register;
  if (register === SP) return ARM64_SP;
  return register === PC ? ARM64_PC : undefined;
}

/** The value of a register; undefined when there is none with the number. */
export function readDebugRegister(
  exports: Arm64Exports,
  block: Arm64Block,
  register: number,
): bigint | undefined {
  const offset = offsetOf(register);
  if (offset !== undefined) return block.long(offset);
  if (register === STATUS) return BigInt(exports.statusOf(block.at) >>> 0);
  const system = SYSTEM[register - FIRST_SYSTEM];
  if (!system || exports.readRegister(block.at, system.encoding) === 0) return undefined;
  return block.mmioValue;
}

/**
 * False when the register cannot be written or does not exist, or the value does not fit.
 */
export function writeDebugRegister(
  exports: Arm64Exports,
  block: Arm64Block,
  register: number,
  value: bigint,
): boolean {
  const offset = offsetOf(register);
  if (offset !== undefined) {
    block.setLong(offset, value);
    return true;
  }
  if (register === STATUS)
    return exports.setStatus(block.at, Number(BigInt.asUintN(32, value))) !== 0;
  const system = SYSTEM[register - FIRST_SYSTEM];
  if (!system?.el1.includes('w')) return false;
  return exports.writeRegister(block.at, system.encoding, value) !== 0;
}

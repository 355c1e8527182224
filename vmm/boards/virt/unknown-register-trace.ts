// SPDX-License-Identifier: MIT

import type { Arm64Board } from '../../vcpu/arm64/index.ts';
import type { BoardOptions } from '../board.ts';

/** Traces accesses to system registers that there are not. */
export function unknownRegisterTrace(
  onTrace: NonNullable<BoardOptions['onTrace']>,
): Arm64Board['unknownRegister'] {
  return ({ vcpu, register, isWrite, pc }) =>
    onTrace(`vCPU ${vcpu}`, {
      name: isWrite ? 'unknown MSR' : 'unknown MRS',
      register,
      pc: `0x${pc.toString(16)}`,
    });
}

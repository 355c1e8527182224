// A secondary vCPU's program (docs/guest-abi.md), run inline.

import { MachineError } from '../../../devices/plugin/index.ts';
import { GuestExit } from './guest-errors.ts';

/** Export of the program: (vcpu, argument). */
export const SECONDARY_ENTRY = 'vsmmu_secondary';

/**
 * Runs the program to its end on the caller's stack.
 * @throws {MachineError | GuestExit}
 */
export function runSecondary(
  program: WebAssembly.Module,
  imports: WebAssembly.Imports,
  vcpu: number,
  argument: number,
): void {
  const instance = new WebAssembly.Instance(program, imports);
  const entry = instance.exports[SECONDARY_ENTRY] as (vcpu: number, argument: number) => void;
  try {
    entry(vcpu, argument);
  } catch (cause) {
    throw cause instanceof MachineError || cause instanceof GuestExit
      ? cause
      : new MachineError(`guest vCPU ${vcpu}`, cause);
  }
}

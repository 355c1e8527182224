// SPDX-License-Identifier: MIT
// PSCI for the vCPUs of a machine: the effects of an HVC.

import type {
  Arm64Guest,
  Arm64Memory,
  Hypercall,
  HypercallResult,
} from '../../vcpu/arm64/index.ts';
import { callPsci, type PsciMachine } from './psci.ts';

/**
 * Connects PSCI calls to the vCPUs and the machine.
 * @param restart resets the machine.
 */
export function psciHypercalls(
  { ram, vcpus }: Pick<Arm64Memory, 'ram' | 'vcpus'>,
  guest: () => Arm64Guest,
  restart: () => void,
): (call: Hypercall) => HypercallResult {
  let stopped: HypercallResult = { what: 'off' };
  let waits = false;
  const machine: PsciMachine = {
    vcpus,
    powerState: (vcpu) => (guest().isOn(vcpu) ? 'on' : 'off'),
    isExecutable: (address) =>
      address >= BigInt(ram.gpa) && address < BigInt(ram.gpa) + BigInt(ram.size),
    start: (vcpu, pc, x0) => guest().startVcpu(vcpu, { pc, x0 }),
    stop(vcpu) {
      guest().stopVcpu(vcpu);
      stopped = { what: 'stopped' };
    },
    suspend() {
      waits = true;
    },
    end(how) {
      if (how === 'reset') restart();
      stopped = { what: how };
    },
  };
  return (call) => {
    waits = false;
    const x0 = callPsci(machine, call);
    return x0 === undefined ? stopped : { what: waits ? 'suspend' : 'return', x0 };
  };
}

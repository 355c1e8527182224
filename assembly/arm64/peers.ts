// SPDX-License-Identifier: MIT
// The blocks of the other vCPUs of a machine.

import { ARM64_PEERS, ARM64_VCPU_SIZE } from '../layout/arm64-state';

/** Block of a vCPU, with a number below ARM64_PEER_COUNT. */
export function peerOf(cpu: usize, vcpu: u32): usize {
  return load<usize>(cpu, ARM64_PEERS) + usize(vcpu) * ARM64_VCPU_SIZE;
}

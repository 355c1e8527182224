// SPDX-License-Identifier: MIT
// The direct maps of a machine whose only vCPU never runs: removals take effect at once.

import { DirectMaps } from '../../vmm/machine/direct-maps.ts';
import { AbiDirectMaps } from '../../vmm/vcpu/wasm/index.ts';

export function idleDirectMaps(memory: WebAssembly.Memory): DirectMaps {
  return new DirectMaps(memory, new AbiDirectMaps(memory), { count: 1, inGuest: () => false });
}

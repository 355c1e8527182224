// SPDX-License-Identifier: MIT
// The console of tests on the board `virt`. kvm-unit-tests writes its exit code there. It
// has the legacy interface, and no SMMU.

import type { Placement } from '../../../devices/bus/index.ts';
import { testdevCommands, VirtioConsole, VirtioMmio } from '../../../devices/virtio/index.ts';
import type { Arm64Memory } from '../../vcpu/arm64/index.ts';
import { PhysicalPort } from './physical-port.ts';
import { placedVirtio, VIRT_DISKS } from './virt-memory-map.ts';

/** @param onExit told of the exit code when a test has ended. */
export function virtTestdev(
  { memory, ram }: Pick<Arm64Memory, 'memory' | 'ram'>,
  onExit: (code: number) => void,
): Placement {
  const commands = testdevCommands(onExit);
  const console = new VirtioConsole(commands, { onReset: commands.reset });
  return {
    ...placedVirtio(VIRT_DISKS, new VirtioMmio('testdev', console, { legacy: true })),
    dmaPort: new PhysicalPort(memory, ram),
  };
}

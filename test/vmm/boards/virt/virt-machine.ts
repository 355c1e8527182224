// SPDX-License-Identifier: MIT
// Properties of a machine `virt`'s devices that its device tree depends on.

import type { Placement } from '../../../../devices/bus/index.ts';
import { DmaEngine } from '../../../../devices/dma-engine/index.ts';
import { Pl011 } from '../../../../devices/pl011/index.ts';
import { Pl031 } from '../../../../devices/pl031/index.ts';
import type { Device } from '../../../../devices/plugin/index.ts';
import { placed, type VirtTreeOptions, virtRam } from '../../../../vmm/boards/virt/index.ts';

/** Properties of a device that determine its address. */
export function shape(name: string, size: number, interrupts: number): Device {
  const unused = () => undefined;
  return {
    name,
    interfaceVersion: 2,
    identity: { kind: 0, interrupts, busMaster: false },
    regions: [{ name, size, accessSizes: [4] }],
    attach: unused,
    reset: unused,
    read: unused,
    write: unused,
    save: () => ({}),
    restore: unused,
    registerName: () => name,
  };
}

/** An SMMU with a number of interrupts. */
export const smmuPlacement = (interrupts = 2): Placement =>
  placed('smmu', shape('smmuv3', 0x20000, interrupts));

/** A machine with everything that the board supports. */
export function virtMachine(change: Partial<VirtTreeOptions> = {}): VirtTreeOptions {
  return {
    vcpus: 2,
    ram: virtRam(0x10000000),
    chosen: {
      bootargs: 'console=ttyAMA0 ignore_loglevel',
      initrd: { gpa: 0x48000000, end: 0x48012345 },
      rngSeed: Uint8Array.from({ length: 64 }, (_, i) => i),
      kaslrSeed: new Uint8Array(8),
    },
    uart: placed('uart', new Pl011({ onOutput: () => undefined })),
    rtc: placed('rtc', new Pl031({ epoch: 0 })),
    smmu: smmuPlacement(),
    cmdqv: placed('cmdqv', shape('cmdqv', 0x50000, 1)),
    dmaEngine: { placement: placed('dmaEngine', new DmaEngine()), streamId: 8 },
    ...change,
  };
}

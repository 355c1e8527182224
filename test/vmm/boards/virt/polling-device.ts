// SPDX-License-Identifier: MIT
// A device with background work and one interrupt, and the A64 code that enables it on the
// board `virt`.

import { defineDevice, type MmioAccess } from '../../../../devices/plugin/index.ts';

/** INTID of the device's interrupt, as the only further device of a machine. */
export const POLLING_INTID = 144;

/** The distributor's registers, with its address in X1. Changes W2. */
export const ENABLE_POLLING_INTERRUPT = `
mov x1, #0x8000000
mov w2, #0x13
str w2, [x1]            // GICD_CTLR
mov w2, #0x10000
str w2, [x1, #0x90]     // GICD_IGROUPR4: INTID 144
str w2, [x1, #0x110]    // GICD_ISENABLER4
mov w2, #2
str w2, [x1, #0xc24]    // GICD_ICFGR9: an edge
`;

/** The CPU interface. Changes X2, which is 1 then. */
export const ENABLE_CPU_INTERFACE = `
mov x2, #0xf0
msr icc_pmr_el1, x2
mov x2, #1
msr icc_igrpen1_el1, x2
`;

/**
 * @param poll the work at each poll: returns its amount. `raise` raises the interrupt.
 * @param written called at a write to the device.
 */
export function pollingDevice(
  poll: (raise: () => void) => number,
  written: () => void = () => undefined,
) {
  const device = defineDevice({
    name: 'worker',
    kind: 'work',
    interrupts: 1,
    registers: { START: { offset: 0, writable: 1 } },
  });
  const { attach, write } = device;
  device.attach = (given) => {
    attach.call(device, given);
    given.background({ name: 'work', poll: () => poll(() => given.interruptLine(0).pulse()) });
  };
  device.write = (access: MmioAccess) => {
    write.call(device, access);
    written();
  };
  return device;
}

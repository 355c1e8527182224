// SPDX-License-Identifier: MIT
// A machine that sleeps in real time is not idle while an interrupt waits for its vCPU.

import { afterEach, expect, it } from 'vitest';
import { defineDevice } from '../../../../devices/plugin/index.ts';
import { Host } from '../../../../vmm/api/index.ts';
import { virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { assembleProgram } from '../../../../vmm/vcpu/arm64/index.ts';

/** Enables the SPI of the device, waits for it, and stores its INTID. */
const SLEEPER = assembleProgram(`
mov x1, #0x8000000
mov w2, #0x13
str w2, [x1]            // GICD_CTLR
mov w2, #0x10000
str w2, [x1, #0x90]     // GICD_IGROUPR4: INTID 144
str w2, [x1, #0x110]    // GICD_ISENABLER4
mov w2, #2
str w2, [x1, #0xc24]    // GICD_ICFGR9: an edge
mov x2, #0xf0
msr icc_pmr_el1, x2
mov x2, #1
msr icc_igrpen1_el1, x2
mov x8, #0x40100000
again:
wfi
mrs x7, icc_iar1_el1
msr icc_eoir1_el1, x7
str w7, [x8]
b again
`);

let host: Host | undefined;
afterEach(async () => {
  await host?.destroy();
  host = undefined;
});

// The polls of one turn of the machine are at different places of it: each of them
// has the last one once.
it.each([1, 2, 3, 4, 5, 6])('after an interrupt at poll %d of its sleep', async (polls) => {
  const device = defineDevice({
    name: 'worker',
    kind: 'work',
    interrupts: 1,
    registers: { START: { offset: 0, writable: 1 } },
  });
  const { attach } = device;
  let left = Number.POSITIVE_INFINITY;
  device.attach = (given) => {
    attach.call(device, given);
    given.background({
      name: 'work',
      poll: () => {
        if (--left === 0) given.interruptLine(0).pulse();
        return 0;
      },
    });
  };
  host = await Host.create();
  const machine = await host.createMachine({
    guest: SLEEPER,
    board: virtBoard({ sleep: 'wait' }),
    memory: 16,
    devices: [device],
  });
  await machine.boot({ paused: true });
  while (!machine.idle) await machine.step();
  left = polls;
  let turns = 0;
  while (left > 0) {
    await machine.step();
    turns++;
  }
  expect(turns).toBeLessThan(7);
  // Its vCPU has handled the interrupt and sleeps again, or there is work for it.
  const isHandled = () => machine.readMemory(0x4010_0000, 1)?.[0] === 144;
  expect(machine.idle).toBe(isHandled());
  while (!machine.idle) await machine.step();
  expect(isHandled()).toBe(true);
});

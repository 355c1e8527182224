// SPDX-License-Identifier: MIT
// A machine that sleeps in real time is not idle while an interrupt waits for its vCPU.

import { afterEach, expect, it } from 'vitest';
import { Host } from '../../../../vmm/api/index.ts';
import { virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { assembleProgram } from '../../../../vmm/vcpu/arm64/index.ts';
import { ENABLE_CPU_INTERFACE, ENABLE_POLLING_INTERRUPT, pollingDevice } from './polling-device.ts';

/** Enables the SPI of the device, waits for it, and stores its INTID. */
const SLEEPER = assembleProgram(`${ENABLE_POLLING_INTERRUPT}${ENABLE_CPU_INTERFACE}
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
  let left = Number.POSITIVE_INFINITY;
  const device = pollingDevice((raise) => {
    if (--left === 0) raise();
    return 0;
  });
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

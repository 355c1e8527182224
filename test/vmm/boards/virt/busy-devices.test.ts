// SPDX-License-Identifier: MIT
// Guest time while all vCPUs wait for an interrupt and a device still works in the
// background.

import { afterEach, describe, expect, it } from 'vitest';
import { Host } from '../../../../vmm/api/index.ts';
import { virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { assembleProgram } from '../../../../vmm/vcpu/arm64/index.ts';
import {
  ENABLE_CPU_INTERFACE,
  ENABLE_POLLING_INTERRUPT,
  POLLING_INTID,
  pollingDevice,
} from './polling-device.ts';

const RESULT = 0x4010_0000;
/** Ticks of the counter that a turn of the devices takes. */
const TURN = 0x8000;

/**
 * Starts the device, waits for an interrupt with its timer `ticks` from now on, and
 * stores the time that the wait took and the INTID that ended it.
 */
const waits = (ticks: number) =>
  assembleProgram(`${ENABLE_POLLING_INTERRUPT}
mov x3, #0xa0000
add x3, x1, x3
str wzr, [x3, #0x14]    // GICR_WAKER
add x3, x3, #0x10, lsl #12
mov w2, #0x8000000
str w2, [x3, #0x80]     // GICR_IGROUPR0: INTID 27
str w2, [x3, #0x100]    // GICR_ISENABLER0${ENABLE_CPU_INTERFACE}
mrs x4, cntvct_el0
mov x5, #${ticks}
add x5, x4, x5
msr cntv_cval_el0, x5
msr cntv_ctl_el0, x2
mov x6, #0xc000000
str w2, [x6]
wfi
mrs x5, cntvct_el0
sub x5, x5, x4
mrs x7, icc_iar1_el1
mov x8, #${RESULT}
str x5, [x8]
str x7, [x8, #8]
mov x0, #0x84000000
add x0, x0, #8
hvc #0
`);

let host: Host | undefined;
afterEach(async () => {
  await host?.destroy();
  host = undefined;
});

/** @param turns of the background work, before its interrupt. */
async function waitWith(turns: number, ticks: number) {
  let started = false;
  let left = turns;
  const device = pollingDevice(
    (raise) => {
      if (!started || left === 0) return 0;
      if (--left === 0) raise();
      return 1;
    },
    () => {
      started = true;
    },
  );
  host = await Host.create();
  const machine = await host.createMachine({
    guest: waits(ticks),
    board: virtBoard(),
    memory: 16,
    devices: [device],
  });
  await machine.boot();
  expect(await machine.wait()).toMatchObject({ status: 'off' });
  const bytes = machine.readMemory(RESULT, 16) ?? new Uint8Array(16);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    ticks: Number(view.getBigUint64(0, true)),
    intid: Number(view.getBigUint64(8, true)),
  };
}

describe('while all vCPUs wait and a device works', () => {
  it('each turn of the device takes some time, not the time to the next timer', async () => {
    const wait = await waitWith(200, 2 ** 30);
    expect(wait.intid).toBe(POLLING_INTID);
    expect(wait.ticks).toBeGreaterThan(197 * TURN);
    expect(wait.ticks).toBeLessThan(201 * TURN);
  });

  it('the timer comes in time, though the device never ends', async () => {
    const wait = await waitWith(Number.POSITIVE_INFINITY, 2 ** 20);
    expect(wait.intid).toBe(27);
    expect(wait.ticks - 2 ** 20).toBeLessThan(100);
  });
});

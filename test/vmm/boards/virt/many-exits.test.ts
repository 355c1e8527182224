// SPDX-License-Identifier: MIT
// A guest that does nothing but exits: a run of it ends after a number of them, so that
// others on its thread get their turn, and this changes nothing for the guest.

import { afterEach, expect, it } from 'vitest';
import { Host } from '../../../../vmm/api/index.ts';
import { virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { assembleProgram } from '../../../../vmm/vcpu/arm64/index.ts';

const SHARED = 0x4010_0000;
const ROUNDS = 9000;

/**
 * Each of two vCPUs reads a register, and mixes its number into a shared word, which so
 * depends on their order. vCPU 0 waits for the other one, and stores the time.
 */
const GUEST = assembleProgram(`
mov x9, #${SHARED}
str xzr, [x9]
str xzr, [x9, #8]
mov x0, #0xc4000000
add x0, x0, #3
mov x1, #1
adr x2, both
mov x3, #1
hvc #0
mov x0, #0
both:
mov x9, #${SHARED}
mov x10, #0x08000000
mov x11, #${ROUNDS}
mov x12, #33
round:
ldr w13, [x10, #4]
ldr x14, [x9]
mul x14, x14, x12
add x14, x14, x0
add x14, x14, #1
str x14, [x9]
sub x11, x11, #1
cbnz x11, round
cbz x0, wait
str x0, [x9, #8]
mov x0, #0x84000000
add x0, x0, #2
hvc #0
wait:
ldr x1, [x9, #8]
cbz x1, wait
mrs x1, cntvct_el0
str x1, [x9, #16]
mov x0, #0x84000000
add x0, x0, #8
hvc #0
`);

let host: Host | undefined;
afterEach(async () => {
  await host?.destroy();
  host = undefined;
});

/** @param budget of each step. */
async function run(budget: number) {
  host = await Host.create();
  const machine = await host.createMachine({
    guest: GUEST,
    board: virtBoard(),
    memory: 16,
    vcpus: 2,
  });
  await machine.boot({ paused: true });
  let steps = 0;
  while (machine.status !== 'off' && steps < 1000) {
    await machine.step(budget);
    steps++;
  }
  expect(machine.status).toBe('off');
  const result = [...(machine.readMemory(SHARED, 24) ?? [])];
  await host.destroy();
  return { result, steps };
}

it('a run ends after 2,048 exits of a vCPU, and the guest does not notice', async () => {
  // Of some 130 exits each: none reaches the limit.
  const short = await run(0.001);
  // All of it would fit into one run.
  const long = await run(1);
  expect(short.steps).toBeGreaterThan(40);
  expect(long.steps).toBeGreaterThanOrEqual(ROUNDS / 2048);
  expect(long.steps).toBeLessThan(20);
  expect(long.result).toEqual(short.result);
  expect((await run(3)).result).toEqual(short.result);
  expect(long.result.some((byte) => byte !== 0)).toBe(true);
});

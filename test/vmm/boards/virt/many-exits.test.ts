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

/** Repeats something that needs the machine's thread, and switches off. */
const repeated = (rounds: number, what: string, first = '') =>
  assembleProgram(`
adr x1, vectors
msr vbar_el1, x1
mov x11, #${rounds}
${first}
round:
${what}
sub x11, x11, #1
cbnz x11, round
mov x0, #0x84000000
add x0, x0, #8
hvc #0
.balign 2048
vectors:
.word 0
.balign 512
mrs x1, elr_el1
add x1, x1, #4
msr elr_el1, x1
eret
`);

/** 64 KiB of text. */
const TEXT = 0x4020_0000;
const WRITTEN = `
mov x1, #${TEXT}
mov x2, #0x10000
mov x3, #0x78
fill:
strb w3, [x1], #1
sub x2, x2, #1
cbnz x2, fill
`;

let host: Host | undefined;
afterEach(async () => {
  await host?.destroy();
  host = undefined;
});

/** @param budget of each step. */
async function run(budget: number, guest = GUEST) {
  host = await Host.create();
  const machine = await host.createMachine({
    guest,
    board: virtBoard({ semihosting: true }),
    memory: 16,
    vcpus: guest === GUEST ? 2 : 1,
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

/** Switches the distributor on and off. */
const TOGGLE = `
mov x10, #0x08000000
and x1, x11, #1
lsl x1, x1, #1
str w1, [x10]
`;

const HLT = 'hlt #0xf000';

it.each([
  ['HVC', repeated(9000, 'mov x0, #0x84000000\nhvc #0'), 5],
  ['SMC', repeated(9000, 'smc #0'), 5],
  ['HLT that is no call', repeated(9000, 'hlt #0'), 5],
  // Each visits 57,344 LPIs, at the cost of 896 exits.
  ['GICD_CTLR', repeated(15, TOGGLE), 5],
  // It reads a byte.
  ['SYS_WRITEC', repeated(4500, `mov x0, #3\nadr x1, round\n${HLT}`), 5],
  // Each reads 64 KiB, at the cost of 1,024 exits.
  ['SYS_WRITE0', repeated(9, `mov x0, #4\nmov x1, #${TEXT}\n${HLT}`, WRITTEN), 5],
])('%s counts as exits', async (_name, guest, least) => {
  const { steps } = await run(1, guest);
  expect(steps).toBeGreaterThanOrEqual(least);
  expect(steps).toBeLessThan(2 * least);
});

it.each(['smc #0', 'hlt #0'])(
  'a vector that begins with %s is found to be endless',
  async (first) => {
    host = await Host.create();
    const guest = assembleProgram(`
adr x1, vectors
msr vbar_el1, x1
${first}
.balign 2048
vectors:
.word 0
.balign 512
${first}
`);
    const machine = await host.createMachine({ guest, board: virtBoard(), memory: 16 });
    await machine.boot({ paused: true });
    let steps = 0;
    while (machine.status === 'paused' && steps < 10) {
      await machine.step();
      steps++;
    }
    expect(machine.status).toBe('stopped');
    expect((await machine.wait()).reason).toMatch(/at its own exception vector/);
  },
);

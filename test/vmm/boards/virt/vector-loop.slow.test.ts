// SPDX-License-Identifier: MIT
// Guests whose exception vector cannot be executed: they end with the reason, unless another vCPU works.

import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type * as Api from '../../../../vmm/api/index.ts';
import { assembleProgram } from '../../../../vmm/vcpu/arm64/index.ts';

// The built package, whose workers run.
const { Host, serveGdb, virtBoard } = (await import(
  '../../../../dist/vmm/api/index.js'
)) as unknown as typeof Api;

const host = await Host.create();
afterAll(() => host.destroy());
let machine: Api.Machine | undefined;
afterEach(() => machine?.destroy());

async function machineOf(
  guest: Uint8Array<ArrayBuffer>,
  vcpus = 1,
  transport: 'inline' | 'mailbox' = 'inline',
) {
  machine = await host.createMachine({ guest, board: virtBoard(), vcpus, memory: 16, transport });
  return machine;
}

/** An undefined instruction; VBAR_EL1 is 0 after reset, where there is no memory. */
const UNDEFINED = new Uint8Array(64);
/** A vector in RAM whose first instruction is undefined. */
const BAD_VECTOR = assembleProgram(`
mov x0, #0x40200000
msr vbar_el1, x0
svc #0
`);
/** The same with SP_EL0. */
const OTHER_STACK = assembleProgram(`
msr spsel, #0
svc #0
`);
/** The program of a guest whose vector is `vector`, after the instructions `before` it. */
function withVector(before: readonly string[], vector: readonly string[]) {
  const setVbar = ['mov x0, #0x40000000', 'add x0, x0, #0x80, lsl #12', 'msr vbar_el1, x0'];
  const padding = Array<string>(128 - setVbar.length - before.length).fill('nop');
  return assembleProgram([...setVbar, ...padding, ...before, ...vector].join('\n'), 0x4008_0000);
}

/** SVC at the vector. */
const SVC_VECTOR = withVector([], ['svc #3']);
const REASONS = [
  [
    'an undefined instruction without a vector',
    UNDEFINED,
    '0x200: ESR_EL1 0x86000010, FAR_EL1 0x200',
  ],
  ['a vector that is no instruction', BAD_VECTOR, '0x40200200: ESR_EL1 0x2000000, FAR_EL1 0x0'],
  ['SVC as its vector', SVC_VECTOR, '0x40080200: ESR_EL1 0x56000003, FAR_EL1 0x0'],
  ['no vector for SP_EL0', OTHER_STACK, '0x200: ESR_EL1 0x86000010, FAR_EL1 0x200'],
] as const;

/** vCPU 0 starts vCPU 1 with this program, and loops in its vector. */
const besideLoop = (second: string) =>
  assembleProgram(
    `
mov x0, #0xc4000000
add x0, x0, #3
mov x1, #1
adr x2, second
hvc #0
svc #0
second:
${second}`,
    0x4008_0000,
  );

describe.each(['inline', 'mailbox'] as const)('a guest (%s) ends with its reason:', (transport) => {
  it.each(REASONS)('%s', async (_, guest, reason) => {
    const machine = await machineOf(guest, 1, transport);
    await machine.boot();
    expect(await machine.wait()).toEqual({
      status: 'stopped',
      exitCode: 0,
      reason: `vCPU 0 takes an exception at its own exception vector ${reason.replace(
        ':',
        ', again and again:',
      )}`,
    });
  });

  it('while another vCPU sleeps for ever', async () => {
    const guest = besideLoop(`
wfi
b second
`);
    const machine = await machineOf(guest, 2, transport);
    await machine.boot();
    const { status, reason } = await machine.wait();
    expect(status).toBe('stopped');
    expect(reason).toMatch(/^vCPU 0 takes an exception at its own exception vector 0x200, /);
  });

  it('not while another vCPU works', async () => {
    // vCPU 1 counts for longer than a run lasts, and powers off.
    const guest = besideLoop(`
mov x3, #0x100000
again:
subs x3, x3, #1
b.ne again
mov x0, #0x84000000
add x0, x0, #8
hvc #0
`);
    const machine = await machineOf(guest, 2, transport);
    await machine.boot();
    expect(await machine.wait()).toMatchObject({ status: 'off' });
  });
});

/** Goes round through the vector for ever. */
const rounds = (before: readonly string[], again: string) =>
  withVector(before, ['vector:', 'subs x3, x3, #1', `b ${again}`]);
const PASSING = [
  ['SVC returns there', rounds(['again: svc #0'], 'again')],
  [
    'ERET goes there',
    rounds(
      ['mov x1, #0x3c5', 'adr x2, vector', 'msr spsr_el1, x1', 'msr elr_el1, x2', 'eret'],
      'vector',
    ),
  ],
  // Interrupts are not masked: one of them may come.
  [
    'ERET unmasks interrupts',
    rounds(
      [
        'mov x1, #5',
        'adr x2, vector',
        'msr spsr_el1, x1',
        'msr esr_el1, x2',
        'msr elr_el1, x2',
        'eret',
      ],
      'vector',
    ),
  ],
] as const;

describe('a guest goes on that only passes its vector:', () => {
  it.each(PASSING)('%s', async (_, guest) => {
    const machine = await machineOf(guest);
    await machine.boot({ paused: true });
    // Runs that end after one instruction each, and so at the vector too.
    for (let i = 0; i < 150; i++) await machine.step(2 ** -20);
    expect(machine.status).toBe('paused');
  });
});

it('a guest goes on while a debugger may look at it', async () => {
  const machine = await machineOf(UNDEFINED);
  await machine.boot({ paused: true });
  const server = await serveGdb(machine, { port: 0 });
  try {
    await machine.step();
    await machine.step();
    expect(machine.status).toBe('paused');
  } finally {
    await server.close();
  }
  await machine.step();
  expect(machine.status).toBe('stopped');
});

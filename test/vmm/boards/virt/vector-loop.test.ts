// SPDX-License-Identifier: MIT
// Guests whose exception vector cannot be executed: they end with the reason, unless another vCPU works.

import { afterEach, describe, expect, it } from 'vitest';
import type * as Api from '../../../../vmm/api/index.ts';
import { assembleProgram } from '../../../../vmm/vcpu/arm64/index.ts';

// The built package, whose workers run.
const { Host, serveGdb, virtBoard } = (await import(
  '../../../../dist/vmm/api/index.js'
)) as unknown as typeof Api;

let host: Api.Host | undefined;
afterEach(async () => {
  await host?.destroy();
  host = undefined;
});

async function machineOf(
  guest: Uint8Array<ArrayBuffer>,
  vcpus = 1,
  transport: 'inline' | 'mailbox' = 'inline',
) {
  host = await Host.create();
  return host.createMachine({ guest, board: virtBoard(), vcpus, memory: 16, transport });
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
const REASONS = [
  [
    'an undefined instruction without a vector',
    UNDEFINED,
    '0x200: ESR_EL1 0x86000010, FAR_EL1 0x200',
  ],
  ['a vector that is no instruction', BAD_VECTOR, '0x40200200: ESR_EL1 0x2000000, FAR_EL1 0x0'],
  ['no vector for SP_EL0', OTHER_STACK, '0x200: ESR_EL1 0x86000010, FAR_EL1 0x200'],
] as const;

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

  it('not while another vCPU works', async () => {
    // vCPU 1 counts for longer than a run lasts, and powers off.
    const guest = assembleProgram(
      `
mov x0, #0xc4000000
add x0, x0, #3
mov x1, #1
adr x2, second
hvc #0
svc #0
second:
mov x3, #0x400000
again:
subs x3, x3, #1
b.ne again
mov x0, #0x84000000
add x0, x0, #8
hvc #0
`,
      0x4008_0000,
    );
    const machine = await machineOf(guest, 2, transport);
    await machine.boot();
    expect(await machine.wait()).toMatchObject({ status: 'off' });
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

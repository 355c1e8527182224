// SPDX-License-Identifier: MIT
// Machines of the board `virt` whose vCPUs have threads of their own, with small programs
// that print their observations. Of the built package, whose workers can run.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { handOverImage, handOverResults } from '../../../../scripts/counter-hand-overs.mjs';
import {
  HISTOGRAM,
  LITMUS_TESTS,
  litmusImage,
  litmusOutcomes,
} from '../../../../scripts/litmus-programs.mjs';
import type * as Api from '../../../../vmm/api/index.ts';
import type * as MachineParts from '../../../../vmm/api/machine-parts.ts';
import type * as Mailboxes from '../../../../vmm/threads/mailbox.ts';
import { LOCK_ROUNDS, lockResults, QUEUED_LOCK } from './queued-lock.ts';
import { POWER, SGIS, SUSPEND, waitForEvent } from './several-vcpu-programs.ts';
import { CODE, COUNTERS, invalidate, lock, TLBIS } from './shared-memory-programs.ts';
import {
  AWAITS_INPUT,
  BUSY,
  ECHO,
  HELLO,
  IDLE,
  RESET,
  SPEAKS,
  testdev,
  timer,
  UNKNOWN_RECORDS,
  UNKNOWN_REGISTERS,
} from './virt-programs.ts';

const { Host, virtBoard } = (await import(
  '../../../../dist/vmm/api/index.js'
)) as unknown as typeof Api;

const { MailboxServer } = (await import(
  '../../../../dist/vmm/threads/mailbox.js'
)) as unknown as typeof Mailboxes;

const { PARTS } = (await import(
  '../../../../dist/vmm/api/machine-parts.js'
)) as unknown as typeof MachineParts;

let host: Api.Host | undefined;
afterEach(async () => {
  await host?.destroy();
  host = undefined;
  vi.restoreAllMocks();
});

async function create(
  guest: Uint8Array<ArrayBuffer>,
  vcpus: number,
  memory = 16,
  drain: 'doorbell' | 'thread' = 'doorbell',
  own: Api.VirtBoardOptions = {},
) {
  await host?.destroy();
  host = await Host.create();
  const board = virtBoard({ epoch: 0, ...own });
  const transport = 'mailbox';
  const machine = await host.createMachine({ guest, board, vcpus, memory, transport, drain });
  const text = { printed: '' };
  machine.on('output', (bytes) => {
    text.printed += String.fromCharCode(...bytes);
  });
  return { machine, text };
}

/** Output of a program before it powers off. */
async function run(guest: Uint8Array<ArrayBuffer>, vcpus: number) {
  const { machine, text } = await create(guest, vcpus);
  await machine.boot();
  const { status } = await machine.wait();
  expect([status, machine.error?.message]).toEqual(['off', undefined]);
  return text;
}

describe('PSCI', () => {
  it('starts and stops vCPUs; the machine is off with the last one', async () => {
    // Two vCPUs print at the same time, from where vCPU 1 has begun.
    const printed = (await run(POWER, 2)).printed;
    expect(printed).toMatch(/^422991(01x|10x|1x0)04101$/);
  });

  it('CPU_SUSPEND returns at the next interrupt', async () => {
    expect((await run(SUSPEND, 1)).printed).toBe('012');
  });
});

it('system registers that there are not are traced, by name', async () => {
  host = await Host.create();
  const traced: unknown[] = [];
  const machine = await host.createMachine({
    guest: UNKNOWN_REGISTERS,
    board: virtBoard(),
    memory: 16,
    transport: 'mailbox',
    onTrace: (source, event) => {
      if (event.name.startsWith('unknown')) traced.push([source, event]);
    },
  });
  await machine.boot();
  expect((await machine.wait()).status).toBe('off');
  expect(traced).toEqual(UNKNOWN_RECORDS);
});

it('a system register that does not exist takes no call without a trace', async () => {
  const serve = vi.spyOn(MailboxServer.prototype, 'serve');
  await run(UNKNOWN_REGISTERS, 1);
  // The PSCI call at its end.
  expect(serve.mock.results.filter(({ value }) => value !== 0)).toHaveLength(1);
});

describe('the console', () => {
  it('has no exit for what is printed, and for flags that have not changed', async () => {
    const { machine, text } = await create(HELLO, 1);
    await machine.boot();
    expect((await machine.wait()).status).toBe('off');
    expect(text.printed).toBe('hello\n');
    expect(machine.statistics.exits.byRegister).toEqual({});
  });

  it('receives input, whose flag a vCPU polls in a loop', async () => {
    const { machine, text } = await create(ECHO, 1);
    await machine.boot();
    machine.write('a');
    expect((await machine.wait()).status).toBe('off');
    expect(text.printed).toBe('b');
    const { 'pl011.UARTDR': reads, 'pl011.UARTFR': looks = 0 } =
      machine.statistics.exits.byRegister;
    expect(reads).toBe(1);
    // At the moment of the byte's arrival.
    expect(looks).toBeLessThanOrEqual(1);
  });

  it('prints what was posted while the machine only spins', async () => {
    const { machine, text } = await create(SPEAKS, 1);
    const printed = new Promise<void>((resolve) => {
      machine.on('output', () => text.printed === 'hello\n' && resolve());
    });
    await machine.boot();
    await printed;
    await machine.stop('enough');
    expect(text.printed).toBe('hello\n');
  });
});

describe('the console of tests', () => {
  it('ends a machine whose vCPUs would run for ever', async () => {
    const { machine } = await create(testdev('3q'), 2, 16, 'doorbell', { testdev: true });
    await machine.boot();
    expect(await machine.wait()).toMatchObject({ status: 'off', exitCode: 3 });
  });
});

describe('interrupts and events', () => {
  it('an SGI reaches the vCPUs that it names, asleep or not', async () => {
    const { printed } = await run(SGIS, 4);
    // Number and INTID of each, of three at the same time.
    expect([printed.slice(0, 2), [...printed.slice(2)].sort().join('')]).toEqual(['31', '122223']);
  });

  it('a WFE ends, with SEV of another vCPU and without', async () => {
    expect((await run(waitForEvent('sev'), 2)).printed).toMatch(/^[ST]$/);
    // At least 65,536 ticks.
    expect((await run(waitForEvent('none'), 2)).printed).toBe('T');
  });
});

describe('the counter', () => {
  // A million of them: scripts/check-counter.mjs.
  it('advances from one vCPU to another', { timeout: 120_000 }, async () => {
    const { machine } = await create(handOverImage(1000), 2);
    await machine.boot();
    expect((await machine.wait()).status).toBe('off');
    const { handOvers, latest, backward } = handOverResults(machine);
    expect([handOvers, backward]).toEqual([1000, 0]);
    expect(latest).toBeGreaterThan(0);
  });
});

describe('memory that vCPUs share', () => {
  it('counters of exclusives and of LSE atomics are exact', async () => {
    expect((await run(COUNTERS, 4)).printed).toBe('4');
  });

  it('a lock has one owner at a time', async () => {
    expect((await run(lock('wfe'), 4)).printed).not.toBe('X');
    expect((await run(lock('spin'), 4)).printed).not.toBe('X');
  });

  it('a queued lock of four, who wait by WFE, is acquired by all', async () => {
    const { machine } = await create(QUEUED_LOCK, 4);
    await machine.boot();
    expect((await machine.wait()).status).toBe('off');
    expect(lockResults(machine).rounds).toBe(LOCK_ROUNDS);
  });

  it.each(Object.entries(TLBIS))('TLBI %s of one is seen by another', async (_name, word) => {
    expect((await run(invalidate(word), 2)).printed).toBe('AB');
  });

  it.each(LITMUS_TESTS)('litmus: $name', async (test) => {
    const { machine } = await create(litmusImage(test, 1), test.vcpus.length, 64);
    await machine.boot();
    expect((await machine.wait()).status).toBe('off');
    const counts = machine.readMemory(HISTOGRAM, 1024);
    const found = litmusOutcomes(test, new Uint32Array(counts?.buffer ?? new ArrayBuffer(0)));
    expect([found.outcomes, found.forbidden]).toEqual([4096, 0]);
  });

  it('IC IVAU of one is seen by another', async () => {
    expect((await run(CODE, 2)).printed).toBe('AB');
  });
});

/** The vCPUs that have announced that they may ring. */
function awakeVcpus(machine: Api.Machine): number[] {
  const { machine: core } = PARTS.get(machine)?.board ?? {};
  const awake = core?.drainSleep?.awake;
  if (!core || !awake) throw new Error('its vCPUs say nothing');
  const words = new Int32Array(core.memory.buffer);
  return Array.from({ length: awake.count }, (_, vcpu) =>
    Atomics.load(words, (awake.offset + vcpu * awake.stride) >> 2),
  );
}

describe('a drain on its own thread', () => {
  const soon = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it('learns that no vCPU could ring, and is woken by one that can', async () => {
    const { machine, text } = await create(AWAITS_INPUT, 2, 16, 'thread');
    await machine.boot();
    await soon(() => awakeVcpus(machine).join('') === '00');
    machine.write('W');
    expect(await machine.wait()).toMatchObject({ status: 'off' });
    expect([text.printed, awakeVcpus(machine).join('')]).toEqual(['W', '00']);
  });

  it('learns that one could, and about a pause', async () => {
    const { machine } = await create(BUSY, 2, 16, 'thread');
    await machine.boot();
    await soon(() => awakeVcpus(machine).join('') === '10');
    await machine.pause();
    expect(awakeVcpus(machine).join('')).toBe('00');
    machine.resume();
    await soon(() => awakeVcpus(machine).join('') === '10');
    await machine.stop('enough');
    expect(awakeVcpus(machine).join('')).toBe('00');
  });
});

describe('a machine', () => {
  it.each([
    ['spins', BUSY],
    ['sleeps', AWAITS_INPUT],
  ])('whose guest %s pauses, and stands still, goes on, and stops', async (_does, guest) => {
    const { machine } = await create(guest, 2);
    await machine.boot();
    await machine.pause();
    expect(machine.status).toBe('paused');
    const { timeNs } = machine.statistics;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(machine.statistics.timeNs).toBe(timeNs);
    machine.resume();
    while (machine.statistics.timeNs < timeNs + 1e6)
      await new Promise((resolve) => setTimeout(resolve, 1));
    await machine.stop('enough');
    expect([machine.status, machine.error]).toEqual(['stopped', undefined]);
  });

  it('ends when all its vCPUs sleep and nothing can wake them', async () => {
    const { machine } = await create(IDLE, 2);
    await machine.boot();
    expect(await machine.wait()).toMatchObject({
      status: 'stopped',
      reason: expect.stringMatching(/^all vCPUs wait for an interrupt that cannot come/),
    });
  });

  it('has longer runs while all its vCPUs sleep', async () => {
    const { machine } = await create(AWAITS_INPUT, 2);
    await machine.boot({ paused: true });
    await machine.step();
    const begin = performance.now();
    await machine.step();
    // Ten times as long as the waits of busy vCPUs.
    expect(performance.now() - begin).toBeGreaterThan(500);
    machine.write('W');
    while (machine.status === 'paused') await machine.step();
    expect(machine.status).toBe('off');
  });

  it('that waits for input ends when the input ends, and not before', async () => {
    const { machine, text } = await create(AWAITS_INPUT, 2);
    await machine.boot();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(machine.status).toBe('running');
    machine.endInput();
    expect(await machine.wait()).toMatchObject({ status: 'stopped' });
    await machine.reset();
    await machine.boot();
    machine.write('W');
    expect(await machine.wait()).toMatchObject({ status: 'off' });
    expect(text.printed).toBe('W');
  });

  it('does not end while its timer is to come', async () => {
    expect((await run(timer('asleep'), 1)).printed).toMatch(/^A/);
  });

  it('boots again', async () => {
    const { machine, text } = await create(HELLO, 2);
    for (let boot = 1; boot <= 2; boot++) {
      await machine.boot();
      expect((await machine.wait()).status).toBe('off');
      expect(text.printed).toBe('hello\n'.repeat(boot));
      await machine.reset();
    }
  });

  it('is reset by PSCI', async () => {
    const { machine, text } = await create(RESET, 2);
    await machine.boot();
    while (text.printed.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    await machine.stop();
    expect(text.printed).toMatch(/^R{3,}$/);
  });
});

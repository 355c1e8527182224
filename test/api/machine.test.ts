// SPDX-License-Identifier: MIT
// The API as a user of the package imports it: by the package's own name, so that workers
// are the built ones.

import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Host, type Machine, type MachineOptions } from 'vsmmu';
import { toyGuest, toySecondary } from 'vsmmu/guest';
import { checkedHost } from '../support/findings.ts';
import { IMPORT_READ32, IMPORT_WRITE32, reactor } from '../support/wat.ts';

/** Yields forever. */
const ENDLESS = reactor('(func $run (param i32) (result i32) (i32.const 1))');
const UART = 0x09000000;
/** Prints "!" in each of its turns, and ends after the third. */
const THREE = reactor(
  `(global $turns (mut i32) (i32.const 0))
   (func $run (param i32) (result i32)
     (call $write32 (i32.const ${UART}) (i32.const 33))
     (global.set $turns (i32.add (global.get $turns) (i32.const 1)))
     (if (result i32) (i32.ge_u (global.get $turns) (i32.const 3)) (then (i32.const 2)) (else (i32.const 1))))`,
  IMPORT_WRITE32,
);
const COUNTER = 0x100000;
/** Its turn never ends: counts its exits. */
const TURNING = reactor(
  `(func $run (param i32) (result i32)
     (loop $again
       (i32.store (i32.const ${COUNTER}) (i32.add (i32.load (i32.const ${COUNTER})) (i32.const 1)))
       (call $write32 (i32.const ${UART + 0x24}) (i32.const 0))
       (br $again))
     (i32.const 0))`,
  IMPORT_WRITE32,
);
/** Echoes in the next turn what its UART has received. */
const ECHO = reactor(
  `(func $run (param i32) (result i32)
     (if (i32.eqz (i32.and (call $read32 (i32.const ${UART + 0x18})) (i32.const 16)))
       (then (call $write32 (i32.const ${UART}) (call $read32 (i32.const ${UART})))))
     (i32.const 0))`,
  `${IMPORT_WRITE32} (import "vsmmu" "mmio_read32" (func $read32 (param i32) (result i32)))`,
);

async function withMachine(
  options: MachineOptions,
  use: (machine: Machine, host: Host) => Promise<void>,
): Promise<void> {
  const host = await checkedHost(Host);
  try {
    await use(await host.createMachine(options), host);
  } finally {
    await host.destroy();
  }
}

const text = (pieces: readonly Uint8Array[]) =>
  pieces.map((bytes) => new TextDecoder().decode(bytes)).join('');

describe('a machine of the API', () => {
  it.each([
    ['inline', 'doorbell', 1],
    ['mailbox', 'doorbell', 2],
    ['inline', 'thread', 1],
    ['mailbox', 'auto', 1],
  ] as const)(
    'runs the toy by itself: %s, %s, %d vCPUs',
    async (transport, drain, vcpus) => {
      const checks: boolean[] = [];
      await withMachine(
        {
          guest: toyGuest,
          secondary: toySecondary,
          transport,
          drain,
          vcpus,
          args: ['vms=1', 'rounds=3', 'warmup=0'],
        },
        async (machine) => {
          machine.on('check', ({ ok }) => checks.push(ok));
          await machine.boot();
          expect(machine.status).toBe('running');
          expect(await machine.wait()).toEqual({ status: 'off', exitCode: 0, reason: '' });
          // Read once: the objects contain the time at which they were read.
          const { statistics } = machine;
          expect(statistics.vcmdq.commands).toBeGreaterThan(1000);
          expect(statistics.exits.total).toBeGreaterThan(1000);
          expect(statistics.drain.asked).toBe(drain);
          expect(structuredClone(statistics)).toEqual(statistics);
        },
      );
      expect(checks.length).toBeGreaterThan(10);
      expect(checks).not.toContain(false);
    },
    120_000,
  );

  it('runs step by step while it is paused', async () => {
    await withMachine({ guest: THREE }, async (machine) => {
      const output: Uint8Array[] = [];
      machine.on('output', (bytes) => output.push(bytes));
      await machine.boot({ paused: true });
      expect([machine.status, text(output)]).toEqual(['paused', '']);
      expect(await machine.step()).toBe('paused');
      expect(text(output)).toBe('!');
      machine.resume();
      await expect(machine.step()).rejects.toMatchObject({ name: 'UseError', code: 'running' });
      expect(await machine.wait()).toMatchObject({ status: 'off' });
      expect(text(output)).toBe('!!!');
    });
  });

  it.each(['inline', 'mailbox'] as const)(
    'continues after a step during which it was resumed: %s',
    async (transport) => {
      await withMachine({ guest: THREE, transport }, async (machine) => {
        await machine.boot({ paused: true });
        const step = machine.step();
        machine.resume();
        await step;
        expect(await machine.wait()).toMatchObject({ status: 'off' });
      });
    },
  );

  it('stops in the middle of an endless step when it is paused', async () => {
    await withMachine({ guest: TURNING, transport: 'mailbox' }, async (machine) => {
      const turns = () => new DataView(machine.memory.buffer).getUint32(COUNTER, true);
      await machine.boot({ paused: true });
      const step = machine.step();
      await expect.poll(turns).toBeGreaterThan(0);
      await machine.pause();
      expect(machine.status).toBe('paused');
      const stood = turns();
      await setTimeout(50);
      expect(turns()).toBe(stood);
      machine.resume();
      await expect.poll(turns).toBeGreaterThan(stood);
      await machine.stop('enough');
      expect(await step).toBe('stopped');
    });
  });

  it.each(['inline', 'mailbox'] as const)(
    'pauses, resumes, stops, resets and boots again: %s',
    async (transport) => {
      await withMachine({ guest: ENDLESS, transport }, async (machine) => {
        const seen: string[] = [];
        machine.on('status', (status) => seen.push(status));
        machine.on('end', ({ reason }) => seen.push(reason));
        await machine.boot();
        await machine.pause();
        await machine.pause();
        machine.resume();
        await machine.stop('enough');
        expect(await machine.wait()).toEqual({ status: 'stopped', exitCode: 0, reason: 'enough' });
        await expect(machine.boot()).rejects.toMatchObject({ code: 'booted' });
        await machine.reset();
        await machine.boot();
        await machine.reset();
        expect(seen).toEqual([
          ...['running', 'paused', 'running', 'stopped', 'enough', 'new'],
          ...['running', 'stopped', 'reset', 'new'],
        ]);
      });
    },
  );

  it('has its console as streams, both ways, and as a callback', async () => {
    const heard: Uint8Array[] = [];
    await withMachine({ guest: ECHO, onOutput: (bytes) => heard.push(bytes) }, async (machine) => {
      const { readable, writable } = machine.console;
      await machine.boot();
      const writer = writable.getWriter();
      await writer.write(new TextEncoder().encode('ping'));
      machine.write('!');
      const reader = readable.getReader();
      const pieces: Uint8Array[] = [];
      while (text(pieces) !== 'ping!') {
        const { value } = await reader.read();
        if (value) pieces.push(value);
      }
      await machine.stop();
      expect((await reader.read()).done).toBe(true);
    });
    expect(text(heard)).toBe('ping!');
  });

  it('fails with its guest, with the reason', async () => {
    const trapping = reactor('(func $run (param i32) (result i32) unreachable)');
    await withMachine({ guest: trapping }, async (machine) => {
      await machine.boot();
      expect(await machine.wait()).toMatchObject({
        status: 'failed',
        reason: 'guest vCPU 0: unreachable',
        error: { code: 'machine-failed' },
      });
      expect(machine.error?.component).toBe('guest vCPU 0');
    });
  });

  it('stops with the signal that it was booted with; a signal of wait ends the waiting alone', async () => {
    await withMachine({ guest: ENDLESS }, async (machine) => {
      const waiting = new AbortController();
      const running = new AbortController();
      await expect(
        machine.boot({ signal: AbortSignal.abort(new Error('not now')) }),
      ).rejects.toThrow('not now');
      await machine.boot({ signal: running.signal });
      const waited = machine.wait({ signal: waiting.signal });
      waiting.abort(new Error('bored'));
      await expect(waited).rejects.toThrow('bored');
      expect(machine.status).toBe('running');
      running.abort(new Error('out of time'));
      expect(await machine.wait()).toEqual({
        status: 'stopped',
        exitCode: 0,
        reason: 'out of time',
      });
    });
  });

  it('is not hurt by a listener that throws', async () => {
    const thrown: unknown[] = [];
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    try {
      await withMachine({ guest: THREE }, async (machine) => {
        machine.on('output', () => {
          throw new Error('mine');
        });
        await machine.boot();
        expect(await machine.wait()).toMatchObject({ status: 'off' });
      });
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of before) process.on('uncaughtException', listener);
    }
    expect(thrown).toEqual([new Error('mine'), new Error('mine'), new Error('mine')]);
  });

  it('draws the same random numbers from the same seed', async () => {
    const random = reactor(
      `(func $run (param i32) (result i32)
         (drop (call $random (i32.const 0x110000) (i32.const 4)))
         (call $write32 (i32.const ${UART}) (i32.load (i32.const 0x110000)))
         (i32.const 2))`,
      `${IMPORT_WRITE32} (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))`,
    );
    const draws = await Promise.all(
      [1, 1, 2, 3, 4].map(async (seed) => {
        const output: Uint8Array[] = [];
        await withMachine(
          { guest: random, seed, onOutput: (bytes) => output.push(bytes) },
          async (machine) => {
            await machine.boot();
            await machine.wait();
          },
        );
        return output[0]?.[0];
      }),
    );
    expect(draws[0]).toBe(draws[1]);
    expect(new Set(draws).size).toBeGreaterThan(2);
  });

  it.each([
    ['default', 0x0c483c9a],
    ['grace', 0x0808341a],
  ] as const)('has an SMMU by the %s ID registers of its host', async (idRegisters, idr0) => {
    const guest = reactor(
      `(func $run (param i32) (result i32)
         (call $exit (call $read32 (i32.const 0x09050000))) (i32.const 0))`,
      `${IMPORT_READ32} (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))`,
    );
    const host = await checkedHost(Host, { idRegisters });
    try {
      const machine = await host.createMachine({ guest });
      await machine.boot();
      expect((await machine.wait()).exitCode).toBe(idr0);
    } finally {
      await host.destroy();
    }
  });

  it('refuses what makes no sense, with a code', async () => {
    const host = await checkedHost(Host);
    const machine = await host.createMachine({ guest: ENDLESS });
    await expect(machine.wait()).rejects.toMatchObject({ name: 'UseError', code: 'not-booted' });
    await machine.destroy();
    await machine.destroy();
    await expect(machine.boot()).rejects.toMatchObject({ code: 'destroyed' });
    expect(host.machines).toEqual([]);
    await host.destroy();
    await expect(host.createMachine({ guest: ENDLESS })).rejects.toMatchObject({
      code: 'destroyed',
    });
  });

  it('releases what it had: a host can lend the same again and again', async () => {
    const host = await checkedHost(Host, { vintfs: 2 });
    for (let i = 0; i < 4; i++) {
      const machine = await host.createMachine({
        guest: ENDLESS,
        transport: i % 2 ? 'mailbox' : 'inline',
        drain: i < 2 ? 'doorbell' : 'thread',
      });
      await machine.boot();
      await expect(host.createMachine({ guest: ENDLESS })).rejects.toMatchObject({
        name: 'HostError',
        code: 'no-vintf',
      });
      await machine[Symbol.asyncDispose]();
    }
    expect(host.statistics.vms).toBe(0);
    await host[Symbol.asyncDispose]();
  });
});

// SPDX-License-Identifier: MIT
// Destroyed machines release RAM and address space while their host and its threads
// continue.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Host } from 'vsmmu';
import { steps } from '../../support/thorough.ts';
import { assemble } from '../../support/wat.ts';

const CYCLES = steps(10, 20);
/** The engine keeps the first few until it collects garbage. */
const UNCOUNTED = 4;
const GIB = 2 ** 30;
const MIB = 2 ** 20;
/** Touches 48 MiB of its 64, and ends. */
const GUEST = assemble(`(module
  (import "env" "memory" (memory 1024 1024 shared))
  (func (export "vsmmu_run") (param i32) (result i32)
    (memory.fill (i32.const 0x100000) (i32.const 7) (i32.const 0x3000000)) (i32.const 2))
  (func (export "vsmmu_abi") (result i32) (i32.const 1))
  (func (export "_initialize")))`);
const TOUCHED = 48 * MIB;
/** Address space of each machine. */
const RESERVED = 10 * GIB;

/** Of this process, in bytes. */
function memoryUse(): { rss: number; size: number } {
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name: string) =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { rss: field('VmRSS'), size: field('VmSize') };
}

describe(`${CYCLES} machines, one after the other`, () => {
  it.each([
    ['inline', 'doorbell'],
    ['mailbox', 'doorbell'],
    ['inline', 'thread'],
  ] as const)(
    'leave nothing behind: %s, %s',
    async (transport, drain) => {
      const host = await Host.create();
      // One remains, so that its drain does.
      const neighbour = await host.createMachine({ guest: GUEST, transport, drain });
      let before = memoryUse();
      for (let i = 0; i < CYCLES; i++) {
        const machine = await host.createMachine({ guest: GUEST, transport, drain });
        await machine.boot();
        expect(await machine.wait()).toMatchObject({ status: 'off' });
        await machine.destroy();
        if (i === UNCOUNTED - 1) before = memoryUse();
      }
      const { rss, size } = memoryUse();
      expect(size - before.size).toBeLessThan(4 * RESERVED);
      // A leak would include all machines; a heap that grows in the meantime is none.
      expect(rss - before.rss).toBeLessThan(0.7 * (CYCLES - UNCOUNTED) * TOUCHED);
      await neighbour.destroy();
      await host.destroy();
    },
    120_000,
  );
});

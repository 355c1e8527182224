// SPDX-License-Identifier: MIT
// The main purpose, on an arm64 vCPU: a guest invalidates through its VCMDQ without an
// exit.

import { afterEach, describe, expect, it } from 'vitest';
import { Host, type Machine, type MachineOptions } from '../../../../vmm/api/index.ts';
import { virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { batches, flips } from './virt-programs.ts';

let host: Host | undefined;
afterEach(async () => {
  await host?.destroy();
  host = undefined;
});

/** Runs a program to its end. Returns its output. */
async function run(guest: Uint8Array<ArrayBuffer>, own: Partial<MachineOptions> = {}) {
  await host?.destroy();
  host = await Host.create();
  const board = virtBoard();
  const machine: Machine = await host.createMachine({ guest, board, memory: 16, seed: 1, ...own });
  let printed = '';
  machine.on('output', (bytes) => {
    printed += String.fromCharCode(...bytes);
  });
  await machine.boot();
  expect(await machine.wait()).toMatchObject({ status: 'off' });
  const { exits, vcmdq } = machine.statistics;
  return { printed, exits, vcmdq };
}

describe('a VCMDQ of a machine of the board virt', () => {
  it('is served without an exit: as many for 10 batches as for 2,000', async () => {
    const few = await run(batches(10));
    const many = await run(batches(2000));
    expect([few.printed, many.printed]).toEqual(['K', 'K']);
    // CONFIG rings the doorbell as well.
    expect(many.vcmdq).toMatchObject({ commands: 4000, syncs: 2000, doorbellCalls: 2001 });
    // VINTF_CONFIG, CMDQ_ALLOC, BASE, and the UART.
    expect(many.exits.byKind).toEqual({ mmio: 4, wasi: 0, wait: 0, clock: 0 });
    expect(few.exits.total).toBe(many.exits.total);
  });

  it('has exits for each register when nothing is mapped', async () => {
    const trapped = (count: number) => run(batches(count), { directMaps: false });
    const [few, many] = [await trapped(10), await trapped(110)];
    expect([few.printed, many.printed]).toEqual(['K', 'K']);
    expect(many.vcmdq).toMatchObject({ commands: 220, doorbellCalls: 0 });
    // PROD, and CONS at least once.
    expect(many.exits.total - few.exits.total).toBeGreaterThanOrEqual(200);
  });

  it('traps while its VINTF is disabled, and is direct again after that', async () => {
    const [few, many] = [await run(flips(5)), await run(flips(105))];
    expect([few.printed, many.printed]).toEqual(['K', 'K']);
    expect(many.vcmdq.commands).toBe(210);
    // In each turn VINTF_CONFIG twice, and STATUS.
    expect(many.exits.total - few.exits.total).toBe(300);
  });
});

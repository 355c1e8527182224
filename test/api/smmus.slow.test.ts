// SPDX-License-Identifier: MIT
// Hosts with several SMMUs through the API, and the SMMUs of their machines.

import { afterEach, describe, expect, it } from 'vitest';
import { Host, type Machine, type MachineOptions, virtBoard } from 'vsmmu';
import { toyGuest } from 'vsmmu/guest';
import { ABI_AT_DEVICES, ABI_DEVICE_SIZE } from '../../assembly/layout/guest-abi.ts';
import { inspectionText } from '../../cli/inspect-text.ts';
import { DmaEngine } from '../../devices/dma-engine/index.ts';
import { checkedHost } from '../support/findings.ts';
import { reactor } from '../support/wat.ts';

const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
const TOY: MachineOptions = { guest: toyGuest, args: ['path=direct', 'rounds=1', 'warmup=0'] };

let host: Host;
afterEach(() => host?.destroy());

/** Boots a toy to its end. Returns its checks of the step about other SMMUs. */
async function otherSmmuChecks(machine: Machine) {
  const checks: { name: string; ok: boolean; detail: string }[] = [];
  machine.on('check', (check) => {
    if (check.name.startsWith('other-smmu')) checks.push(check);
    else expect(check).toMatchObject({ ok: true });
  });
  await machine.boot();
  await machine.wait();
  return checks;
}

describe('a machine of a host with two SMMUs', { timeout: 60_000 }, () => {
  it('has a device with each, and shows its guest that an unmap needs an invalidation on both', async () => {
    host = await checkedHost(Host, { smmus: 2 });
    const machine = await host.createMachine(TOY);
    const checks = await otherSmmuChecks(machine);
    expect(checks.map(({ name, ok }) => [name, ok])).toEqual([
      ['other-smmu', true],
      ['other-smmu-stale', true],
      ['other-smmu-invalidate', true],
    ]);
    expect(machine.inspect().map(({ smmu, queues }) => [smmu, queues[0]?.commands])).toEqual([
      [0, expect.any(Number)],
      [1, expect.any(Number)],
    ]);
    // Each has recorded the fault of its device.
    expect(host.statistics.smmus.map(({ events }) => events.F_TRANSLATION)).toEqual([3, 1]);
    expect(host.inspect().smmus.map(({ vintfsInUse }) => vintfsInUse)).toEqual([1, 1]);
  });

  it('can use one of them, shared with another machine or not', async () => {
    host = await checkedHost(Host, { smmus: 2 });
    const machines: Machine[] = [];
    for (const behind of [[1], [0], [1, 0]])
      machines.push(await host.createMachine({ guest: IDLE, behind }));
    expect(machines.map((machine) => machine.inspect().map(({ smmu }) => smmu))).toEqual([
      [1],
      [0],
      [1, 0],
    ]);
    const tree = inspectionText(host.inspect());
    expect(tree).toMatch(
      /├ SMMU 0: .*\n│ ├ vm1, its SMMU 0, VINTF 1: StreamID 0x100 \(the guest's 0x8\)\n│ └ vm2, its SMMU 1, VINTF 2: StreamID 0x200 /,
    );
    expect(tree).toMatch(/├ SMMU 1: .*\n│ ├ vm0, its SMMU 0, VINTF 1: .*\n│ └ vm2, its SMMU 0, /);
  });

  it('connects a plugin to the SMMU that its place names, and reports this to the guest', async () => {
    host = await checkedHost(Host, { smmus: 2 });
    const place = { addresses: [0x10000000], firstIrq: 16, smmu: 1 };
    const machine = await host.createMachine({
      guest: IDLE,
      devices: [{ device: new DmaEngine('mine'), ...place }],
    });
    expect(machine.inspect().map(({ streams }) => streams.map(({ virtual }) => virtual))).toEqual([
      [8],
      [8, 9],
    ]);
    await machine.boot();
    // uart, three devices of each SMMU, checkpoint: kind, gpa, size, line, StreamID,
    // SMMU.
    const words = new Uint32Array(
      machine.memory.buffer,
      ABI_AT_DEVICES,
      (10 * ABI_DEVICE_SIZE) / 4,
    );
    const of = (entry: number) => [...words.slice(8 * entry + 3, 8 * entry + 6)];
    const NONE = 0xffffffff;
    expect([1, 2, 3, 4, 5, 6, 8].map(of)).toEqual([
      [2, NONE, 0],
      [4, NONE, 0],
      [5, 8, 0],
      [116, NONE, 1],
      [118, NONE, 1],
      [119, 8, 1],
      [16, 9, 1],
    ]);
  });

  it.each([
    [{ behind: [2] }, 'no-smmu', 'the host has no SMMU 2: it has 2'],
    [{ behind: [0, 1, 2, 3, 4] }, 'placement', 'a machine of the standard board has 1 to 4 SMMUs'],
    [
      { behind: [0, 1], board: virtBoard() },
      'placement',
      'a machine of the board virt has one SMMU',
    ],
    [
      { behind: [1], board: virtBoard({ role: 'host' }) },
      'placement',
      "behind is for a guest's SMMU: in the role host it is the machine's own",
    ],
    [
      {
        devices: [
          { device: new DmaEngine('mine'), addresses: [0x10000000], firstIrq: 16, smmu: 2 },
        ],
      },
      'placement',
      'device mine: the machine has no SMMU 2: it has 2',
    ],
  ])('refuses %o', async (options, code, message) => {
    host = await checkedHost(Host, { smmus: 2 });
    await expect(host.createMachine({ guest: IDLE, ...options })).rejects.toMatchObject({
      code,
      message,
    });
    expect(host.statistics).toMatchObject({ vms: 0, vintfsInUse: 0, vmidsInUse: 0 });
  });
});

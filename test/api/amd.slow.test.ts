// SPDX-License-Identifier: MIT
// A host with an AMD IOMMU through the API: the toy's steps, inspection, and what is
// refused.

import { afterEach, describe, expect, it } from 'vitest';
import { Host, type HostOptions, type Machine, type MachineOptions, toyBoard } from 'vsmmu';
import { toyGuest } from 'vsmmu/guest';
import { ABI_AT_DEVICES } from '../../assembly/layout/guest-abi.ts';
import { inspectionText } from '../../cli/inspect-text.ts';
import { DmaEngine } from '../../devices/dma-engine/index.ts';
import { reactor } from '../support/wat.ts';

const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');

let host: Host | undefined;
afterEach(async () => {
  await host?.destroy();
  host = undefined;
});

describe('a host with an AMD IOMMU', { timeout: 60_000 }, () => {
  it('has the toys invalidate through their own command buffers, and keeps neighbours apart', async () => {
    host = await Host.create({ iommu: 'amd' });
    const checks: [name: string, ok: boolean][] = [];
    const machines: Machine[] = [];
    for (const machine of [0, 1]) {
      const made = await host.createMachine({
        guest: toyGuest,
        args: ['vms=2', `machine=${machine}`],
      });
      made.on('check', ({ name, ok }) => {
        if (machine === 1) checks.push([name, ok]);
        else expect([name, ok]).toEqual([name, true]);
      });
      await made.boot({ paused: true });
      machines.push(made);
    }
    const [first, second] = machines;
    if (!first || !second) throw new Error('two machines');
    // Runs vm0 until its mapping is live, then vm1, which attacks, to its end.
    while (first.footprint()['IOTLB entries'].count < 8) await first.step();
    const before = first.footprint();
    while (second.status === 'paused') await second.step();
    expect(first.footprint()).toEqual(before);
    expect(checks).toEqual(
      [
        'environment',
        'probe-amd',
        'amd-reset',
        'dma-copy',
        'stale-entry-used',
        'invalidate',
        'event-record',
        'remap',
        'illegal-command',
        'illegal-command-recovery',
        'page-request',
        'live-mapping',
        'attack-device-ids',
        'attack-domain-ids',
        'no-exits-direct',
      ].map((name) => [name, true]),
    );
    const { exits, vcmdq, drain } = second.statistics;
    expect(exits.duringInvalidation).toBe(0);
    expect(vcmdq).toMatchObject({ queues: 1, rewrites: expect.any(Number) });
    expect(vcmdq.doorbellCalls).toBeGreaterThan(256);
    expect(drain.reason).toBe('a command buffer of an AMD IOMMU');
    expect(host.statistics).toMatchObject({ vms: 2, smmus: [], strayEvents: 0 });
    expect(host.iotlb().length).toBeGreaterThan(8);
    expect(host.findings).toEqual([]);
  });

  it('shows GuestIDs, DeviceIDs and DomainIDs, and releases them', async () => {
    host = await Host.create({ iommu: 'amd' });
    const devices = [{ device: new DmaEngine('mine'), addresses: [0x10000000], firstIrq: 16 }];
    const machine = await host.createMachine({ guest: IDLE, devices });
    const other = await host.createMachine({ guest: IDLE });
    await machine.boot();
    // uart, IOMMU, DMA engine, checkpoint, and the second DMA engine: StreamIDs are
    // DeviceIDs.
    const table = new Uint32Array(machine.memory.buffer, ABI_AT_DEVICES, 40);
    expect([2, 4].map((entry) => table[8 * entry + 4])).toEqual([8, 9]);
    const tree = inspectionText(host.inspect());
    expect(tree).toMatch(/├ DomainIDs of 16 bits: \d+ of 65535 in use/);
    expect(tree).toMatch(
      /├ AMD IOMMU\n│ ├ vm0, GuestID 1: DeviceID 0x\w+ \(the guest's 0x8\), DeviceID 0x\w+ \(the guest's 0x9\)\n│ └ vm1, GuestID 2: /,
    );
    expect(tree).toContain('command buffer (AMD): no ring');
    expect(machine.inspect()).toEqual([]);
    const inUse = host.statistics.ramInUse;
    await other.destroy();
    expect(host.statistics).toMatchObject({ vms: 1 });
    expect(host.statistics.ramInUse).toBeLessThan(inUse);
  });

  it('has as many VMs as there are GuestIDs', async () => {
    host = await Host.create({ iommu: 'amd', hostRam: 64 });
    for (let vm = 0; vm < 15; vm++) await host.createMachine({ guest: IDLE });
    await expect(host.createMachine({ guest: IDLE })).rejects.toMatchObject({
      name: 'HostError',
      message: 'GuestIDs are exhausted: 15',
    });
    expect(host.statistics.vms).toBe(15);
  });
});

describe('what is for an SMMU', () => {
  it.each<HostOptions>([
    { smmus: 1 },
    { vintfs: 4 },
    { vcmdqs: 64 },
    { idRegisters: 'grace' },
    { btm: true },
    { iotlbCheck: true },
    { onQueueError: () => 'skip' },
    { onFinding: () => undefined },
    { trace: true },
    { traceLimit: 100 },
    { faults: {} },
  ])('is refused by a host with an AMD IOMMU: %o', async (options) => {
    const [option] = Object.keys(options);
    await expect(Host.create({ iommu: 'amd', ...options })).rejects.toMatchObject({
      name: 'OptionsError',
      option,
      message: `${option} is for an SMMU: it excludes iommu amd`,
    });
  });

  it.each<[Partial<MachineOptions>, string]>([
    [{ overlay: true }, 'overlay is for an SMMU: it excludes iommu amd'],
    [{ queues: 'ecmdq' }, 'queues is for an SMMU: it excludes iommu amd'],
    [{ btm: true }, 'btm is for an SMMU: it excludes iommu amd'],
    [{ behind: [0] }, 'behind is for an SMMU: it excludes iommu amd'],
    [{ vcpus: 2 }, 'vcpus must be 1 with an AMD IOMMU: a guest has one command buffer'],
    [{ board: toyBoard }, 'board must be the standard one with an AMD IOMMU'],
    [
      { transport: 'mailbox' },
      'transport must be inline with an AMD IOMMU: its guests have no threads',
    ],
    [
      { drain: 'auto' },
      'drain must be doorbell with an AMD IOMMU: no other thread serves command buffers',
    ],
    [
      { faults: { fetchAborts: 1 } },
      'fetchAborts is for command queues of an SMMU, not for an AMD IOMMU',
    ],
  ])('is refused by its machines: %o', async (options, message) => {
    host = await Host.create({ iommu: 'amd' });
    await expect(host.createMachine({ guest: IDLE, ...options })).rejects.toThrow(message);
    expect(host.statistics.vms).toBe(0);
  });

  it('an IOMMU is one of those that there are', async () => {
    await expect(Host.create({ iommu: 'intel' as 'amd' })).rejects.toMatchObject({
      message: 'iommu must be one of smmu, amd, not "intel"',
    });
  });
});

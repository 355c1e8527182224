// SPDX-License-Identifier: MIT
// An unmodified Linux with NVIDIA's CMDQV driver: its boot messages, and the exits of its
// invalidations.

import { expect, test } from 'vitest';
import type { DeviceFaults } from '../../devices/faults/index.ts';
import {
  boot,
  DEBUG,
  expectInOrder,
  kernelForKexec,
  landmarks,
  TROUBLE,
} from '../support/linux-boot.ts';
import { kernelWithout } from '../support/linux-kernel.ts';

test('NVIDIA’s driver allocates its VCMDQs and unmaps without an exit', async () => {
  const { end, console, benchmarks } = await boot('bench 1 30 1; bench 2 30 16; state', DEBUG);
  expect(end.status).toBe('off');
  expectInOrder(console, [...landmarks(256), /^taint 0$/m, /GICv3 +110 Edge +tegra241-cmdqv/]);
  expect(console).not.toMatch(TROUBLE);
  expect(benchmarks.map(({ exits }) => exits)).toEqual([0, 0]);
  for (const { syncs, unmapNs } of benchmarks) {
    expect(syncs).toBeGreaterThan(1000);
    expect(unmapNs).toBeGreaterThan(0);
  }
});

test('the trapped path costs the same driver exits, and finds what it does', async () => {
  const { console, benchmarks } = await boot('bench 1 20 1; state', '', { path: 'trapped' });
  expect(console).toMatch(/^taint 0$/m);
  expect(console).not.toMatch(TROUBLE);
  const [{ exits = 0, syncs = 0 } = {}] = benchmarks;
  // One write of PROD, and at least one read of CONS.
  expect(exits).toBeGreaterThanOrEqual(2 * syncs);
  expect(syncs).toBeGreaterThan(1000);
});

test('a kernel that leaves the CMDQV alone unmaps without an exit on the overlay path', async () => {
  const { console, benchmarks } = await boot('bench 1 30 1; state', '', { path: 'overlay' });
  expect(console).toMatch(/^taint 0$/m);
  expect(console).not.toMatch(TROUBLE);
  expect(console).not.toMatch(/vcmdq/);
  expect(benchmarks).toMatchObject([{ exits: 0 }]);
  expect(benchmarks[0]?.syncs).toBeGreaterThan(1000);
});

test('bypass_vcmdq sends invalidations to the trapped CMDQ and back at run time', async () => {
  /** CMD_SYNCs by queue, as shown by `inspect` after each benchmark. */
  const seen: Record<'CMDQ' | 'VCMDQs', number>[] = [];
  const { console, benchmarks } = await boot(
    'bench 1 20 1; bypass Y; bench 1 20 1; bypass N; bench 1 20 1',
    '',
    {
      onLine: (line, machine) => {
        if (line !== 'bench ends') return;
        const [smmu] = machine.inspect();
        const syncs = (queues: readonly { readonly syncs: number }[] = []) =>
          queues.reduce((sum, one) => sum + one.syncs, 0);
        seen.push({ CMDQ: syncs(smmu?.queues), VCMDQs: syncs(smmu?.vintf?.queues) });
      },
    },
  );
  expect(console).not.toMatch(TROUBLE);
  const exits = benchmarks.map((one) => one.exits);
  expect(exits).toEqual([0, expect.any(Number), 0]);
  const bypassed = benchmarks[1]?.syncs ?? Number.POSITIVE_INFINITY;
  expect(bypassed).toBeGreaterThan(1000);
  expect(exits[1]).toBeGreaterThanOrEqual(bypassed);
  const [first, second, third] = seen;
  expect(second?.CMDQ).toBe((first?.CMDQ ?? 0) + bypassed);
  expect(second?.VCMDQs).toBe(first?.VCMDQs);
  expect(third?.CMDQ).toBe(second?.CMDQ);
  expect(third?.VCMDQs).toBeGreaterThan(second?.VCMDQs ?? Number.POSITIVE_INFINITY);
});

test('disable_cmdqv leaves the one CMDQ', async () => {
  const { console, benchmarks } = await boot('bench 1 20 1', 'arm_smmu_v3.disable_cmdqv=1');
  expect(console).toMatch(/allocated 256 entries for cmdq$/m);
  expect(console).not.toMatch(/entries for vcmdq/);
  expect(benchmarks[0]?.exits).toBeGreaterThanOrEqual(
    benchmarks[0]?.syncs ?? Number.POSITIVE_INFINITY,
  );
});

test('a lazy domain sends few invalidations, one that is passed through none', async () => {
  const lazy = await boot('bench 1 20 1', 'iommu.strict=0');
  expect(lazy.console).toMatch(/lazy mode/);
  const passed = await boot('bench 1 20 1', 'iommu.passthrough=1');
  expect(passed.console).toMatch(/Default domain type: Passthrough/);
  const syncs = [lazy, passed].map(({ benchmarks }) => benchmarks[0]?.syncs);
  expect(syncs[0]).toBeGreaterThan(0);
  expect(syncs).toEqual([expect.any(Number), 0]);
  expect(syncs[0]).toBeLessThan(500);
});

test('without range invalidation, as on Grace, an unmap of 16 pages is 16 commands', async () => {
  const { statistics, benchmarks } = await boot('bench 1 20 16', '', { idRegisters: 'grace' });
  const { commands, syncs } = statistics.vcmdq;
  expect(benchmarks[0]?.exits).toBe(0);
  expect(commands).toBe(17 * syncs);
});

/** While the kernel maps and unmaps a page, a device reads it. */
const BUSY_DEVICE = 'bench 1 200 1 & dma 0xfffff000 40; wait';

test('the sanitizer has nothing against the driver', async () => {
  const { end, console, findings } = await boot(`${BUSY_DEVICE}; bench 1 20 16`, 'quiet', {
    iotlbCheck: true,
  });
  expect(end.status).toBe('off');
  expect(console).toMatch(/^dma: [1-9]/m);
  expect(findings).toEqual([]);
});

test('the TLBI that is missing in a kernel is reported, with command, address and ASID', async () => {
  const { findings } = await boot(BUSY_DEVICE, 'quiet', {
    ...kernelWithout('arm_smmu_iotlb_sync'),
    iotlbCheck: true,
  });
  expect(findings).toContainEqual(
    expect.stringMatching(
      /stale IOTLB entry, StreamID 0x8 .* at 0xfffff000 .* missing: TLBI_NH_VA .*ASID=0x1 .*Address=0xfffff000/,
    ),
  );
});

test('the driver’s interrupt handler skips a command that a VCMDQ refuses, and the queue continues', async () => {
  const { console, benchmarks } = await boot('bad-command 0; bench 1 20 1; state');
  expectInOrder(console, [
    /^bad command rung$/m,
    /tegra241_cmdqv: unexpected error reported\. vintf_map: 0{15}1, vcmdq_map 0+:0+:0+:0+1/,
    /CMDQ error \(cons 0x01000000\): Illegal command/,
    /skipping command in error state:/,
    /0x00000000000000ff/,
  ]);
  expect(console).toMatch(/1 +GICv3 +110 Edge +tegra241-cmdqv/);
  expect(console).not.toMatch(/CMD_SYNC timeout/);
  expect(benchmarks).toMatchObject([{ exits: 0 }]);
  expect(benchmarks[0]?.syncs).toBeGreaterThan(1000);
});

test('queues that refuse a command at once are all repaired', async () => {
  const { console, benchmarks } = await boot('bad-command 0 1 2 3; bench 4 20 1; state', '', {
    vcpus: 4,
  });
  const reports = [...console.matchAll(/unexpected error reported\. .*:([0-9a-f]+)$/gm)];
  const map = reports.reduce((queues, [, one]) => queues | Number.parseInt(`${one}`, 16), 0);
  expect(map).toBe(0b1111);
  expect(console.match(/CMDQ error \(cons 0x010000[0-9a-f]{2}\): Illegal command/g)).toHaveLength(
    4,
  );
  expect(console.match(/skipping command in error state:/g)).toHaveLength(4);
  expect(console).not.toMatch(/CMD_SYNC timeout|WARNING|BUG:|Oops|Call trace|taint [^0]/);
  expect(benchmarks).toMatchObject([{ exits: 0 }]);
  expect(benchmarks[0]?.syncs).toBeGreaterThan(1000);
});

test.each([2, 4])('%i vCPUs have a VCMDQ each, and no exit', async (vcpus) => {
  const { end, console, benchmarks } = await boot(
    `bench ${vcpus} 20 1; cat /sys/devices/system/cpu/online; state`,
    '',
    { vcpus },
  );
  expect(end.status).toBe('off');
  expectInOrder(console, [
    new RegExp(`entries for vcmdq${vcpus - 1}$`, 'm'),
    new RegExp(`^0-${vcpus - 1}$`, 'm'),
    /^taint 0$/m,
  ]);
  expect(console).not.toMatch(TROUBLE);
  expect(benchmarks).toMatchObject([{ exits: 0 }]);
  expect(benchmarks[0]?.syncs).toBeGreaterThan(1000);
});

// Not with an ITS: docs/linux.md gives the reason.
test.each([
  [1, 'none'],
  [2, 'none'],
  [1, 'v2m'],
  [2, 'v2m'],
] as const)(
  'with %i vCPUs and --msi %s, a kernel that kexec starts is as quiet as the first',
  async (vcpus, msi) => {
    const { end, console, benchmarks } = await boot(
      `bench ${vcpus} 10 1; kexec /Image /initrd /line`,
      DEBUG,
      { ...kernelForKexec(`bench ${vcpus} 10 1; state`), vcpus, msi },
    );
    expect(end.status).toBe('off');
    expectInOrder(console, [
      ...landmarks(256),
      /^bench ends$/m,
      /kexec_core: Starting new kernel/,
      ...landmarks(256),
    ]);
    expect(console).not.toMatch(TROUBLE);
    expect(benchmarks.map(({ exits }) => exits)).toEqual([0, 0]);
  },
);

test('kexec is refused with an ITS, which the next kernel could not use', async () => {
  const { end, console } = await boot('kexec /Image /initrd /line; state', '', {
    ...kernelForKexec('state'),
    msi: 'its',
  });
  expect(end.status).toBe('off');
  expect(console).toMatch(/^kexec: .* ITS: boot with --msi v2m or none\r?$/m);
  expect(console).not.toContain('Starting new kernel');
  expect(console).toMatch(/^taint 0$/m);
});

test('an interrupt that is lost leaves a CMD_SYNC that times out after a second, and nothing else', async () => {
  const { end, console } = await boot('bad-command 0; bench 1 500 1; state', '', {
    faults: { lostInterrupts: 1 },
  });
  expect(end.status).toBe('off');
  const timeouts = console.match(/^.*CMD_SYNC timeout at 0x.*$/gm) ?? [];
  expect(timeouts).toHaveLength(1);
  expect(console).not.toMatch(/WARNING|BUG:|Oops|Call trace|failed to|unexpected|errno|taint [^0]/);
  // One second of the kernel's own time after the first unmap.
  expect(Number(/\[ *([\d.]+)\]/.exec(timeouts[0] ?? '')?.[1])).toBeCloseTo(1, 0);
});

test('a queue that is stuck is a CMD_SYNC that times out after a second, and nothing else', async () => {
  const faults: DeviceFaults = {};
  const { end, console } = await boot('bench 1 500 1; state', '', {
    faults,
    onLine: (line) => {
      // CONS does not change before more than a second of reads.
      if (line === 'bench begins') faults.lateCons = 2 ** 31;
      if (line.includes('CMD_SYNC timeout')) faults.lateCons = 0;
    },
  });
  expect(end.status).toBe('off');
  const timeouts = console.match(/^.*CMD_SYNC timeout at 0x.*$/gm) ?? [];
  expect(timeouts).toHaveLength(1);
  expect(console).not.toMatch(/WARNING|BUG:|Oops|Call trace|failed to|unexpected|errno|taint [^0]/);
  expect(Number(/\[ *([\d.]+)\]/.exec(timeouts[0] ?? '')?.[1])).toBeCloseTo(1, 0);
});

test('a ring that cannot be fetched stops its queue until the interrupt handler has it tried again', async () => {
  const { end, console, benchmarks } = await boot('bench 1 20 1; bench 1 20 1; state', '', {
    faults: { fetchAborts: 500 },
  });
  expect(end.status).toBe('off');
  expectInOrder(console, [
    // The only vCPU polls with interrupts masked: its handler runs after the time-out.
    /CMD_SYNC timeout at 0x/,
    /tegra241_cmdqv: unexpected error reported/,
    /CMDQ error \(cons 0x[0-9a-f]+\): Abort on command fetch/,
    /retrying command fetch/,
    /^taint 0$/m,
  ]);
  expect(console).not.toMatch(/WARNING|BUG:|Oops|Call trace|failed to|errno/);
  expect(benchmarks).toHaveLength(2);
  expect(benchmarks[0]?.syncs).toBeGreaterThan(200);
});

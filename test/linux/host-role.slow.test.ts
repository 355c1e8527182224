// SPDX-License-Identifier: MIT
// An unmodified Linux that owns the physical SMMU and CMDQV: NVIDIA's driver as in
// Grace's own kernel.

import { expect, test } from 'vitest';
import type { LinuxRunOptions } from '../../cli/linux-run.ts';
import {
  boot,
  DEBUG,
  expectInOrder,
  kernelForKexec,
  landmarks,
  TROUBLE,
} from '../support/linux-boot.ts';
import { kernelWithout } from '../support/linux-kernel.ts';

/** Size of CMDQ, event queue and VCMDQs, by IDR1. */
const ENTRIES = 1024;

function bootHost(run: string, append = '', options: Partial<LinuxRunOptions> = {}) {
  return boot(run, append, { role: 'host', ...options });
}

test('NVIDIA’s driver gets HYP_OWN and its VCMDQs, and unmaps without an exit', async () => {
  const config: (number | undefined)[] = [];
  const { end, console, benchmarks, statistics } = await bootHost(
    'bench 1 30 1; bench 2 30 16; state',
    DEBUG,
    {
      onLine: (line, machine) => {
        if (line === 'bench ends') config.push(machine.readRegister('cmdqv', 0x1000)?.lo);
      },
    },
  );
  expect(end.status).toBe('off');
  expectInOrder(console, [
    ...landmarks(ENTRIES),
    /^taint 0$/m,
    /GICv3 +110 Edge +tegra241-cmdqv/,
    /ITS-pMSI-9050000\.iommu +0 Edge +arm-smmu-v3-evtq/,
  ]);
  expect(console).not.toMatch(TROUBLE);
  // EN, VMID 0 and HYP_OWN of VINTF 0.
  expect(config).toEqual([0x20001, 0x20001]);
  expect(benchmarks.map(({ exits }) => exits)).toEqual([0, 0]);
  for (const { syncs } of benchmarks) expect(syncs).toBeGreaterThan(1000);
  // No command is rewritten.
  expect(statistics.vcmdq.rewrites).toBe(0);
  expect(statistics.smmu.events).toEqual({});
});

test('the trapped path costs the same driver exits', async () => {
  const { console, benchmarks } = await bootHost('bench 1 20 1; state', '', { path: 'trapped' });
  expect(console).toMatch(/^taint 0$/m);
  expect(console).not.toMatch(TROUBLE);
  const [{ exits = 0, syncs = 0 } = {}] = benchmarks;
  expect(exits).toBeGreaterThanOrEqual(2 * syncs);
  expect(syncs).toBeGreaterThan(1000);
});

test('the interrupt handler skips a command that a VCMDQ with HYP_OWN refuses', async () => {
  const { console, benchmarks } = await bootHost('bad-command 0; bench 1 20 1; state');
  expectInOrder(console, [
    /^bad command rung$/m,
    /tegra241_cmdqv: unexpected error reported\. vintf_map: 0{15}1, vcmdq_map 0+:0+:0+:0+1/,
    /CMDQ error \(cons 0x010000[0-9a-f]{2}\): Illegal command/,
    /skipping command in error state:/,
    /0x00000000000000ff/,
  ]);
  expect(console).toMatch(/1 +GICv3 +110 Edge +tegra241-cmdqv/);
  expect(console).not.toMatch(/CMD_SYNC timeout/);
  expect(benchmarks).toMatchObject([{ exits: 0 }]);
  expect(benchmarks[0]?.syncs).toBeGreaterThan(1000);
});

test('bypass_vcmdq and disable_cmdqv leave the SMMU’s own CMDQ, which traps', async () => {
  const bypassed = await bootHost('bench 1 20 1; bypass Y; bench 1 20 1; bypass N; bench 1 20 1');
  expect(bypassed.console).not.toMatch(TROUBLE);
  const [first, second, third] = bypassed.benchmarks;
  expect([first?.exits, third?.exits]).toEqual([0, 0]);
  expect(second?.exits).toBeGreaterThanOrEqual(second?.syncs ?? Number.POSITIVE_INFINITY);

  const disabled = await bootHost('bench 1 20 1', 'arm_smmu_v3.disable_cmdqv=1');
  expect(disabled.console).not.toMatch(TROUBLE);
  expect(disabled.console).not.toMatch(/entries for vcmdq/);
  const [{ exits = 0, syncs = Number.POSITIVE_INFINITY } = {}] = disabled.benchmarks;
  expect(exits).toBeGreaterThanOrEqual(syncs);
});

test('a lazy domain sends few invalidations, one that is passed through none', async () => {
  const lazy = await bootHost('bench 1 20 1; state', 'iommu.strict=0');
  const passed = await bootHost('bench 1 20 1; state', 'iommu.passthrough=1');
  for (const { console } of [lazy, passed]) expect(console).not.toMatch(TROUBLE);
  const syncs = [lazy, passed].map(({ benchmarks }) => benchmarks[0]?.syncs);
  expect(syncs).toEqual([expect.any(Number), 0]);
  expect(syncs[0]).toBeLessThan(500);
});

test('Grace’s own ID registers: large queues, no range invalidation', async () => {
  const { console, statistics, benchmarks } = await bootHost('bench 1 20 16; state', '', {
    idRegisters: 'grace',
  });
  expect(console).toMatch(/^taint 0$/m);
  expect(console).not.toMatch(TROUBLE);
  const { commands, syncs } = statistics.vcmdq;
  expect(benchmarks[0]?.exits).toBe(0);
  // With HYP_OWN, the driver also uses a VCMDQ for the commands that attach a device:
  // fewer commands before a CMD_SYNC.
  expect(commands).toBeLessThan(17 * syncs);
  expect(commands).toBeGreaterThan(16.5 * syncs);
});

test('two vCPUs have a VCMDQ each', async () => {
  const { console, benchmarks } = await bootHost('bench 2 20 1; state', '', { vcpus: 2 });
  expectInOrder(console, [/entries for vcmdq1$/m, /^taint 0$/m]);
  expect(console).not.toMatch(TROUBLE);
  expect(benchmarks).toMatchObject([{ exits: 0 }]);
});

test('a kernel started by kexec takes over SMMU and CMDQV', async () => {
  const { end, console, benchmarks } = await bootHost(
    'bench 1 10 1; kexec /Image /initrd /line',
    DEBUG,
    // A device tree cannot pass the tables of an ITS to the next kernel.
    { ...kernelForKexec('bench 1 10 1; state'), msi: 'none' },
  );
  expect(end.status).toBe('off');
  expectInOrder(console, [
    ...landmarks(ENTRIES),
    /kexec_core: Starting new kernel/,
    ...landmarks(ENTRIES),
  ]);
  expect(console).not.toMatch(TROUBLE);
  expect(benchmarks.map(({ exits }) => exits)).toEqual([0, 0]);
});

test('the sanitizer accepts the driver, and finds a TLBI that is removed from it', async () => {
  const run = 'bench 1 200 1 & dma 0xfffff000 40; wait';
  const sound = await bootHost(run, 'quiet', { iotlbCheck: true });
  expect(sound.findings).toEqual([]);
  const { findings } = await bootHost(run, 'quiet', {
    ...kernelWithout('arm_smmu_iotlb_sync'),
    iotlbCheck: true,
  });
  expect(findings).toContainEqual(
    expect.stringMatching(
      /stale IOTLB entry, StreamID 0x8 .* at 0xfffff000 .* missing: TLBI_NH_VA .*Address=0xfffff000/,
    ),
  );
});

// SPDX-License-Identifier: MIT
// vsmmu inspect.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectionText } from '../../cli/inspect-text.ts';
import type { HostInspection } from '../../vmm/api/index.ts';
import { vsmmu, vsmmuProcess } from '../support/vsmmu-command.ts';
import { reactor } from '../support/wat.ts';

describe('vsmmu inspect', { timeout: 120_000 }, () => {
  it('prints the machines of a host at work, as a tree and as JSON', async () => {
    const { status, stdout, stderr } = await vsmmuProcess('inspect', 'toy');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^host: /);
    for (const line of [
      /^├ VMIDs of 16 bits, generation 1: 2 of \d+ pinned$/m,
      /^├ vm0: window 1 /m,
      /^└ vm1: window 2 /m,
    ]) {
      expect(stdout).toMatch(line);
    }
    expect(stdout).toMatch(
      /LVCMDQ 0 \(VCMDQ\): 256 entries, PROD (\d+), CONS \1, running; commands [1-9]/,
    );
    expect(stdout).toMatch(/#\d+ HW_QUEUE, \d references?: index 1; keeps #\d+ too/);
    const json = await vsmmu('inspect', 'toy', '--json');
    expect(inspectionText(JSON.parse(json.stdout) as HostInspection)).toBe(stdout);
  });

  it('prints the objects before the guests have run', async () => {
    const { stdout } = await vsmmu('inspect', 'toy', '--vms', '1', '--steps', '0');
    expect(stdout).toContain('LVCMDQ 0 (VCMDQ): no ring');
    expect(stdout).not.toContain('HW_QUEUE');
  });

  it('shows the overlaid CMDQ with PROD and CONS where the guest has them', async () => {
    const { stdout } = await vsmmu('inspect', 'toy', '--vms', '1', '--path', 'overlay');
    expect(stdout).toMatch(
      /CMDQ \(overlay\): 256 entries, PROD (\d+), CONS \1, running; commands [1-9]/,
    );
  });

  it('shows the ECMDQs at work when they are the direct path', async () => {
    const { stdout } = await vsmmu('inspect', 'toy', '--vms', '1', '--queues', 'ecmdq');
    expect(stdout).toMatch(
      /ECMDQ 0 \(ECMDQ\): 256 entries, PROD (\d+), CONS \1, running; commands [1-9]/,
    );
  });

  it('shows the SMMU of each machine, and the vIOMMU that receives TLBIs of vCPUs', async () => {
    const { status, stdout } = await vsmmu(
      'inspect',
      'toy',
      '--smmus',
      '2',
      '--btm',
      '--steps',
      '0',
    );
    expect(status).toBe(0);
    for (const smmu of [0, 1])
      for (const [vm, vintf] of [
        [0, 1],
        [1, 2],
      ] as const)
        expect(stdout).toContain(
          `vm${vm}, its SMMU ${smmu}, VINTF ${vintf}: StreamID 0x${vintf}00`,
        );
    expect(stdout).toMatch(/vIOMMU 0 on SMMU 0: VMID \d+, BTM;/);
    expect(stdout).toMatch(/vIOMMU 0 on SMMU 1: VMID \d+;/);
  });

  it('shows the command buffers of an AMD IOMMU at work', async () => {
    const { status, stdout } = await vsmmu('inspect', 'toy', '--iommu', 'amd', '--vms', '1');
    expect(status).toBe(0);
    expect(stdout).toMatch(/└ vm0, GuestID 1: DeviceID 0x\w+ \(the guest's 0x8\)/);
    expect(stdout).toMatch(
      /command buffer \(AMD\): 256 entries, PROD (\d+), CONS \1, running; commands [1-9]/,
    );
    expect(stdout).toMatch(/DomainID 5 is \d+ on the IOMMU/);
  });

  it('prints the host in a trace', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vsmmu-inspect-'));
    try {
      const file = join(folder, 'run.json');
      expect(
        (
          await vsmmu(
            'boot',
            'toy',
            '--vms',
            '1',
            '--experiment',
            'stale-dma',
            '--quiet',
            '--trace',
            file,
          )
        ).status,
      ).toBe(0);
      const { status, stdout, stderr } = await vsmmu('inspect', file);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(
        /└ vm0: window 1 [\s\S]*LVCMDQ 0 \(VCMDQ\): 256 entries[\s\S]*#\d+ VIOMMU/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('ends a guest that never yields at its timeout', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vsmmu-inspect-'));
    try {
      const guest = join(folder, 'stuck.wasm');
      // Asleep, so that it does not occupy a core that other tests need
      // (terminal.slow.test.ts has one that spins).
      const sleep =
        '(drop (memory.atomic.wait32 (i32.const 0x110000) (i32.const 0) (i64.const -1)))';
      await writeFile(
        guest,
        reactor(
          `(func $run (param i32) (result i32) (loop $for ${sleep} (br $for)) (i32.const 0))`,
        ),
      );
      const { status, stdout, stderr } = await vsmmuProcess('inspect', guest, '--timeout', '1');
      expect([status, stdout, stderr]).toEqual([
        1,
        '',
        'vsmmu: the guest did not return within 1 s, and was terminated\n',
      ]);
      const asJson = await vsmmuProcess('inspect', guest, '--timeout', '1', '--json');
      expect([asJson.status, asJson.stderr]).toEqual([1, stderr]);
      expect(JSON.parse(asJson.stdout)).toEqual({
        formatVersion: 1,
        ok: false,
        checks: [{ name: 'the guests came back', ok: false, detail: 'not within 1 s' }],
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

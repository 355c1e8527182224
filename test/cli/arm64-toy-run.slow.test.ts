// SPDX-License-Identifier: MIT
// `vsmmu boot toy --arch arm64`: the report of a run, by every path and place of its parts.

import { describe, expect, it } from 'vitest';
import type { Report } from '../../cli/report.ts';
import { THOROUGH } from '../support/thorough.ts';
import { vsmmu } from '../support/vsmmu-command.ts';

const boot = async (...options: string[]) => {
  const { status, stdout } = await vsmmu(
    ...['boot', 'toy', '--arch', 'arm64', '--json', ...options],
  );
  const report = JSON.parse(stdout) as Report;
  return { status, report, failed: report.checks.filter(({ ok }) => !ok) };
};

const NO_KERNEL =
  'is for arm64 kernels, which the toy is not: vsmmu boot linux, or vsmmu boot KERNEL --arch arm64';

describe('vsmmu boot toy --arch arm64', { timeout: 120_000 }, () => {
  it.each([
    [['--path', 'direct'], ['direct'], 39],
    [['--path', 'trapped'], ['trapped'], 24],
    [['--path', 'overlay'], ['overlay'], 24],
    [['--no-direct-maps'], ['trapped'], 24],
    [['--check', '--vcpus', '2'], ['direct', 'trapped', 'direct x2', 'overlay'], 67],
    [['--transport', 'mailbox', '--vcpus', '2'], ['direct', 'trapped', 'direct x2', 'overlay'], 65],
    ...((THOROUGH
      ? [
          [['--vms', '2'], ['direct', 'trapped', 'overlay'], 107],
          [['--transport', 'mailbox', '--drain', 'thread'], ['direct', 'trapped', 'overlay'], 64],
        ]
      : []) as [string[], string[], number][]),
  ])('%j', async (options, paths, checks) => {
    const vms = options.includes('--vms') ? [] : ['--vms', '1'];
    const { status, report, failed } = await boot(...options, ...vms);
    expect([status, failed, report.checks.length]).toEqual([0, [], checks]);
    const exits = Object.fromEntries(
      report.paths.map(({ path, batch, vcpus, exitsPerBatch }) => [
        `${path}${vcpus > 1 ? ` x${vcpus}` : ''} ${batch}`,
        exitsPerBatch,
      ]),
    );
    const expected = paths.flatMap((path) =>
      [1, 16, 64].map((batch) => [`${path} ${batch}`, path === 'trapped' ? 2 : 0]),
    );
    expect(exits).toEqual(Object.fromEntries(expected));
  });

  it.each(THOROUGH ? ['inline', 'mailbox'] : ['inline'])(
    'attacks the machine beside it, of two by default, which loses nothing: %s',
    async (transport) => {
      const { report } = await boot('--transport', transport);
      const { checks } = report;
      const found = (name: string) => checks.find((check) => check.name === name);
      for (const victim of ['vm0', 'vm1'])
        for (const kind of ['IOTLB entries', 'queues and contexts', 'guest memory'])
          expect(found(`isolation: ${kind}: ${victim} lost nothing`)).toEqual({
            name: expect.any(String),
            ok: true,
            detail: expect.stringMatching(
              /^6 attacks on at least [1-9]\d* .*, 0 changed something$/,
            ),
          });
      expect(found('vm1: attack-sid-fields')?.detail).toMatch(/^192 of 192 /);
    },
  );

  it('runs an experiment of two machines', async () => {
    const { status, report, failed } = await boot('--experiment', 'foreign-ids');
    expect([status, failed, report.paths]).toEqual([0, [], []]);
    const names = report.checks.map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('vm0: attack'))).toEqual([
      'vm0: attack-vmid-fields',
      'vm0: attack-sid-fields',
    ]);
    expect(names).toContain('isolation: IOTLB entries: vm1 lost nothing');
  });

  it.each([
    ['--role host', `--role host ${NO_KERNEL}`],
    ['--msi v2m', `--msi v2m ${NO_KERNEL}`],
    ['--memory 8', 'the arm64 toy needs 16 MiB of memory'],
    ['--append x', `--append ${NO_KERNEL}`],
    ['--pcie rng', `--pcie ${NO_KERNEL}`],
    [
      '--experiment btm',
      'btm is for the standard board, where TLBIs of vCPUs reach the SMMU: without --arch arm64, the toy runs there',
    ],
  ])('refuses %s', async (options, why) => {
    const { status, stderr } = await vsmmu('boot', 'toy', '--arch', 'arm64', ...options.split(' '));
    expect([status, stderr.trimEnd()]).toEqual([2, `vsmmu: ${why}`]);
  });
});

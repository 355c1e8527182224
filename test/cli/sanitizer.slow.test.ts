// SPDX-License-Identifier: MIT
// `vsmmu boot --check` names the invalidation that a driver omits, and reports nothing
// for a correct driver.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../cli/report.ts';
import { vsmmu } from '../support/vsmmu-command.ts';

/** Without warm-up rounds: these tests do not depend on measurements. */
const boot = (...args: string[]) => vsmmu('boot', 'toy', '--arg', 'warmup=0', ...args);

describe('vsmmu boot toy --check', { timeout: 120_000 }, () => {
  it.each([
    [
      'forget-tlbi',
      'IOTLB',
      'TLBI_NH_VA VMID=0x0 ASID=0x1 Leaf=0x1 Address=0x100000000',
      ['0001000000000012', '0000000100000001'],
    ],
    [
      'forget-cfgi-cd',
      'CD',
      'CFGI_CD SubstreamID=0x0 StreamID=0x8 Leaf=0x1',
      ['0000000800000005', '0000000000000001'],
    ],
    [
      'forget-cfgi-ste',
      'STE',
      'CFGI_STE StreamID=0x8 Leaf=0x1',
      ['0000000800000003', '0000000000000001'],
    ],
  ])('--experiment %s: names the command', async (experiment, kind, text, doublewords) => {
    const { status, stdout } = await boot('--experiment', experiment, '--check', '--json');
    const report = JSON.parse(stdout) as Report;
    expect(status).toBe(1);
    expect(report.checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual([
      'sanitizer: no forgotten invalidation',
    ]);
    expect(report.sanitizer?.findings).toMatchObject([
      { kind, machine: 'vm0', streamId: 8, command: { text, doublewords } },
    ]);
  });

  it.each([
    [[]],
    [
      [
        '--drain',
        'thread',
        '--transport',
        'mailbox',
        '--vcpus',
        '2',
        '--vms',
        '1',
        '--path',
        'direct',
      ],
    ],
  ])('the toy %j forgets nothing', async (args) => {
    const { status, stdout } = await boot('--check', '--quiet', '--json', ...args);
    const { sanitizer } = JSON.parse(stdout) as Report;
    expect([status, sanitizer?.findings, sanitizer?.lost]).toEqual([0, [], 0]);
    // It unmaps a page that is in use, and invalidates it afterwards.
    expect(sanitizer?.suspects).toBeGreaterThan(0);
    expect(sanitizer?.compared).toBeGreaterThan(10);
  });

  it('prints what docs/sanitizer.md shows', async () => {
    const page = readFileSync(new URL('../../docs/sanitizer.md', import.meta.url), 'utf8');
    const [, args = '', , shown = ''] =
      /^npx vsmmu boot toy (.*)$([\s\S]*?)^```text\n(.*)$/m.exec(page) ?? [];
    const { status, stdout } = await boot(...args.split(' '));
    expect(shown).toContain('stale IOTLB entry');
    expect(stdout).toContain(shown);
    expect(status).toBe(1);
  });
});

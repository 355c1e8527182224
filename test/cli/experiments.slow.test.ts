// SPDX-License-Identifier: MIT
// `vsmmu boot toy --experiment`: each experiment, from the list that the demo shows as
// well.

import { describe, expect, it } from 'vitest';
import type { Report } from '../../cli/report.ts';
import { EXPERIMENTS } from '../../vmm/boards/index.ts';
import { vsmmu } from '../support/vsmmu-command.ts';

/** Without warm-up rounds: these tests do not depend on measurements. */
const boot = (...args: string[]) => vsmmu('boot', 'toy', '--arg', 'warmup=0', ...args);

describe('experiments', () => {
  it.each(EXPERIMENTS.map((experiment) => [experiment.name, experiment] as const))(
    '%s has the documented result',
    async (name, experiment) => {
      const { status, stdout } = await boot('--experiment', name, '--json');
      const report = JSON.parse(stdout) as Report;
      expect([status, report.ok]).toEqual([0, true]);
      const held = report.checks
        .filter(({ ok }) => ok)
        .map((check) => check.name.replace(/^vm\d+: /, ''));
      expect(held).toEqual(expect.arrayContaining([...experiment.checks]));
      expect(held.some((check) => check.startsWith('isolation: IOTLB entries'))).toBe(
        experiment.attacks,
      );
      for (const path of ['direct', 'ecmdq', 'overlay'])
        expect(held.includes(`0 exits during ${path}-path batches`)).toBe(experiment.measures);
      expect(report.paths.map(({ path, batch }) => `${path} ${batch}`)).toEqual(
        experiment.measures
          ? ['direct', 'trapped', 'ecmdq', 'overlay'].flatMap((path) =>
              [1, 16, 64].map((batch) => `${path} ${batch}`),
            )
          : [],
      );
    },
  );

  it('ends with a summary of the result', async () => {
    const { stdout } = await boot('--experiment', 'hyp-own');
    expect(stdout).toMatch(/Ask for HYP_OWN\n.*\n {2}HYP_OWN reads 0 whatever is written/);
  });

  it('names the command that is missing while a stale entry is used', async () => {
    const { stdout } = await boot('--experiment', 'stale-dma');
    const seen = stdout.split('\n').filter((line) => line.includes('The sanitizer meanwhile'));
    expect(seen).toEqual([
      expect.stringMatching(
        / stale IOTLB entry, StreamID 0x8 .*missing: TLBI_NH_VA VMID=0x0 ASID=0x1 Leaf=0x1 Address=0x100000000$/,
      ),
    ]);
    // The command follows later: nothing is found.
    expect(stdout).toMatch(/ok {2}.*sanitizer: no forgotten invalidation/);
  });

  it.each([
    [['--experiment', 'nope'], /^vsmmu: .*one of hyp-own, .*btm-vmids, not "nope"\n$/],
    [
      ['--experiment', 'foreign-ids', '--vms', '1'],
      /^vsmmu: foreign-ids needs at least 2 machines\n$/,
    ],
    [['--experiment', 'hyp-own', '--path', 'direct'], /^vsmmu: hyp-own chooses its path itself\n$/],
  ])('refuses %j in one line', async (args, message) => {
    expect(await boot(...args)).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
  });
});

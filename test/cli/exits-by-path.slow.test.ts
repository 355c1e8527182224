// SPDX-License-Identifier: MIT
// The report's exits for invalidations, by path, of both toys, with and without threads.

import { describe, expect, it } from 'vitest';
import type { Report } from '../../cli/report.ts';
import { vsmmuProcess } from '../support/vsmmu-command.ts';

async function report(...options: string[]): Promise<Report> {
  const { stdout } = await vsmmuProcess('boot', 'toy', '--vms', '1', '--json', ...options);
  return JSON.parse(stdout) as Report;
}

/** Accesses to PROD and CONS of the CMDQ, by the counts of registers. */
const ofCmdq = ({ exits: { byRegister } }: Report) =>
  (byRegister['smmuv3.CMDQ_PROD'] ?? 0) + (byRegister['smmuv3.CMDQ_CONS'] ?? 0);

const exitsOf = ({ ways }: Report, path: string) => ways.find((way) => way.path === path)?.exits;

describe.each(['wasm', 'arm64'])('exits for invalidations of the %s toy', (arch) => {
  describe.each(['inline', 'mailbox'])('%s', (transport) => {
    const run = (...options: string[]) =>
      report('--arch', arch, '--transport', transport, ...options);

    it.each(['--path trapped', '--no-direct-maps'])('are most on %s', async (options) => {
      const found = await run(...options.split(' '));
      expect(found.ok).toBe(true);
      expect(found.ways.map(({ path }) => path)).toEqual(['trapped']);
      expect(found.exits.duringInvalidation).toBe(exitsOf(found, 'trapped'));
      // A few others are those of its configuration.
      expect(exitsOf(found, 'trapped')).toBeGreaterThan(0.9 * ofCmdq(found));
      expect(exitsOf(found, 'trapped')).toBeLessThanOrEqual(ofCmdq(found));
    });

    it('are none on --path direct through VCMDQs', async () => {
      const found = await run('--path', 'direct');
      expect(found.ok).toBe(true);
      expect(exitsOf(found, 'direct')).toBe(0);
      expect(found.exits.duringInvalidation).toBe(exitsOf(found, 'trapped'));
      expect(found.exits.duringInvalidation).toBeLessThan(100);
    });

    it('are none on --path overlay', async () => {
      const found = await run('--path', 'overlay');
      expect(found.ok).toBe(true);
      expect(found.ways.map(({ path, exits }) => [path, exits])).toEqual([['overlay', 0]]);
      expect(found.exits.duringInvalidation).toBe(0);
    });
  });
});

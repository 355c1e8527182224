// SPDX-License-Identifier: MIT
// The report's exits for invalidations of a kernel, by path, in both roles, with and without threads.

import { describe, expect, it } from 'vitest';
import type { Report } from '../../cli/report.ts';
import { vsmmuProcess } from '../support/vsmmu-command.ts';

async function report(...options: string[]): Promise<Report> {
  const run = ['--append', 'quiet', '--run', 'bench 1 20 1', '--json'];
  const { stdout } = await vsmmuProcess('boot', 'linux', ...run, ...options);
  const found = JSON.parse(stdout) as Report;
  expect(found.ok).toBe(true);
  return found;
}

const exitsByPath = ({ ways }: Report) =>
  Object.fromEntries(ways.map(({ path, exits }) => [path, exits]));

describe.each(['inline', 'mailbox'])('exits for invalidations of Linux, %s', (transport) => {
  const run = (...options: string[]) => report('--transport', transport, ...options);

  it.each(['guest', 'host'])('are none through VCMDQs, in role %s', async (role) => {
    const found = await run('--role', role);
    expect(exitsByPath(found)).toEqual({ direct: 0, trapped: 0 });
    expect(found.exits.duringInvalidation).toBe(0);
  });

  it('are none on the overlay path', async () => {
    expect(exitsByPath(await run('--path', 'overlay'))).toEqual({ overlay: 0 });
  });

  it('are those of the VCMDQs on the trapped path: for each, PROD once, and CONS', async () => {
    const found = await run('--path', 'trapped');
    expect(found.vcmdq.syncs).toBeGreaterThan(0);
    expect(Object.keys(exitsByPath(found))).toEqual(['trapped']);
    expect(found.exits.duringInvalidation).toBeGreaterThanOrEqual(2 * found.vcmdq.syncs);
  });

  it('are those of the CMDQ while the driver bypasses the VCMDQs', async () => {
    const found = await run('--run', 'bypass Y; bench 1 20 1');
    expect(exitsByPath(found)).toEqual({ trapped: found.exits.duringInvalidation });
    expect(found.exits.duringInvalidation).toBeGreaterThan(0);
  });
});

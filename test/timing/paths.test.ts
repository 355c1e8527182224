// SPDX-License-Identifier: MIT
// The costs of the paths, relative to each other in one run. Absolute times mean nothing
// on a shared machine; their order does.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';

interface PathResult {
  readonly path: 'direct' | 'trapped';
  readonly batch: number;
  readonly p50Ns: number;
  readonly exitsPerBatch: number;
}

describe('TLBI and CMD_SYNC on the two paths, interleaved', () => {
  it('direct takes at most 0.8 of the time of trapped for a single command, and causes no exit', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(PROJECT, 'dist/cli/main.js'), 'boot', 'toy', '--vms', '1', '--json'],
      {
        maxBuffer: 1 << 24,
      },
    );
    const paths = (JSON.parse(stdout) as { paths: PathResult[] }).paths;
    const of = (path: string, batch: number) =>
      paths.find((result) => result.path === path && result.batch === batch);
    for (const batch of [1, 16, 64]) {
      expect(of('direct', batch)?.exitsPerBatch).toBe(0);
      // One store of CMDQ_PROD, at least one read of CMDQ_CONS.
      expect(of('trapped', batch)?.exitsPerBatch).toBeGreaterThanOrEqual(2);
    }
    const ratio = (of('direct', 1)?.p50Ns ?? Number.NaN) / (of('trapped', 1)?.p50Ns ?? 0);
    expect(ratio).toBeLessThanOrEqual(0.8);
  });
});

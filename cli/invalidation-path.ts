// SPDX-License-Identifier: MIT
// Which way the invalidations of the toy or of a kernel take, of what was asked for: some options of a
// machine leave only one.

import type { ToyPath } from '../vmm/boards/index.ts';
import type { BootSettings } from './boot-settings.ts';
import { UsageError } from './cli-error.ts';

/** The path that is left without one that was asked for; undefined: any. */
function onlyPath({ overlay, directMaps, queues }: BootSettings): ToyPath | undefined {
  // The overlay and ECMDQs exclude each other; that is told where the machine is made.
  if (overlay && queues !== 'ecmdq') return 'overlay';
  return directMaps === false ? 'trapped' : undefined;
}

/**
 * The settings of a run with the one path that its other options leave. Of other guests than the toy and
 * kernels nobody knows which way they take.
 * @throws {UsageError} when another one was asked for.
 */
export function withPath(settings: BootSettings): BootSettings {
  const { path, overlay, directMaps, experiment, arch, guest } = settings;
  const isKernel = arch === 'arm64' && guest !== 'toy';
  if (isKernel && path === 'all')
    throw new UsageError('--path all compares the paths of the toy: give a kernel one of them');
  const only = isKernel || guest === 'toy' ? onlyPath(settings) : undefined;
  if (only === undefined) return settings;
  const flag = only === 'overlay' ? '--overlay' : '--no-direct-maps';
  if (overlay && directMaps === false)
    throw new UsageError('--overlay maps the CMDQ directly: it excludes --no-direct-maps');
  if (experiment !== undefined)
    throw new UsageError(`${experiment} chooses its path itself: it excludes ${flag}`);
  // A driver that wants a CMDQV where there is none finds that out, and goes on with the CMDQ.
  if (only === 'overlay' && path === 'direct') return settings;
  if (path !== undefined && path !== only)
    throw new UsageError(`${flag} leaves the ${only} path alone, not --path ${path}`);
  return { ...settings, path: only };
}

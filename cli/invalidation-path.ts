// SPDX-License-Identifier: MIT
// Determines the path of the invalidations of the toy or of a kernel: some options of a machine
// permit only one.

import type { ToyPath } from '../vmm/boards/index.ts';
import type { BootSettings } from './boot-settings.ts';
import { UsageError } from './cli-error.ts';

/** The only path that the options permit; undefined if they permit any. */
function onlyPath({ overlay, directMaps, queues }: BootSettings): ToyPath | undefined {
  // The overlay and ECMDQs exclude each other; creating the machine reports that.
  if (overlay && queues !== 'ecmdq') return 'overlay';
  return directMaps === false ? 'trapped' : undefined;
}

/**
 * The settings of a run, with the only path that its other options permit, if there is only one.
 * Settings of guests other than the toy and kernels are not changed.
 * @throws {UsageError} if another path was asked for.
 */
export function withPath(settings: BootSettings): BootSettings {
  const { path, overlay, directMaps, experiment, arch, guest } = settings;
  const isKernel = arch === 'arm64' && guest !== 'toy';
  if (isKernel && path === 'all')
    throw new UsageError(
      '--path all is for the toy, which compares the paths: choose one for a kernel',
    );
  const only = isKernel || guest === 'toy' ? onlyPath(settings) : undefined;
  if (only === undefined) return settings;
  const flag = only === 'overlay' ? '--overlay' : '--no-direct-maps';
  if (overlay && directMaps === false)
    throw new UsageError('--overlay maps the CMDQ directly: it excludes --no-direct-maps');
  if (experiment !== undefined)
    throw new UsageError(`${experiment} chooses its path itself: it excludes ${flag}`);
  // The toy looks for a CMDQV, does not find it, and continues with the CMDQ.
  if (only === 'overlay' && path === 'direct' && !isKernel) return settings;
  if (path !== undefined && path !== only)
    throw new UsageError(`${flag} permits only the ${only} path, not --path ${path}`);
  return { ...settings, path: only };
}

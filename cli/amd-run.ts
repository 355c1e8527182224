// SPDX-License-Identifier: MIT
// `vsmmu boot` and `inspect` on a host with an AMD IOMMU: refused options, and checks of exits.

import type { Machine } from '../vmm/api/index.ts';
import type { Check } from '../vmm/report/checks.ts';
import { BOOT_SETTINGS, type BootSettings } from './boot-settings.ts';
import { UsageError } from './cli-error.ts';
import { flagName } from './flags.ts';

/** Options about an SMMU, its queues, or threads, which an AMD host does not have. */
const SMMU_OPTIONS = [
  'smmus',
  'vintfs',
  'vcmdqs',
  'idRegisters',
  'btm',
  'iotlbCheck',
  'path',
  'overlay',
  'queues',
  'directMaps',
  'experiment',
  'onQueueError',
  'trace',
  'traceLimit',
  'secondary',
] as const satisfies readonly (keyof BootSettings)[];

const EXCLUDED = 'is for an SMMU: it excludes --iommu amd';

/** @throws {UsageError} if an option cannot be combined with an AMD IOMMU. */
export function checkAmdOptions(settings: BootSettings): void {
  const given = SMMU_OPTIONS.find((name) => settings[name] !== undefined);
  if (given !== undefined)
    throw new UsageError(`${flagName(given, BOOT_SETTINGS[given])} ${EXCLUDED}`);
  const { vcpus = 1, transport = 'inline', drain = 'doorbell' } = settings;
  if (vcpus > 1)
    throw new UsageError('--vcpus must be 1 with --iommu amd: a guest has one command buffer');
  if (transport !== 'inline' || drain !== 'doorbell')
    throw new UsageError(
      '--iommu amd runs guests inline and serves their command buffers where they ring: ' +
        'it excludes other values of --transport and --drain',
    );
}

/** Checks, by the host's counts, that the toys' invalidations caused no exit. */
export function amdExitChecks(machines: readonly Machine[]): Check[] {
  const exits = machines.reduce((sum, { statistics }) => sum + statistics.exits.duringDirect, 0);
  const commands = machines.reduce((sum, { statistics }) => sum + statistics.vcmdq.commands, 0);
  return [
    {
      name: '0 exits during invalidations through command buffers',
      ok: exits === 0 && commands > 0,
      detail: `${exits} counted by the host, ${commands} commands`,
    },
  ];
}

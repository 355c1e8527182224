// SPDX-License-Identifier: MIT
// The model of a host with an AMD IOMMU, and the options of hosts and machines that
// require an SMMU.

import type { ModuleUrls } from '../../assembly/load.ts';
import { checkedClock } from '../../devices/bus/index.ts';
import { AmdHost } from '../nested/amd/index.ts';
import { OptionsError } from './api-errors.ts';
import type { HostOptions } from './host-options.ts';
import type { MachineSettings } from './settings.ts';

const MIB = 2 ** 20;

/** Options of a host that an AMD IOMMU does not support. */
const NOT_FOR_HOSTS = [
  'smmus',
  'vintfs',
  'vcmdqs',
  'idRegisters',
  'btm',
  'iotlbCheck',
  'onQueueError',
  'onFinding',
  'trace',
  'traceLimit',
  'faults',
  'wasmModule',
] as const satisfies readonly (keyof HostOptions)[];

/** The same for its machines, which have one vCPU that rings its own command buffer. */
const NOT_FOR_MACHINES = [
  'overlay',
  'queues',
  'btm',
  'behind',
] as const satisfies readonly (keyof MachineSettings)[];

function refuse(option: string, why: string): never {
  throw new OptionsError('bad-option', option, `${option} ${why}`);
}

/** @throws {OptionsError} for the first of the names that is present, and not false. */
function refuseGiven<T extends object>(options: T, names: readonly (keyof T & string)[]): void {
  const given = names.find((name) => options[name] !== undefined && options[name] !== false);
  if (given !== undefined) refuse(given, 'is for an SMMU: it excludes iommu amd');
}

/**
 * @param options of the host, checked.
 * @param moduleUrls places of its modules; other modules named there are not loaded.
 * @throws {OptionsError} when an option requires an SMMU.
 * @throws {EnvironmentError} when a WebAssembly module cannot be loaded.
 */
export async function createAmdModel(
  options: HostOptions,
  moduleUrls: ModuleUrls,
): Promise<AmdHost> {
  refuseGiven(options, NOT_FOR_HOSTS);
  const { hostRam, clock } = options;
  return await AmdHost.create({
    moduleUrls,
    ...(hostRam === undefined ? {} : { ramSize: hostRam * MIB }),
    ...(clock === undefined ? {} : { clock: checkedClock(clock) }),
  });
}

/**
 * @throws {OptionsError} when an option of a machine is not supported with an AMD IOMMU.
 */
export function checkAmdMachine(settings: MachineSettings, hasBoard: boolean): void {
  refuseGiven(settings, NOT_FOR_MACHINES);
  const { vcpus = 1, transport = 'inline', drain = 'doorbell' } = settings;
  if (hasBoard) refuse('board', 'must be the standard one with an AMD IOMMU');
  if (vcpus > 1) refuse('vcpus', 'must be 1 with an AMD IOMMU: a guest has one command buffer');
  if (transport !== 'inline')
    refuse('transport', 'must be inline with an AMD IOMMU: its guests have no threads');
  if (drain !== 'doorbell')
    refuse('drain', 'must be doorbell with an AMD IOMMU: no other thread serves command buffers');
}

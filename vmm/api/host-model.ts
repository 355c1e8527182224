// SPDX-License-Identifier: MIT
// The model of a host, built from its user's options, which are checked here.

import * as v from 'valibot';
import { IDR0_BTM } from '../../assembly/layout/smmu-registers.ts';
import {
  type HotModuleUrls,
  isChecked,
  loadHotModules,
  type ModuleUrls,
} from '../../assembly/load.ts';
import { checkedClock } from '../../devices/bus/index.ts';
import { EnvironmentError, withBits } from '../../devices/plugin/index.ts';
import { allNamesOf } from '../../devices/plugin/known-names.ts';
import {
  GRACE_ID_REGISTERS,
  PHYSICAL_ID_REGISTERS,
  type SmmuIdRegisters,
} from '../../devices/smmuv3/index.ts';
import { HOT_MODULES } from '../../devices/unit/hot-modules.ts';
import { HostError } from '../../host/hardware/index.ts';
import { IommufdError, type ResourceGate } from '../../host/iommufd/index.ts';
import type { Finding, FindingOwner } from '../inspect/sanitizer/index.ts';
import type { AmdHost } from '../nested/amd/index.ts';
import { VmHost } from '../nested/index.ts';
import type { WorkerUrls } from '../threads/index.ts';
import { createAmdModel } from './amd-model.ts';
import { OptionsError } from './api-errors.ts';
import { filePlaces } from './file-places.ts';
import type { HostFaults, HostOptions } from './host-options.ts';
import {
  checkFlag,
  checkFunctions,
  checkInnerPlain,
  checkInterface,
  checkPlainOptions,
} from './option-checks.ts';
import { integer, yesNo } from './option-values.ts';
import type { Capability } from './probe.ts';
import { HOST_SETTINGS, type HostSettings, type IdRegisters } from './settings.ts';

/** 8 MiB of trace ring: some hundred thousand commands between two yields. */
const TRACE_UNITS = 2 ** 18;
const MIB = 2 ** 20;
const DEFAULT_VINTFS = 16;
/** Options of a host that are not plain data. */
const OTHERS = allNamesOf<Omit<HostOptions, keyof HostSettings>>({
  wasmModule: true,
  wasmUrl: true,
  workerUrl: true,
  onQueueError: true,
  onFinding: true,
  clock: true,
  trace: true,
  faults: true,
});
const MODULES = [
  ...HOT_MODULES,
  ...allNamesOf<Omit<ModuleUrls, keyof HotModuleUrls>>({
    amdIommu: true,
    amdUnit: true,
    privateAmdUnit: true,
    arm64: true,
    gicv3: true,
  }),
];
const WORKERS = allNamesOf<WorkerUrls>({
  vcpu: true,
  drain: true,
});
/** The range of a JavaScript timer. */
const milliseconds = v.optional(integer(0, 2 ** 31 - 1));
const FAULTS = {
  drainDelay: milliseconds,
  drainLifetime: milliseconds,
  separateVmids: v.optional(yesNo),
} satisfies Record<Exclude<keyof HostFaults, 'outOfMemory'>, v.GenericSchema>;

/** Called with the sanitizer's findings in one machine. */
export interface FindingReceiver {
  onFinding(finding: Finding, owner: FindingOwner): void;
  onSuspect(finding: Finding, owner: FindingOwner): void;
}

function idRegistersOf(which: IdRegisters | undefined, btm: boolean): SmmuIdRegisters {
  const ids = which === 'grace' ? GRACE_ID_REGISTERS : PHYSICAL_ID_REGISTERS;
  return btm ? { ...ids, idr0: withBits(ids.idr0, IDR0_BTM, 1) } : ids;
}

/** Refuses the allocations that the `faults` option selects. */
function memoryGate(faults: HostFaults): ResourceGate {
  return (resource, what) => {
    if (resource === 'allocation' && faults.outOfMemory?.(what))
      throw new IommufdError('ENOMEM', `no memory for ${what}`);
  };
}

/** @throws {OptionsError} when it is present, and not a result of `loadHotModules`. */
function checkModules(modules: unknown): void {
  if (modules === undefined) return;
  const all = typeof modules === 'object' && modules !== null ? Object.entries(modules) : [];
  const isModule = ([name, module]: [string, unknown]) =>
    HOT_MODULES.some((known) => known === name) && module instanceof WebAssembly.Module;
  if (all.length > 0 && all.every(isModule)) return;
  const message = 'wasmModule must be what loadHotModules has loaded';
  throw new OptionsError('bad-option', 'wasmModule', message);
}

/** @throws {EnvironmentError} when a required feature of WebAssembly is missing here. */
function needWebAssembly({ available, reason }: Capability): void {
  if (!available) throw new EnvironmentError('no-webassembly', reason ?? '');
}

/** What a host is built from. */
export interface HostModel {
  readonly model: VmHost | AmdHost;
  /** Places of library files that are loaded for its machines. */
  readonly places: {
    readonly wasmUrl: ModuleUrls;
    readonly workerUrl: WorkerUrls;
  };
}

/**
 * @throws {OptionsError} when an option is wrong.
 * @throws {EnvironmentError} when WebAssembly is missing here, or the hot modules cannot
 *   be loaded.
 */
export async function createHostModel(
  options: HostOptions,
  webAssembly: Capability,
  { onFinding: onFindingOf, onSuspect }: FindingReceiver,
): Promise<HostModel> {
  const settings = checkPlainOptions(HOST_SETTINGS, options, OTHERS, 'the options of a host');
  checkFunctions(options, ['onQueueError', 'onFinding']);
  checkFlag(options, 'trace');
  checkModules(options.wasmModule);
  const places = {
    wasmUrl: filePlaces(options.wasmUrl, 'wasmUrl', MODULES),
    workerUrl: filePlaces(options.workerUrl, 'workerUrl', WORKERS),
  };
  checkInnerPlain(options, 'faults', FAULTS, ['outOfMemory']);
  if (options.faults) checkFunctions(options.faults, ['outOfMemory'], 'faults');
  checkInterface(options, 'clock', ['nowNs']);
  const {
    smmus = 1,
    hostRam,
    vintfs = DEFAULT_VINTFS,
    vcmdqs,
    idRegisters,
    btm = false,
    iotlbCheck = false,
  } = settings;
  if (vcmdqs !== undefined && vcmdqs < vintfs) {
    throw new OptionsError(
      'bad-option',
      'vcmdqs',
      `vcmdqs must be at least as many as vintfs, ${vintfs}, not ${vcmdqs}`,
    );
  }
  if (settings.iommu === 'amd') {
    needWebAssembly(webAssembly);
    return { model: await createAmdModel(options, places.wasmUrl), places };
  }
  if (settings.traceLimit !== undefined && !options.trace)
    throw new OptionsError('bad-option', 'traceLimit', 'traceLimit needs trace: there is none');
  const { wasmModule, onQueueError, onFinding, clock } = options;
  if (iotlbCheck && wasmModule && !isChecked(wasmModule)) {
    throw new OptionsError(
      'bad-option',
      'iotlbCheck',
      'iotlbCheck needs a wasmModule that was loaded with { checked: true }',
    );
  }
  needWebAssembly(webAssembly);
  const modules = wasmModule ?? (await loadHotModules(places.wasmUrl, { checked: iotlbCheck }));
  const made = VmHost.create({
    modules,
    onFinding: (finding, owner) => {
      onFinding?.(finding);
      if (owner) onFindingOf(finding, owner);
    },
    onSuspect: (finding, owner) => {
      if (owner) onSuspect(finding, owner);
    },
    smmus: Array.from({ length: smmus }, () => ({})),
    vintfs,
    idRegisters: idRegistersOf(idRegisters, btm),
    separateVmids: options.faults?.separateVmids ?? false,
    ...(vcmdqs === undefined ? {} : { vcmdqs }),
    ...(hostRam === undefined ? {} : { ramSize: hostRam * MIB }),
    ...(onQueueError === undefined ? {} : { onQueueError }),
    ...(clock === undefined ? {} : { clock: checkedClock(clock) }),
    traceUnits: options.trace ? TRACE_UNITS : undefined,
    ...(options.faults === undefined ? {} : { gate: memoryGate(options.faults) }),
  });
  const model = await made.catch((cause: unknown) => {
    if (hostRam === undefined || !(cause instanceof HostError) || cause.code !== 'no-ram')
      throw cause;
    throw new OptionsError(
      'bad-option',
      'hostRam',
      `hostRam must be more than ${hostRam} MiB: the tables and queues of the host do not fit`,
    );
  });
  return { model, places };
}
